package shrink

import "slices"

// minimise returns a part of a list that passes a test and from which no single item
// can be removed, in the order of the list: ddmin of Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002. The whole
// list must pass. first gets parts, the preferred ones first, and returns the index of
// the first that passes, or -1. To stop early, it returns -1 for every call from then
// on; minimise then returns the smallest part so far.
func minimise[T any](list []T, first func(parts [][]T) int) []T {
	if len(list) == 0 || first([][]T{nil}) == 0 {
		return nil
	}
	for n := 2; len(list) > 1; {
		n = min(n, len(list))
		parts := divide(list, n)
		tries := parts
		if n > 2 { // the complement of a half is the other half
			tries = append(slices.Clone(parts), complements(list, n)...)
		}
		switch i := first(tries); {
		case i >= len(parts):
			list, n = tries[i], max(n-1, 2)
		case i >= 0:
			list, n = tries[i], 2
		case n == len(list):
			return list
		default:
			n *= 2
		}
	}
	return list
}

// divide cuts a list into n parts, all about as long.
func divide[T any](list []T, n int) [][]T {
	parts := make([][]T, n)
	for i := range parts {
		parts[i] = list[i*len(list)/n : (i+1)*len(list)/n]
	}
	return parts
}

// complements returns the list without each of its n parts in turn.
func complements[T any](list []T, n int) [][]T {
	all := make([][]T, n)
	for i := range all {
		all[i] = slices.Concat(list[:i*len(list)/n], list[(i+1)*len(list)/n:])
	}
	return all
}
