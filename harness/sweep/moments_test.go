package sweep_test

import (
	"context"
	"errors"
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
	breaks   int                   // how many runs with a fault cannot be carried out
	flaky    func(cases.Case) bool // whether a run with a fault fails
	cases    []cases.Case
}

func (s *scripted) Run(_ context.Context, c cases.Case) (cases.Report, error) {
	s.cases = append(s.cases, c)
	r := cases.Report{Result: result.Result{Scenario: c.Scenario, Verdicts: []result.Verdict{{Check: "lost", Status: result.Pass}}}}
	if c.Survey {
		r.Survey = &cases.Survey{Up: 1, Down: 1, Requests: s.requests, Final: s.final, Can: s.can, Payments: c.Scenario.Workload.Payments, Connections: 1}
		return r, nil
	}
	e := c.Scenario.Timeline[0]
	if s.breaks > 0 {
		s.breaks--
		return cases.Report{}, errors.New("no port")
	}
	if s.flaky != nil && s.flaky(c) {
		r.Result.Verdicts = []result.Verdict{{Check: "duplicated", Status: result.Fail, Summary: "twice"}}
	}
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
	require.Equal(t, []result.SweepPoints{{Kind: "payments", N: 2}, {Kind: "connections", N: 1}, {Kind: "requests", N: 2}, {Kind: "moments of them", N: 8}}, res.Points)
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
		require.Equal(t, 20*sc.Workload.AmountMax, sc.Workload.Balance)
		require.Equal(t, 2, sc.Workload.Payments)
		require.True(t, sc.Workload.InTurn)
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
	require.Equal(t, 21*time.Second, r.cases[1].Scenario.Length, "as long as a client waits by default, for each of two payments, and a second")
}

// What is seen in one run only is made again once. It is unknown if it is not seen again.
func TestSweepMakesFindingsAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		times  int // how often the run at one point fails
		status result.Status
		failed int
		says   string
	}{
		"seen again": {2, result.Fail, 1, "twice"},
		"seen once":  {1, result.StatusUnknown, 0, "twice; the same run, made once more, did not show it"},
	} {
		t.Run(name, func(t *testing.T) {
			failures := 0
			r := &scripted{requests: []cases.Request{{Took: time.Second, Answered: true}}, final: 1}
			r.flaky = func(c cases.Case) bool {
				e := c.Scenario.Timeline[0]
				if e.Action != harness.Reset || e.When.Moment != harness.Answered || failures == tc.times {
					return false
				}
				failures++
				return true
			}
			res, err := sweep.Moments(t.Context(), r, casestest.OnePayment(), sweep.Options{})
			require.NoError(t, err)
			require.Equal(t, tc.times, failures)
			require.Len(t, res.Findings, 1)
			require.Equal(t, tc.status, res.Findings[0].Status)
			require.Equal(t, tc.says, res.Findings[0].Text)
			require.Equal(t, tc.failed, res.Rows[0].Failed)
			require.Equal(t, 1-tc.failed, res.Rows[0].Unknown)
		})
	}
}

// A run that could not be carried out is made again after the others.
func TestSweepMakesBrokenRunsAgain(t *testing.T) {
	for breaks, broken := range map[int]int{1: 0, 4: 1} {
		r := &scripted{requests: []cases.Request{{}}, final: 1, breaks: breaks}
		res, err := sweep.Moments(t.Context(), r, casestest.OnePayment(), sweep.Options{})
		require.NoError(t, err)
		runs := res.Total().Runs
		require.Equal(t, broken, res.Total().Broken, "%d runs broke, and %d were planned", breaks, runs)
		require.Equal(t, runs-broken, res.Total().Passed)
		require.Zero(t, res.Rest)
	}
}

// The report says what was not tried.
func TestSweepSaysWhatItLeavesOut(t *testing.T) {
	r := &scripted{requests: []cases.Request{{}}, final: 1, can: harness.CrashServer}
	res, err := sweep.Moments(t.Context(), r, casestest.OnePayment(), sweep.Options{Payments: 1})
	require.NoError(t, err)
	require.Equal(t, []string{
		"there was one payment, on a new connection: what the client does when a kept connection breaks was not tried; give --payments 2",
		"not tried, because this subject or engine cannot do it: crash client, freeze client 11s, freeze server 11s",
	}, res.Notes)
	require.False(t, r.cases[0].Scenario.Workload.InTurn)
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
