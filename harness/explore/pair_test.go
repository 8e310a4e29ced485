package explore_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// badDay returns the bundled scenario of that name, of a pair with a planted bug.
func badDay(t *testing.T, broken ...string) harness.Scenario {
	t.Helper()
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	data, err := fs.ReadFile(scenarios.FS, "bad-day.yaml")
	require.NoError(t, err)
	sc, err := spec.Parse("bad-day.yaml", data, lib)
	require.NoError(t, err)
	sc.Expect, sc.Subject.Broken = nil, broken
	return sc
}

// Two shards of an exploration of the pair, merged, are equal to one exploration.
func TestShardsOfThePairMergedAreOneExploration(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 24 runs")
	}
	o := explore.Options{Seeds: 12, First: 1, Jobs: 2, KeepGoing: true}
	list := []harness.Scenario{badDay(t, "forget-keys")}
	one, err := explore.Explore(t.Context(), casestest.Pair(), list, o)
	require.NoError(t, err)
	var parts []result.Exploration
	for i := range 2 {
		o.Shard = selection.Shard{Index: i + 1, Total: 2}
		part, err := explore.Explore(t.Context(), casestest.Pair(), list, o)
		require.NoError(t, err)
		require.Equal(t, 6, part.Runs)
		parts = append(parts, part.Exploration)
	}
	got, err := explore.Merge(parts)
	require.NoError(t, err)
	got.Took = one.Took
	require.Equal(t, one.Exploration, got)
}
