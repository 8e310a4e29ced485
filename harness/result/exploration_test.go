package result_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// The limits were checked with sums of exact fractions: at the limit, the probability of at
// most as many failures is 5 %.
func TestFailureRateBelow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failed, judged int
		want           float64
	}{
		{0, 1, 0.95},
		{0, 2, 0.7764},
		{0, 29, 0.0981},
		{0, 30, 0.1},
		{0, 1_000_000, 3e-6},
		{1, 10, 0.3942},
		{1, 1000, 0.004735},
		{5, 100, 0.1023},
		{50, 100, 0.5863},
		{999, 1000, 0.99995},
		{10, 10, 1},
	} {
		x := result.Exploration{Runs: c.judged, Planned: c.judged, Passed: c.judged - c.failed, Failed: c.failed}
		require.InDelta(t, c.want, x.FailureRateBelow(), c.want*1e-3, "%d of %d", c.failed, c.judged)
	}
	require.Zero(t, result.Exploration{}.FailureRateBelow())
	require.Zero(t, result.Exploration{Runs: 3, Planned: 9, Passed: 2, Failed: 1}.FailureRateBelow(), "it ended at the failure")
	require.InDelta(t, 3.0/90, result.Exploration{Runs: 100, Planned: 200, Passed: 90, Unknown: 10}.FailureRateBelow(), 1e-9)
	require.Positive(t, result.Exploration{Runs: 2, Planned: 2, Passed: 1, Broken: 1}.FailureRateBelow())
}
