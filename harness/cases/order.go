package cases

import (
	"slices"

	"github.com/onebar/onebar/harness/result"
)

// Rank orders what is wrong with runs, the worst first: 0 if a run could not be
// carried out, 1 for a failure, 2 for anything else. check is harness.Broken or the
// name of a check.
func Rank(check string, status result.Status) int {
	switch {
	case check == result.Broken:
		return 0
	case status == result.Fail:
		return 1
	}
	return 2
}

// KeepFirst adds the value of run number n to values, unless most values of runs with
// lower numbers are kept already, and returns its place there or -1. Runs may come in
// any order. numbers and values belong together and are in the order of the numbers.
func KeepFirst[T any](numbers *[]int, values *[]T, most, n int, value T) int {
	at, _ := slices.BinarySearch(*numbers, n)
	if at >= most {
		return -1
	}
	*numbers, *values = slices.Insert(*numbers, at, n), slices.Insert(*values, at, value)
	if len(*numbers) > most {
		*numbers, *values = (*numbers)[:most], (*values)[:most]
	}
	return at
}
