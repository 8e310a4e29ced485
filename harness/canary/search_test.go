package canary_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/canary"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sweep"
)

// A sweep meets the moment of each bug; an exploration of a scenario without a fault does not.
func TestSearchesForAPlantedBug(t *testing.T) {
	c := casestest.OnePayment()
	found, err := canary.Sweep(c.Scenario, "forget-keys", func(sc harness.Scenario) (sweep.Result, error) {
		require.Equal(t, []string{"forget-keys"}, sc.Subject.Broken)
		c := c
		c.Scenario = sc
		return sweep.Packets(t.Context(), casestest.Pair(), c, sweep.Options{FailFast: true})
	})
	require.NoError(t, err)
	require.Equal(t, result.Pass, found.Status)
	require.Contains(t, found.Summary, "the planted bug forget-keys was found: crash server after commit, duplicated: ")

	missed, err := canary.Explore(t.Context(), casestest.Pair(), []harness.Scenario{c.Scenario}, explore.Options{Seeds: 3}, "forget-keys")
	require.NoError(t, err)
	require.Equal(t, result.StatusUnknown, missed.Status)
	require.Contains(t, missed.Summary, "the planted bug forget-keys was not found in 3 runs")

	found, err = canary.Explore(t.Context(), casestest.Pair(), []harness.Scenario{c.Scenario}, explore.Options{Seeds: 3}, "answer-before-commit")
	require.NoError(t, err)
	require.Equal(t, result.Pass, found.Status)
	require.Contains(t, found.Summary, "found: one, seed 0: early: ")
	require.Empty(t, c.Scenario.Subject.Broken)

	// A threshold that fails is not the bug.
	c.Scenario.Expect = []harness.Expectation{{Text: "confirmed > 5"}}
	missed, err = canary.Explore(t.Context(), casestest.Pair(), []harness.Scenario{c.Scenario}, explore.Options{Seeds: 3}, "forget-keys")
	require.NoError(t, err)
	require.Equal(t, result.StatusUnknown, missed.Status)
}

func TestRunWithBugsInItsLedger(t *testing.T) {
	c := casestest.OnePayment()
	c.Dir = filepath.Join(t.TempDir(), "canary")
	v, err := canary.Run(t.Context(), casestest.Pair(), c)
	require.NoError(t, err)
	require.Equal(t, result.Pass, v.Status)
	require.FileExists(t, filepath.Join(c.Dir, "history.jsonl"))

	c.Scenario.Subject.Broken = []string{"nothing"}
	_, err = canary.Run(t.Context(), casestest.Pair(), c)
	require.ErrorContains(t, err, "run the canary")
}
