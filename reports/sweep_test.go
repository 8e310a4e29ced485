package reports

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
)

func swept() result.Sweep {
	return result.Sweep{
		Version:  result.SweepVersion,
		Scenario: harness.Scenario{Name: "edge", Workload: harness.Workload{Payments: 1}},
		Engine:   "sim", Seed: 7, Took: 1300 * time.Millisecond,
		Points: []result.SweepPoints{{Kind: "packets up", N: 4}, {Kind: "packets down", N: 3}, {Kind: "commits of the server", N: 1}},
		Rows: []result.SweepRow{
			{Fault: "drop", Runs: 7, Passed: 7},
			{Fault: "crash server", Runs: 7, Passed: 5, Failed: 2},
			{Fault: "crash server after commit", Runs: 1, Failed: 1},
			{Fault: "reset, then another", Runs: 692, Passed: 690, Unreached: 2},
		},
	}
}

func failingSweep() result.Sweep {
	s := swept()
	s.Findings = []result.SweepFinding{
		{
			Fault: "no fault", Check: "early", Status: result.Fail, Runs: 1, Where: []string{""}, Places: []int{-1},
			Text: "1 payment told confirmed before the booking was durable: p1 (order o1)",
		},
		{
			Fault: "crash server", Check: "lost", Status: result.Fail, Runs: 2,
			Where: []string{"packet 3 down (179 B)", "packet 4 up (52 B)"}, Places: []int{12, 13}, Text: "1 payment lost: p1 (order o1)",
			File: "out/edge-sweep/lost.yaml", History: "out/edge-sweep/lost/history.jsonl", Again: "onebar run out/edge-sweep/lost.yaml --seed 7",
		},
		{
			Fault: "drop", Check: result.Broken, Runs: 7,
			Where:  []string{"packet 1 up (60 B, SYN)", "packet 1 down (60 B)", "packet 2 up (52 B)"},
			Places: []int{0, 1, 2},
			Text:   "panic: runtime error:\nindex out of range",
		},
		{Fault: "reset", Check: "early", Runs: 1, Where: []string{"packet 2 down (52 B, rtx)"}, Places: []int{3}, Text: "the commit was never reported"},
	}
	return s
}

func interruptedSweep() result.Sweep {
	s := swept()
	s.Rows, s.Interrupted, s.Rest = s.Rows[:1], true, 71
	for range outcome.MaxFindings + 3 {
		s.Findings = append(s.Findings, result.SweepFinding{Fault: "drop", Check: "lost", Status: result.Fail, Runs: 1, Where: []string{"packet 1 up"}, Places: []int{0}, Text: "lost"})
	}
	return s
}

func TestSweepGolden(t *testing.T) {
	t.Parallel()
	narrow := inStyle(sweep(format.Style{Colour: true, Width: 60}, failingSweep()))
	for file, report := range map[string]Report{
		"sweep.console":             Sweep(swept()),
		"sweep-fail.console":        Sweep(failingSweep()),
		"sweep-fail-60.console":     narrow,
		"sweep-interrupted.console": Sweep(interruptedSweep()),
		"sweep.xml":                 outcome.JUnit(outcome.Swept(failingSweep())),
		"sweep.md":                  outcome.Markdown(outcome.Swept(failingSweep())),
		"sweep-interrupted.xml":     outcome.JUnit(outcome.Swept(interruptedSweep())),
		"sweep.json":                outcome.JSON(outcome.Swept(failingSweep())),
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			require.NoError(t, report(&got))
			golden(t, file, got.Bytes())
		})
	}
}

func TestSweepJSONReadsBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, outcome.JSON(outcome.Swept(failingSweep()))(&b))
	var back result.Sweep
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, failingSweep(), back)
	require.Error(t, outcome.JSON(outcome.Swept(failingSweep()))(full{}))
	require.Error(t, Sweep(failingSweep())(full{}))
}
