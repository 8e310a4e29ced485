package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

const (
	// liveShort is the length of a short blackhole of a sweep in real time: TCP
	// retransmits and gets through.
	liveShort = 600 * time.Millisecond
	// defaultTimeout is how long a client waits for an answer if its scenario does not
	// say.
	defaultTimeout = 10 * time.Second
	// liveRestart is how long a side is down after a crash.
	liveRestart = 300 * time.Millisecond
	// liveRecovery is the time between the end of a fault and the heal.
	liveRecovery = time.Second
)

// Moments runs one payment of a case once to follow its HTTP requests, and then once
// more for each fault at each moment of each of them: when the server has the request,
// at a quarter, half and three quarters of the time it works on it, when it begins to
// answer, and inside the answer. The faults are a reset, a blackhole that is shorter
// than the client's timeout and one that is longer, and crashes. The case's own
// timeline is left out, and its link stays. The rest is as in Packets; runs are in
// real time. A subject whose requests cannot be followed is an error.
func Moments(ctx context.Context, r cases.Runner, c cases.Case, o Options) (Result, error) {
	s := newSweeper(r, c, o)
	s.tries = liveTries
	v, err := s.beginLive(ctx)
	if err != nil {
		return Result{}, err
	}
	if len(v.Requests) == 0 {
		return Result{}, fmt.Errorf("sweep %s: none of its requests can be followed: that takes a server of your own that speaks HTTP/1.1 without TLS", c.Scenario.Name)
	}
	s.faults = momentFaults(clientTimeout(c.Scenario.Subject), v.Can)
	list := s.singles(moments(v.Requests))
	for i := range list {
		e := list[i].events[0]
		list[i].script = s.base.Scenario.Length + e.For + e.Restart + liveRecovery
	}
	s.counts.sweep.Points = []result.SweepPoints{{Kind: "requests", N: len(v.Requests)}, {Kind: "moments of them", N: len(moments(v.Requests))}}
	if err := s.plan(len(list)); err != nil {
		return Result{}, err
	}
	s.runAll(ctx, slices.Values(list), nil)
	return s.result(ctx), nil
}

// beginLive reduces the case to one payment and makes the run without a fault. The
// script of the runs with one is twice as long as that payment took, so that the fault
// ends before the heal.
func (s *sweeper) beginLive(ctx context.Context) (*cases.Survey, error) {
	sc := &s.base.Scenario
	w := &sc.Workload
	if w.Balance == 0 {
		w.Balance = 10 * w.AmountMax // so that a second charge is made and not declined
	}
	w.Wallets, w.Payments, w.Rate = 1, 1, liveRate
	sc.Timeline, sc.Length = nil, liveScript
	report, err := s.begin(ctx)
	if took := report.Survey; err == nil && (took.Final == 0 || took.Final > sc.Length) { // so that the survey has all of it
		sc.Length = max(2*took.Final, clientTimeout(sc.Subject)) + liveScript
		report, err = s.begin(ctx)
	}
	if err != nil {
		return nil, err
	}
	sc.Length = max(2*report.Survey.Final, liveLeast)
	return report.Survey, nil
}

// clientTimeout is how long the client of a subject waits for an answer.
func clientTimeout(c sut.Config) time.Duration {
	if c.Client != nil && c.Client.HTTP != nil && c.Client.HTTP.Timeout > 0 {
		return c.Client.HTTP.Timeout
	}
	return defaultTimeout
}

// momentFaults returns the faults to try at the moments of a request, for a subject of
// the given abilities whose client waits for an answer for timeout. Those without a
// length come first: of several that show a mistake the first is the example.
func momentFaults(timeout time.Duration, can harness.Abilities) []fault.Swept {
	list := fault.ForSweep(fault.Spans{Short: liveShort, Long: timeout + time.Second, Restart: liveRestart}, can)
	list = slices.DeleteFunc(list, func(f fault.Swept) bool { return !f.Points.Has(fault.AnyRequest) })
	lasts := func(w fault.Swept) int {
		if f, _ := fault.Of(w.Event.Action); f.Length == fault.AtOnce {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b fault.Swept) int { return cmp.Compare(lasts(a), lasts(b)) })
	return list
}

// moments returns the points of requests at which a fault can begin.
func moments(requests []cases.Request) []cases.Point {
	var points []cases.Point
	at := func(n int, m harness.Moment, wait time.Duration) {
		points = append(points, cases.Point{Trigger: harness.Trigger{Request: int64(n), Moment: m, Wait: wait}})
	}
	for i, r := range requests {
		// The middle comes first: of several points that show a mistake the first is the
		// example, and this one depends least on how busy the machine is.
		for _, share := range []float64{0.5, 0.25, 0.75} {
			if wait := time.Duration(share * float64(r.Took)).Round(time.Millisecond); wait > 0 {
				at(i+1, harness.Complete, wait)
			}
		}
		at(i+1, harness.Complete, 0)
		if r.Answered {
			at(i+1, harness.Answered, 0)
		}
		if r.Inside {
			at(i+1, harness.Inside, 0)
		}
	}
	return slices.CompactFunc(points, func(a, b cases.Point) bool { return a.Trigger == b.Trigger })
}
