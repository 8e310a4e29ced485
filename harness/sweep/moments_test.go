package sweep_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/harness/sweep"
)

// scripted is a Runner that reports requests and notes what it was asked for.
type scripted struct {
	requests []cases.Request
	final    time.Duration
	can      harness.Abilities
	cases    []cases.Case
}

func (s *scripted) Run(_ context.Context, c cases.Case) (cases.Report, error) {
	s.cases = append(s.cases, c)
	r := cases.Report{Result: result.Result{Scenario: c.Scenario, Verdicts: []result.Verdict{{Check: "lost", Status: result.Pass}}}}
	if c.Survey {
		r.Survey = &cases.Survey{Up: 1, Down: 1, Requests: s.requests, Final: s.final, Can: s.can}
		return r, nil
	}
	e := c.Scenario.Timeline[0]
	if e.When.Moment != harness.Inside {
		r.Result.Faults = []result.FaultStat{{Event: 0, Times: 1}}
	}
	return r, nil
}

func TestSweepMoments(t *testing.T) {
	c := casestest.OnePayment()
	c.Scenario.Timeline = []harness.Event{{Action: harness.Reset}}
	c.Scenario.Subject.Client = &sut.Client{HTTP: &sut.HTTPClient{Timeout: 3 * time.Second}}
	r := &scripted{
		requests: []cases.Request{{Took: 400 * time.Millisecond, Answered: true, Inside: true}, {Took: time.Millisecond}},
		final:    900 * time.Millisecond, can: harness.CrashServer,
	}
	res, err := sweep.Moments(t.Context(), r, c, sweep.Options{})
	require.NoError(t, err)
	require.Empty(t, res.Findings)
	require.Equal(t, []result.SweepPoints{{Kind: "requests", N: 2}, {Kind: "moments of them", N: 8}}, res.Points)
	require.Equal(t, []result.SweepRow{
		{Fault: "reset", Runs: 8, Passed: 7, Unreached: 1},
		{Fault: "blackhole 600ms", Runs: 8, Passed: 7, Unreached: 1},
		{Fault: "blackhole 4s", Runs: 8, Passed: 7, Unreached: 1},
		{Fault: "crash server", Runs: 8, Passed: 7, Unreached: 1},
	}, res.Rows)

	var waits []time.Duration
	tries := 0
	for _, c := range r.cases[1:] {
		sc := c.Scenario
		require.Len(t, sc.Timeline, 1, "the scenario's own timeline is left out")
		e := sc.Timeline[0]
		require.Equal(t, 10*sc.Workload.AmountMax, sc.Workload.Balance)
		require.Equal(t, 1, sc.Workload.Payments)
		if e.When.Moment == harness.Inside && e.Action == harness.Reset {
			require.Equal(t, 2800*time.Millisecond<<tries, sc.Length, "twice the payment and a second, and twice that when tried again")
			tries++
		}
		if e.When.Request == 1 && e.When.Moment == harness.Complete && e.Action == harness.Blackhole && e.For == 4*time.Second {
			waits = append(waits, e.When.Wait)
			require.Equal(t, 6800*time.Millisecond, sc.Length)
		}
	}
	require.Equal(t, 3, tries)
	require.Equal(t, []time.Duration{200 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, 0}, waits)
}

// A payment that takes longer than the first run is run once more, so that all of
// its moments are seen.
func TestSweepMomentsOfSlowServers(t *testing.T) {
	r := &scripted{requests: []cases.Request{{}}}
	_, err := sweep.Moments(t.Context(), r, casestest.OnePayment(), sweep.Options{})
	require.NoError(t, err)
	require.True(t, r.cases[0].Survey && r.cases[1].Survey && !r.cases[2].Survey)
	require.Equal(t, 11*time.Second, r.cases[1].Scenario.Length, "as long as a client waits by default, and a second")
}

func TestSweepMomentsRefuses(t *testing.T) {
	_, err := sweep.Moments(t.Context(), &scripted{final: 1}, casestest.OnePayment(), sweep.Options{})
	require.ErrorContains(t, err, "none of its requests can be followed")
	_, err = sweep.Moments(t.Context(), &scripted{requests: []cases.Request{{}}, final: 1}, casestest.OnePayment(), sweep.Options{Limit: 2})
	require.ErrorContains(t, err, "the limit is 2")
}

func TestMomentsHaveNames(t *testing.T) {
	for want, trigger := range map[string]harness.Trigger{
		"when the server has request 1":       {Request: 1, Moment: harness.Complete},
		"77ms after the server has request 2": {Request: 2, Moment: harness.Complete, Wait: 77 * time.Millisecond},
		"before the answer to request 3":      {Request: 3, Moment: harness.Answered},
		"inside the answer to request 1":      {Request: 1, Moment: harness.Inside},
		"after commit 2 of the server":        {Commit: 2, Side: harness.Server, After: true},
	} {
		require.Equal(t, want, cases.Point{Trigger: trigger}.String())
	}
}
