package shrink_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/shrink"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// Whatever a broken pair fails in, small or large, comes down to one payment and a
// few events.
func TestShrinkOfBrokenPairs(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	bundled := func(name string) harness.Scenario {
		data, err := fs.ReadFile(scenarios.FS, name+".yaml")
		require.NoError(t, err)
		sc, err := spec.Parse(name+".yaml", data, lib)
		require.NoError(t, err)
		sc.Expect = nil
		return sc
	}
	crashes := bundled("crash") // often enough that one falls between a booking and its answer
	crashes.Timeline = []harness.Event{
		{At: 5 * time.Second, Every: 5 * time.Second, Jitter: time.Second, Action: harness.Crash, Side: harness.Server, Restart: time.Second},
		{At: 7 * time.Second, Every: 9 * time.Second, Action: harness.Reset},
		{At: 12 * time.Second, Action: harness.Blackhole, For: 3 * time.Second},
	}
	edge, ok := lib.Get("edge")
	require.True(t, ok)
	crashes.Link = edge.Profile
	tests := []struct {
		name   string
		sc     harness.Scenario
		broken string
		check  string
		most   int // events
	}{
		{"answers lost, new keys", bundled("answers-lost"), "new-key-per-attempt", "duplicated", 1},
		{"a bus ride, new keys", bundled("bus-ride"), "new-key-per-attempt", "duplicated", 1},
		{"resets, new keys", bundled("reset-storm"), "new-key-per-attempt", "duplicated", 1},
		{"loss, new keys", bundled("rural-2g"), "new-key-per-attempt", "duplicated", 1},
		{"crashes, new keys", crashes, "new-key-per-attempt", "duplicated", 1},
		{"crashes, keys forgotten", crashes, "forget-keys", "duplicated", 2},
		{"crashes, answers too early", bundled("crash"), "answer-before-commit", "lost", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.sc.Subject.Broken = []string{tt.broken}
			found := shrinkFirst(t, cases.Case{Scenario: tt.sc}, tt.check)
			sc := found.Case.Scenario
			t.Logf("seed %d: %d cases, %v", found.Case.Seed, found.Tried, sc.Timeline)
			require.Equal(t, tt.check, found.Check)
			require.Equal(t, result.Fail, found.Report.Result.Verdict(tt.check).Status)
			require.Equal(t, result.ExitFail, found.Report.Result.Exit())
			require.LessOrEqual(t, len(sc.Timeline), tt.most)
			require.Equal(t, 1, sc.Workload.Payments)
			require.Equal(t, 1, sc.Workload.Wallets)
			if tt.broken != "answer-before-commit" { // whose timer on a perfect link meets the crash at one instant, and the scheduler says who is first
				require.Equal(t, harness.Profile{}, sc.Link)
			}
			for _, check := range []string{"impairment", "load"} {
				require.Equal(t, result.Pass, found.Report.Result.Verdict(check).Status)
			}
			require.NoError(t, spec.Write(discard{}, sc, lib), "it can be written as a file")
		})
	}
}

// shrinkFirst shrinks the first seed of a case that fails in a check.
func shrinkFirst(t *testing.T, c cases.Case, check string) shrink.Result {
	t.Helper()
	for c.Seed = 1; c.Seed <= 100; c.Seed++ {
		found, err := shrink.Shrink(t.Context(), casestest.Pair(), c, shrink.Options{Check: check, Jobs: 2})
		if err == nil {
			return found
		}
		require.ErrorIs(t, err, shrink.ErrPasses)
	}
	require.FailNow(t, "no seed fails")
	return shrink.Result{}
}
