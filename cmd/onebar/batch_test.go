package main

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
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
			b := batch{jobs: 3, engine: tc.engine, carryOut: func(_ context.Context, sc harness.Scenario, _ progress.Display) (result.Result, error) {
				others := underWay.Add(1) - 1
				defer underWay.Add(-1)
				mu.Lock()
				defer mu.Unlock()
				runs[sc.Name]++
				res, err := pass, error(nil)
				if sc.Name == "b" {
					res, err = tc.first, tc.err
				}
				if runs[sc.Name] == 2 {
					require.Zero(t, others, "it is alone")
					require.Len(t, runs, 3, "and the last")
					res, err = tc.second, nil
				}
				res.Scenario = sc
				return res, err
			}}
			var log bytes.Buffer
			display := progress.New(&log, 3)
			got := b.runAll(t.Context(), []harness.Scenario{{Name: "a"}, {Name: "b"}, {Name: "c"}}, display)
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
	b := batch{jobs: 1, carryOut: func(_ context.Context, sc harness.Scenario, _ progress.Display) (result.Result, error) {
		runs++
		cancel()
		return result.Result{Version: 1, Scenario: sc, Status: result.StatusUnknown, Busy: "packets came 9ms late"}, nil
	}}
	got := b.runAll(ctx, []harness.Scenario{{Name: "a"}}, progress.New(&bytes.Buffer{}, 1))
	require.Equal(t, 1, runs)
	require.Empty(t, got[0].Again)
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
