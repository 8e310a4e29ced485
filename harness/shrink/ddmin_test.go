package shrink

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// firstOf makes what minimise asks of a predicate.
func firstOf(passes func([]int) bool) func([][]int) int {
	return func(parts [][]int) int { return slices.IndexFunc(parts, passes) }
}

// What is needed is found, and nothing beside it.
func TestPropertyMinimiseFindsWhatIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "length")
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		needed := rapid.SliceOfNDistinct(rapid.IntRange(0, max(n-1, 0)), 0, n, rapid.ID[int]).Draw(t, "needed")
		slices.Sort(needed)
		tests := 0
		got := minimise(list, firstOf(func(part []int) bool {
			tests++
			for _, x := range needed {
				if !slices.Contains(part, x) {
					return false
				}
			}
			return true
		}))
		require.ElementsMatch(t, needed, got)
		require.True(t, slices.IsSorted(got))
		require.LessOrEqual(t, tests, n*n+3*n+1, "ddmin's bound")
	})
}

// Whatever the predicate, nothing can be left out of what is found.
func TestPropertyMinimiseIsOneMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "length")
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		accepted := rapid.SliceOfN(rapid.Bool(), 1<<n, 1<<n).Draw(t, "accepted")
		passes := func(part []int) bool {
			bits := 0
			for _, x := range part {
				bits |= 1 << x
			}
			return accepted[bits] || bits == 1<<n-1
		}
		got := minimise(list, firstOf(passes))
		require.True(t, passes(got))
		for i := range got {
			require.False(t, passes(slices.Delete(slices.Clone(got), i, i+1)), "without %d of %v", got[i], got)
		}
	})
}

func TestMinimiseEndsWhenNothingPassesAnyMore(t *testing.T) {
	left := 5
	got := minimise([]int{1, 2, 3, 4, 5, 6, 7, 8}, func(parts [][]int) int {
		if left--; left < 0 {
			return -1
		}
		return slices.IndexFunc(parts, func(p []int) bool { return len(p) > 5 })
	})
	require.Len(t, got, 6)
}
