package sweep_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/sweep"
)

// shard makes a shard of a sweep of a broken pair, writes it and reads it again.
func shard(t *testing.T, broken string, o sweep.Options) (s result.Sweep) {
	t.Helper()
	got, err := sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment(broken), o)
	require.NoError(t, err)
	text, err := json.Marshal(got.Sweep)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

// The shards of a sweep, merged, are equal to one sweep.
func TestShardsOfASweepMergedAreOneSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a thousand runs")
	}
	for name, c := range map[string]struct {
		broken string
		o      sweep.Options
		shards int
	}{
		"two shards":            {"new-key-per-attempt", sweep.Options{Jobs: 2}, 2},
		"pairs, with some left": {"forget-keys", sweep.Options{Pairs: true, Limit: 330, Jobs: 2}, 2},
		"three shards":          {"forget-keys", sweep.Options{}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			one := shard(t, c.broken, c.o)
			require.NotEmpty(t, one.Findings)
			var parts []result.Sweep
			for i := range c.shards {
				o := c.o
				o.Shard = selection.Shard{Index: i + 1, Total: c.shards}
				parts = append(parts, shard(t, c.broken, o))
				require.Less(t, parts[i].Total().Runs, one.Total().Runs)
				require.Zero(t, parts[i].Rest)
			}
			got, err := sweep.Merge(parts)
			require.NoError(t, err)
			got.Took = one.Took
			require.Equal(t, one, got)
		})
	}
}

// What is wrong without a fault is seen by each shard, and is one finding. A finding of several
// shards is counted over all, and shows the first of them.
func TestMergeOfFindings(t *testing.T) {
	part := func(i int, findings ...result.SweepFinding) result.Sweep {
		return result.Sweep{Stamp: selection.Stamp{Shard: &selection.Shard{Index: i, Total: 2}}, Findings: findings}
	}
	early := result.SweepFinding{Fault: result.NoFault, Check: "early", Status: result.Fail, Runs: 1, Where: []string{""}, Places: []int{-1}, File: "early.yaml"}
	lost := func(fault, file string, places ...int) result.SweepFinding {
		f := result.SweepFinding{Fault: fault, Check: "lost", Status: result.Fail, Runs: len(places), Places: places, Text: file, File: file, History: file, Again: file}
		for _, p := range places {
			f.Where = append(f.Where, fmt.Sprint("packet ", p))
		}
		return f
	}
	got, err := sweep.Merge([]result.Sweep{
		part(1, early, lost("drop", "one", 4, 6, 8), lost("reset", "two", 9)),
		part(2, early, lost("drop", "three", 3, 5, 7)),
	})
	require.NoError(t, err)
	drop, reset := lost("drop", "three", 3, 4, 5), lost("reset", "two", 9)
	drop.Runs = 6
	reset.File, reset.History, reset.Again = "", "", "" // one sweep keeps the first of a check
	require.Equal(t, []result.SweepFinding{early, drop, reset}, got.Findings)
}

// A sweep that ends early says what it has not tried, and is never a pass.
func TestSweepThatEndsEarly(t *testing.T) {
	late := shardOf(t, sweep.Options{For: time.Nanosecond})
	require.Zero(t, late.Total().Runs)
	require.Greater(t, late.Rest, 100)
	require.Equal(t, result.ExitUnknown, late.Exit())

	fast := shard(t, "forget-keys", sweep.Options{FailFast: true})
	require.Equal(t, 1, fast.Total().Failed)
	require.Positive(t, fast.Rest)
	require.Equal(t, result.ExitFail, fast.Exit())

	// Merged, the runs left out stay left out.
	var parts []result.Sweep
	for i := range 2 {
		parts = append(parts, shardOf(t, sweep.Options{For: time.Nanosecond, Shard: selection.Shard{Index: i + 1, Total: 2}}))
	}
	got, err := sweep.Merge(parts)
	require.NoError(t, err)
	require.Equal(t, late.Rest, got.Rest)
	require.Equal(t, result.ExitUnknown, got.Exit())
}

// shardOf makes a sweep of the pair as it is.
func shardOf(t *testing.T, o sweep.Options) result.Sweep {
	t.Helper()
	got, err := sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment(), o)
	require.NoError(t, err)
	return got.Sweep
}

func TestMergeOfSweepsRefuses(t *testing.T) {
	part := func(i int) result.Sweep {
		return result.Sweep{Points: []result.SweepPoints{{Kind: "packets up", N: 4}}, Stamp: selection.Stamp{Shard: &selection.Shard{Index: i, Total: 2}}}
	}
	for _, c := range []struct {
		name    string
		mistake func(*result.Sweep)
		want    string
	}{
		{"interrupted", func(s *result.Sweep) { s.Interrupted = true }, "shard 2/2 was interrupted: make it again"},
		{"another run without a fault", func(s *result.Sweep) { s.Points = []result.SweepPoints{{Kind: "packets up", N: 5}} }, "shard 2/2 has counted other points than shard 1/2 ([{packets up 5}], and not [{packets up 4}])"},
		{"other pairs", func(s *result.Sweep) { s.Pairs = 7 }, "shard 2/2 has found 7 pairs of faults and shard 1/2 0"},
		{"a finding of nowhere", func(s *result.Sweep) { s.Findings = []result.SweepFinding{{Fault: "drop"}} }, "shard 2/2 has a finding without its places"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := part(2)
			c.mistake(&other)
			_, err := sweep.Merge([]result.Sweep{part(1), other})
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := sweep.Merge(nil)
	require.Error(t, err)
}
