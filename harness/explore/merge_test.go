package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/coverage"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
)

// merged makes an exploration in shards, each of which is written and read as JSON, and
// merges them.
func merged(t require.TestingT, ctx context.Context, r cases.Runner, list []harness.Scenario, o Options, shards int) (result.Exploration, error) {
	parts := make([]result.Exploration, shards)
	for i := range shards {
		o.Shard = selection.Shard{Index: i + 1, Total: shards}
		part, err := Explore(ctx, r, list, o)
		require.NoError(t, err)
		text, err := json.Marshal(part.Exploration)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &parts[i]))
	}
	return Merge(parts)
}

// chance is a Runner whose runs come out in ways that the name and the seed decide.
func chance(of map[string][]int) *oracle {
	return &oracle{of: func(c cases.Case) (cases.Report, error) {
		ways := of[c.Scenario.Name]
		switch ways[c.Seed%uint64(len(ways))] {
		case 1:
			return cases.Report{}, &bubble.Failure{Kind: bubble.Panic, Text: fmt.Sprint("panic: ", c.Seed)}
		case 2:
			return became(result.StatusUnknown, result.Fail), nil
		case 3:
			return became(result.StatusUnknown), nil
		case 4:
			r := became(result.Pass, result.Pass)
			r.Coverage = coverage.Counts{"reset hit": 3}
			if missed := int(c.Seed % 3); missed > 0 {
				r.Coverage["reset missed"] = missed
			}
			return r, nil
		}
		return became(result.Pass), nil
	}}
}

// The shards of an exploration, merged, are one exploration, whatever is found in them.
func TestShardsMergedAreOneExploration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		way := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4}), 1, 7)
		o := chance(map[string][]int{"a": way.Draw(t, "a"), "b": way.Draw(t, "b"), "c": way.Draw(t, "c")})
		list := named("a", "b", "c")[:rapid.IntRange(1, 3).Draw(t, "scenarios")]
		list[0].Timeline = []harness.Event{{Action: harness.Reset}}
		options := Options{
			Seeds: rapid.IntRange(1, 60).Draw(t, "runs"), First: rapid.Uint64Range(0, 100).Draw(t, "first"),
			Jobs: rapid.IntRange(1, 3).Draw(t, "jobs"), KeepGoing: true,
		}
		one, err := Explore(context.Background(), o, list, options)
		require.NoError(t, err)
		got, err := merged(t, context.Background(), o, list, options, rapid.IntRange(1, 5).Draw(t, "shards"))
		require.NoError(t, err)
		got.Took = one.Took
		require.Equal(t, one.Exploration, got)
	})
}

// Each keeps the first MaxOdd runs of its own; of all the first are kept.
func TestMergeKeepsTheFirstOddRuns(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) { return became(result.StatusUnknown), nil }}
	got, err := merged(t, t.Context(), o, named("a"), Options{Seeds: 3 * result.MaxOdd, KeepGoing: true}, 2)
	require.NoError(t, err)
	require.Len(t, got.Odd, result.MaxOdd)
	require.Equal(t, uint64(result.MaxOdd-1), got.Odd[result.MaxOdd-1].Seed)
}

// With few seeds no shard has all runs of one scenario.
func TestShardsMixScenarios(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) { return became(result.Pass), nil }}
	_, err := Explore(t.Context(), o, named("a", "b"), Options{Seeds: 8, Shard: selection.Shard{Index: 1, Total: 2}})
	require.NoError(t, err)
	require.Equal(t, []string{"a0", "b1", "a2", "b3"}, o.made)
}

func TestMergeRefuses(t *testing.T) {
	part := func(i int) result.Exploration {
		return result.Exploration{Scenarios: []string{"a", "b"}, First: 5, Runs: 2, Passed: 2, Stamp: selection.Stamp{Shard: &selection.Shard{Index: i, Total: 2}}}
	}
	for _, c := range []struct {
		name    string
		mistake func(*result.Exploration)
		want    string
	}{
		{"interrupted", func(x *result.Exploration) { x.Interrupted = true }, "shard 2/2 was interrupted: make it again"},
		{"another order", func(x *result.Exploration) { x.Scenarios = []string{"b", "a"} }, "shard 2/2 has the scenarios in another order"},
		{"wrong sum", func(x *result.Exploration) { x.Passed = 1 }, "shard 2/2 counts 2 runs, and the outcomes of 1"},
		{"run of others", func(x *result.Exploration) { x.Odd = []result.OddRun{{Scenario: "c", Seed: 7}} }, "a run of c with seed 7 is not of this exploration"},
		{"seed before the first", func(x *result.Exploration) {
			x.ByCheck = []result.CheckCount{{Check: "lost", First: result.OddRun{Scenario: "a", Seed: 4}}}
		}, "a run of a with seed 4 is not of this exploration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := part(2)
			c.mistake(&other)
			_, err := Merge([]result.Exploration{part(1), other})
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Merge(nil)
	require.Error(t, err)
}

// Runs that were not made are never a pass, also after the merge.
func TestRunsThatTheTimeDidNotAllowAreUnknown(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) {
		time.Sleep(2 * time.Millisecond)
		return became(result.Pass), nil
	}}
	got, err := merged(t, t.Context(), o, named("a"), Options{Seeds: 1_000_000, For: 10 * time.Millisecond}, 2)
	require.NoError(t, err)
	require.Equal(t, 1_000_000, got.Planned)
	require.Equal(t, got.Planned-got.Runs, got.Left())
	require.Equal(t, result.ExitUnknown, got.Exit())
	require.Equal(t, 0, got.Failed+got.Unknown+got.Broken)
}
