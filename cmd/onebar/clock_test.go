package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

// clocks is a minute of payments in which answers are lost, with clocks that are wrong.
func clocks(t *testing.T, events ...harness.Event) harness.Scenario {
	t.Helper()
	sc, err := loadBundled("answers-lost", library())
	require.NoError(t, err)
	sc.Expect, sc.Settle, sc.Workload.Deadline = nil, 10*time.Minute, 5*time.Minute
	sc.Timeline = append(sc.Timeline, events...)
	return sc
}

// TestClocks: the pair keeps its word whatever its clocks show.
func TestClocks(t *testing.T) {
	day := harness.Event{At: 12 * time.Second, For: 20 * time.Second, Action: harness.Clock, Side: harness.Server, By: 24 * time.Hour}
	behind := harness.Event{At: 5 * time.Second, For: 20 * time.Second, Action: harness.Clock, Side: harness.Server, By: -2 * time.Minute}
	phones := harness.Event{At: 3 * time.Second, For: 25 * time.Second, Action: harness.Clock, Side: harness.Client, By: 90 * time.Second}
	drift := harness.Event{At: time.Second, Action: harness.Clock, Side: harness.Client, Drift: -10 * time.Minute}
	run := func(sc harness.Scenario, seed uint64) result.Result {
		report, err := simulator().Run(t.Context(), cases.Case{Scenario: sc, Seed: seed})
		require.NoError(t, err)
		return report.Result
	}
	for name, events := range map[string][]harness.Event{
		"a day ahead": {day}, "the bank behind": {behind}, "phones ahead": {phones}, "drift": {drift}, "both": {behind, phones, drift},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 3; seed++ {
				res := run(clocks(t, events...), seed)
				require.Equal(t, result.Pass, res.Status, "%v", res.Verdicts)
			}
		})
	}
}
