package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/progress"
)

// A run that the machine was too busy for is made again once, alone, after all
// others; no other run is.
func TestTooBusyIsMadeAgainAlone(t *testing.T) {
	busy := result.Result{Version: 1, Status: result.StatusUnknown, Busy: "packets came 9ms late"}
	pass := result.Result{Version: 1, Status: result.Pass}
	for name, tc := range map[string]struct {
		engine        string
		first, second result.Result
		err           error // of the first run
		runs          int
		status        result.Status
		again         string
	}{
		"it passes":               {first: busy, second: pass, runs: 2, status: result.Pass, again: busy.Busy},
		"it fails":                {first: busy, second: result.Result{Version: 1, Status: result.Fail}, runs: 2, status: result.Fail, again: busy.Busy},
		"still busy":              {first: busy, second: busy, runs: 2, status: result.StatusUnknown, again: busy.Busy},
		"unknown for another why": {first: result.Result{Version: 1, Status: result.StatusUnknown}, runs: 1, status: result.StatusUnknown},
		"a failure stands":        {first: result.Result{Version: 1, Status: result.Fail, Busy: busy.Busy}, runs: 1, status: result.Fail},
		"it broke":                {first: busy, err: errors.New("the disk is full"), runs: 1, status: result.StatusUnknown},
		"in virtual time":         {engine: simulated, first: busy, runs: 1, status: result.StatusUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var underWay atomic.Int32
			runs := map[string]int{}
			b := batch{jobs: 3, engine: tc.engine, carryOut: func(_ context.Context, c cases.Case, _ progress.Display) (result.Result, error) {
				others := underWay.Add(1) - 1
				defer underWay.Add(-1)
				mu.Lock()
				defer mu.Unlock()
				runs[c.Scenario.Name]++
				res, err := pass, error(nil)
				if c.Scenario.Name == "b" {
					res, err = tc.first, tc.err
				}
				if runs[c.Scenario.Name] == 2 {
					require.Zero(t, others, "it is alone")
					require.Len(t, runs, 3, "and the last")
					res, err = tc.second, nil
				}
				res.Scenario = c.Scenario
				return res, err
			}}
			var log bytes.Buffer
			display := progress.New(&log, 3)
			got := b.runAll(t.Context(), casesOf(t, b, harness.Scenario{Name: "a"}, harness.Scenario{Name: "b"}, harness.Scenario{Name: "c"}), display)
			display.Close()
			require.Equal(t, map[string]int{"a": 1, "b": tc.runs, "c": 1}, runs)
			require.Equal(t, tc.status, got[1].Status)
			require.Equal(t, tc.again, got[1].Again)
			require.Contains(t, log.String(), "(3/3)", "each is done once")
			require.NotContains(t, log.String(), "(4/3)")
		})
	}
}

// Interrupted, nothing is made again.
func TestTooBusyAndInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	b := batch{jobs: 1, carryOut: func(_ context.Context, c cases.Case, _ progress.Display) (result.Result, error) {
		runs++
		cancel()
		return result.Result{Version: 1, Scenario: c.Scenario, Status: result.StatusUnknown, Busy: "packets came 9ms late"}, nil
	}}
	got := b.runAll(ctx, casesOf(t, b, harness.Scenario{Name: "a"}), progress.New(&bytes.Buffer{}, 1))
	require.Equal(t, 1, runs)
	require.Empty(t, got[0].Again)
}

// Runs that --fail-fast and --time-budget leave out are named and unknown, never a pass.
func TestRunsLeftOutAreUnknown(t *testing.T) {
	for name, tc := range map[string]struct {
		b     batch
		first result.Result
		why   string
		exit  int
	}{
		"fail fast, a failure":  {batch{failFast: true}, result.Result{Version: 1, Status: result.Fail}, "not run, because a failed before (--fail-fast)", result.ExitFail},
		"fail fast, broken":     {batch{failFast: true}, result.Result{Version: 1, Error: "no server"}, "not run, because a failed before (--fail-fast)", result.ExitBroken},
		"fail fast, an unknown": {batch{failFast: true}, result.Result{Version: 1}, "", result.ExitUnknown},
		"a failure, no flag":    {batch{}, result.Result{Version: 1, Status: result.Fail}, "", result.ExitFail},
		"the time is over":      {batch{budget: time.Minute}, result.Result{Version: 1, Status: result.Pass}, "not run, because the time was over (--time-budget 1m0s)", result.ExitUnknown},
		"in time":               {batch{budget: time.Hour}, result.Result{Version: 1, Status: result.Pass}, "", result.ExitPass},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.b.jobs = 1
				tc.b.carryOut = func(_ context.Context, c cases.Case, _ progress.Display) (result.Result, error) {
					time.Sleep(time.Minute)
					if c.Scenario.Name == "a" {
						return tc.first, nil
					}
					return result.Result{Version: 1, Status: result.Pass}, nil
				}
				var log bytes.Buffer
				display := progress.New(&log, 2)
				got := tc.b.runAll(t.Context(), casesOf(t, tc.b, harness.Scenario{Name: "a"}, harness.Scenario{Name: "b"}), display)
				display.Close()
				require.Equal(t, tc.exit, reports.Exit(got))
				require.Contains(t, log.String(), "(2/2)")
				if tc.why == "" {
					require.Equal(t, result.Pass, got[1].Status)
					return
				}
				require.Equal(t, result.ExitUnknown, got[1].Exit())
				require.Equal(t, []result.Verdict{{Check: result.NotRun, Weak: true, Summary: tc.why}}, got[1].Verdicts)
				require.Equal(t, "b", got[1].Scenario.Name)
			})
		})
	}
}

