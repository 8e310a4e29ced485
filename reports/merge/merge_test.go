package merge_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/merge"
	"github.com/onebar/onebar/reports/outcome"
)

// whole is the selection of which the tests merge shards.
func whole() *selection.Identity {
	return &selection.Identity{
		Build:     "b01d",
		Scenarios: []selection.Chosen{{Name: "tunnel", Hash: "1111", Engine: "sim", Seed: 1}},
		Options:   []string{"--seeds 4"},
	}
}

// explored is a shard of an exploration of four runs in two shards.
func explored(i int) result.Exploration {
	return result.Exploration{
		Version: result.ExplorationVersion, Scenarios: []string{"tunnel"}, First: 1, Planned: 2, Runs: 2, Passed: 2,
		Reached: []result.Reached{{Name: "confirmed", Times: i, Runs: 1}},
		Stamp:   selection.Stamp{Shard: &selection.Shard{Index: i, Total: 2}, Of: whole()},
	}
}

// swept is a shard of a sweep in two shards.
func swept(i int) result.Sweep {
	return result.Sweep{
		Version: result.SweepVersion, Rows: []result.SweepRow{{Fault: "drop", Runs: 1, Passed: 1}},
		Stamp: selection.Stamp{Shard: &selection.Shard{Index: i, Total: 2}, Of: whole()},
	}
}

// ran is the outcome of runs of three scenarios, of a shard of two; 0 is all.
func ran(shard int, results ...result.Result) outcome.Outcome {
	stamp := selection.Stamp{Of: whole()}
	stamp.Of.Scenarios = append(stamp.Of.Scenarios, selection.Chosen{Name: "lift", Hash: "2222", Engine: "sim", Seed: 1, Seeds: 2})
	if shard > 0 {
		stamp.Shard = &selection.Shard{Index: shard, Total: 2}
	}
	return reports.RunsOf(results, stamp)
}

// run is the result of a run.
func run(name string, seed uint64, s result.Status) result.Result {
	return result.Result{Version: result.Version, Scenario: harness.Scenario{Name: name}, Seed: seed, Status: s}
}

// text returns the JSON report of an outcome.
func text(t *testing.T, o outcome.Outcome) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, outcome.JSON(o)(&b))
	return b.String()
}

// written writes the JSON report of an outcome to a new file.
func written(t *testing.T, name string, o outcome.Outcome) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text(t, o)), 0o600))
	return path
}

func TestFilesOfAnExploration(t *testing.T) {
	got, err := merge.Files([]string{written(t, "2.json", outcome.Explored(explored(2), "")), written(t, "1.json", outcome.Explored(explored(1), ""))})
	require.NoError(t, err)
	want := explored(1)
	want.Planned, want.Runs, want.Passed, want.Shard = 4, 4, 4, nil
	want.Reached = []result.Reached{{Name: "confirmed", Times: 3, Runs: 2}}
	require.Equal(t, text(t, outcome.Explored(want, "")), text(t, got.Outcome))
	require.Equal(t, result.ExitPass, got.Exit)
}

func TestFilesOfASweep(t *testing.T) {
	got, err := merge.Files([]string{written(t, "1.json", outcome.Swept(swept(1))), written(t, "2.json", outcome.Swept(swept(2)))})
	require.NoError(t, err)
	want := swept(1)
	want.Rows[0].Runs, want.Rows[0].Passed, want.Shard = 2, 2, nil
	require.Equal(t, text(t, outcome.Swept(want)), text(t, got.Outcome))
	require.Equal(t, result.ExitPass, got.Exit)
}

func TestFilesOfRuns(t *testing.T) {
	tunnel, lift1, lift2 := run("tunnel", 1, result.Pass), run("lift", 1, result.Fail), run("lift", 2, result.Pass)
	got, err := merge.Files([]string{written(t, "2.json", ran(2, lift2)), written(t, "1.json", ran(1, tunnel, lift1))})
	require.NoError(t, err)
	require.Equal(t, text(t, ran(0, tunnel, lift1, lift2)), text(t, got.Outcome))
	require.Equal(t, result.ExitFail, got.Exit)
	var b bytes.Buffer
	require.NoError(t, got.Console(&b))
	require.Contains(t, b.String(), "1 fail")

	// A shard with other runs than its share is refused.
	_, err = merge.Files([]string{written(t, "2.json", ran(2, lift2)), written(t, "1.json", ran(1, tunnel))})
	require.ErrorContains(t, err, "1.json lacks the run of lift with seed 1, which is one of shard 1/2")
	_, err = merge.Files([]string{written(t, "2.json", ran(2, lift2, run("metro", 1, result.Pass))), written(t, "1.json", ran(1, tunnel, lift1))})
	require.ErrorContains(t, err, "the shards have 4 runs, and 3 were asked for")
}

// What shards can be that were collected by a pipeline.
func TestFilesThatDoNotBelongTogether(t *testing.T) {
	altered := func(alter func(*result.Exploration)) func() string {
		return func() string {
			x := explored(2)
			alter(&x)
			return written(t, "2.json", outcome.Explored(x, ""))
		}
	}
	holding := func(format string, args ...any) func() string {
		return func() string {
			path := filepath.Join(t.TempDir(), "2.json")
			require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600))
			return path
		}
	}
	for _, c := range []struct {
		name   string
		second func() string
		want   string
	}{
		{"missing", nil, "shard 2/2 is missing"},
		{"the same shard twice", altered(func(x *result.Exploration) { x.Shard.Index = 1 }), "are both shard 1/2"},
		{"another build", altered(func(x *result.Exploration) { x.Of.Build = "0ther" }), "another build of onebar (0ther, and not b01d)"},
		{"another seed", altered(func(x *result.Exploration) { x.Of.Scenarios[0].Seed = 9 }), "its seed for tunnel was 9, and not 1"},
		{"another scenario file", altered(func(x *result.Exploration) { x.Of.Scenarios[0].Hash = "2222" }), "its scenario tunnel is another one"},
		{"interrupted", altered(func(x *result.Exploration) { x.Interrupted = true }), "shard 2/2 was interrupted"},
		{"not a shard", altered(func(x *result.Exploration) { x.Shard = nil }), "2.json is not of a shard"},
		{"of another command", func() string { return written(t, "2.json", outcome.Swept(swept(2))) }, "2.json is a report of onebar sweep, and"},
		{"truncated", func() string {
			path := written(t, "2.json", outcome.Explored(explored(2), ""))
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(path, int64(len(whole)/2)))
			return path
		}, "2.json is truncated, or no JSON report"},
		{"empty", holding(""), "2.json is truncated, or no JSON report"},
		{"two reports in one file", holding("{} {}"), "2.json is truncated, or no JSON report"},
		{"killed", func() string {
			return written(t, "2.json", outcome.Unfinished("onebar explore", "dev", time.Now(), []string{"tunnel"}))
		}, "2.json: its command has not finished, or was killed: make the shard again"},
		{"did not start", func() string {
			return written(t, "2.json", outcome.Unmade("dev", []outcome.Trouble{{File: "tunnel", Text: "no such file"}}))
		}, "2.json: its command could not start: the file says why"},
		{"something else", holding(`{"version": 1}`), "2.json is no JSON report of onebar run, sweep or explore"},
		{"no file", func() string { return filepath.Join(t.TempDir(), "2.json") }, "read a shard: open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			paths := []string{written(t, "1.json", outcome.Explored(explored(1), ""))}
			if c.second != nil {
				paths = append(paths, c.second())
			}
			_, err := merge.Files(paths)
			require.ErrorContains(t, err, c.want)
		})
	}
}
