package result

import "strings"

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