// Each seed of --seeds is a run of its own, with its own folder.
func TestSeedsOfARun(t *testing.T) {
	b := batch{jobs: 2, out: "out", engine: "packet"}
	require.NoError(t, b.seeds.Set("3..5"))
	b.carryOut = func(_ context.Context, c cases.Case, _ progress.Display) (result.Result, error) {
		return result.Result{Version: 1, Scenario: c.Scenario, Seed: c.Seed, Engine: "packet", Status: result.Pass, HistoryFile: c.Dir}, nil
	}
	list := []harness.Scenario{{Name: "b", File: "b.yaml"}, {Name: "a", File: "a.yaml"}}
	run := func() (text []string) {
		for _, r := range b.runAll(t.Context(), casesOf(t, b, list...), progress.New(&bytes.Buffer{}, 6)) {
			text = append(text, r.HistoryFile+" "+format.Title(r)+": "+r.Rerun)
		}
		return text
	}
	want := []string{
		"out/b-seed-3 b, seed 3: onebar run b.yaml --engine packet --seed 3",
		"out/b-seed-4 b, seed 4: onebar run b.yaml --engine packet --seed 4",
		"out/b-seed-5 b, seed 5: onebar run b.yaml --engine packet --seed 5",
		"out/a-seed-3 a, seed 3: onebar run a.yaml --engine packet --seed 3",
		"out/a-seed-4 a, seed 4: onebar run a.yaml --engine packet --seed 4",
		"out/a-seed-5 a, seed 5: onebar run a.yaml --engine packet --seed 5",
	}
	require.Equal(t, want, run())
	require.NoError(t, b.shard.Set("2/4"))
	require.Equal(t, []string{want[2], want[4]}, run(), "of a 3 4 5, b 3 4 5 those with index 1 and 5")

	require.NoError(t, b.seeds.Set("1..60000"))
	_, err := b.cases(list)
	require.EqualError(t, err, "--seeds 1..60000: these are 120000 runs, and the most are 100000: onebar explore makes more")
}

// A shard that was interrupted cannot be merged.
func TestInterruptedShard(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "part.json")
	var stdout, stderr bytes.Buffer
	code := execute(ctx, []string{"run", "tunnel", "--engine", "sim", "--out", t.TempDir(), "--shard", "1/1", "--json", file}, &stdout, &stderr)
	require.Equal(t, result.ExitInterrupted, code)
	code = execute(t.Context(), []string{"merge", file}, &stdout, &stderr)
	require.Equal(t, result.ExitBroken, code)
	require.Contains(t, stderr.String(), "shard 1/1 was interrupted: make it again")
}

// casesOf returns the runs of scenarios.
func casesOf(t *testing.T, b batch, list ...harness.Scenario) []cases.Case {
	t.Helper()
	all, err := b.cases(list)
	require.NoError(t, err)
	return all
}

func TestDefaultJobs(t *testing.T) {
	sim, packet := harness.Scenario{Engine: simulated}, harness.Scenario{}
	n := runtime.NumCPU()
	for name, tc := range map[string]struct {
		engine string
		list   []harness.Scenario
		want   int
	}{
		"real time":        {list: []harness.Scenario{packet}, want: 4 * n},
		"byte streams":     {engine: "toxiproxy", list: []harness.Scenario{sim}, want: 4 * n},
		"asked for sim":    {engine: simulated, list: []harness.Scenario{packet}, want: n},
		"all of sim":       {list: []harness.Scenario{sim, sim}, want: n},
		"external":         {list: []harness.Scenario{packet, {Subject: sut.Config{Server: &sut.Server{}}}, packet}, want: 1},
		"one in real time": {list: []harness.Scenario{sim, packet}, want: 4 * n},
	} {
		t.Run(name, func(t *testing.T) {
			b := batch{engine: tc.engine}
			require.Equal(t, tc.want, b.defaultJobs(tc.list))
		})
	}
}
