package cases_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

func TestRankPutsTheWorstFirst(t *testing.T) {
	require.Equal(t, 0, cases.Rank(result.Broken, result.StatusUnknown))
	require.Equal(t, 1, cases.Rank("lost", result.Fail))
	require.Equal(t, 2, cases.Rank("lost", result.StatusUnknown))
}

// What is kept is what was there first, whatever the order in which it comes.
func TestPropertyKeepFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		come := rapid.SliceOfDistinct(rapid.IntRange(0, 50), rapid.ID).Draw(t, "come")
		most := rapid.IntRange(1, 10).Draw(t, "most")
		var numbers, values []int
		for _, n := range come {
			at := cases.KeepFirst(&numbers, &values, most, n, -n)
			require.Equal(t, slices.Index(numbers, n), at)
		}
		want := slices.Sorted(slices.Values(come))
		want = want[:min(most, len(want))]
		require.ElementsMatch(t, want, numbers)
		require.True(t, slices.IsSorted(numbers))
		for i, n := range numbers {
			require.Equal(t, -n, values[i])
		}
	})
}

func TestParallel(t *testing.T) {
	for _, jobs := range []int{0, 1, 3, 100} {
		items := []int{1, 2, 3, 4, 5, 6, 7}
		var mu sync.Mutex
		var done []int
		running, most := 0, 0
		cases.Parallel(jobs, slices.Values(items), func(i int) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			running--
			done = append(done, i)
		})
		require.ElementsMatch(t, items, done)
		require.LessOrEqual(t, most, max(jobs, 1))
		if jobs <= 1 {
			require.Equal(t, items, done, "one at a time is in order")
		}
	}
}
