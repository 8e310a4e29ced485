package interval_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/interval"
)

// Without, Join and Within are what sets of nanoseconds would be.
func TestPropertyIntervals(t *testing.T) {
	const most = 40
	spans := rapid.Custom(func(t *rapid.T) []interval.Interval {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) interval.Interval {
			from := rapid.IntRange(0, most-1).Draw(t, "from")
			to := rapid.IntRange(from, most).Draw(t, "to")
			return interval.Interval{time.Duration(from), time.Duration(to)}
		}), 0, 8).Draw(t, "spans")
	})
	set := func(all []interval.Interval) (in [most]bool) {
		for _, s := range all {
			for i := s.From; i < s.To; i++ {
				in[i] = true
			}
		}
		return in
	}
	rapid.Check(t, func(t *rapid.T) {
		some, others := spans.Draw(t, "some"), spans.Draw(t, "others")
		want := set(some)
		some = interval.Join(some, 0)
		from := rapid.IntRange(0, most).Draw(t, "within from")
		to := rapid.IntRange(from, most).Draw(t, "within to")
		inside := time.Duration(0)
		for _, in := range want[from:to] {
			if in {
				inside++
			}
		}
		require.Equal(t, inside, interval.Within(some, time.Duration(from), time.Duration(to)))
		require.Equal(t, want, set(some))
		for i := range some[min(1, len(some)):] {
			require.Greater(t, some[i+1].From, some[i].To)
		}
		for i, out := range set(others) {
			want[i] = want[i] && !out
		}
		require.Equal(t, want, set(interval.Without(some, interval.Join(others, 0))))
	})
}
