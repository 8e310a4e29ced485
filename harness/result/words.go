package result

import (
	"slices"
	"strings"
)

// Worst returns the worst of exit codes: interrupted, broken, fail, unknown and then pass.
func Worst(codes ...int) int {
	order := []int{ExitPass, ExitUnknown, ExitFail, ExitBroken, ExitInterrupted}
	return slices.MaxFunc(codes, func(a, b int) int { return slices.Index(order, a) - slices.Index(order, b) })
}

// Word names an exit code for people: PASS, FAIL, BROKEN or UNKNOWN.
func Word(exit int) string {
	switch exit {
	case ExitPass:
		return "PASS"
	case ExitFail:
		return "FAIL"
	case ExitBroken:
		return "BROKEN"
	}
	return "UNKNOWN"
}

// WordOf names for people what a check said of a run: its status in upper case, or BROKEN
// if the check is Broken.
func WordOf(check string, s Status) string {
	if check == Broken {
		return Word(ExitBroken)
	}
	return strings.ToUpper(s.String())
}
