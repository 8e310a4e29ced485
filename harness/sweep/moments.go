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
)

const (
	// livePayments is how many payments a sweep makes: one on a new connection, and one
	// on a connection that was kept, if the client keeps it.
	livePayments = 2
	// liveShort is the length of a short blackhole of a sweep in real time: TCP
	// retransmits and gets through.
	liveShort = 600 * time.Millisecond
	// liveRestart is how long a side is down after a crash.
	liveRestart = 300 * time.Millisecond
	// liveRecovery is the time between the end of a fault and the heal.
	liveRecovery = time.Second
)

// Moments runs two payments of a case, one after the other, to follow their HTTP requests:
// most clients send the second on the connection of the first. Then it runs them once more
// for each fault at each moment of each of them: when the server has the request,
// at a quarter, half and three quarters of the time it works on it, when it begins to
// answer, and inside the answer. The faults are a reset, a blackhole that is shorter
// than the client's timeout and one that is longer, and crashes. The case's own
// timeline is left out, and its link stays. The rest is as in Packets; runs are in
// real time. A subject whose requests cannot be followed is an error.
func Moments(ctx context.Context, r cases.Runner, c cases.Case, o Options) (Result, error) {
	s := newSweeper(r, c, o)
	s.tries = liveTries
	v, err := s.beginLive(ctx, cmp.Or(o.Payments, livePayments))
	if err != nil {
		return Result{}, err
	}
	if len(v.Requests) == 0 {
		return Result{}, fmt.Errorf("sweep %s: none of its requests can be followed: that takes a server of your own that speaks HTTP/1.1 without TLS", c.Scenario.Name)
	}
	spans := fault.Spans{Short: liveShort, Long: clientTimeout(c.Scenario.Subject) + time.Second, Restart: liveRestart}
	s.faults = momentFaults(spans, v.Can)
	s.missing(spans, v.Can)
	list := s.singles(moments(v.Requests))
	for i := range list {
		e := list[i].events[0]
		list[i].script = s.base.Scenario.Length + e.For + e.Restart + liveRecovery
	}
	s.counts.sweep.Points = append(s.counts.sweep.Points,
		result.SweepPoints{Kind: "requests", N: len(v.Requests)}, result.SweepPoints{Kind: "moments of them", N: len(moments(v.Requests))})
	if err := s.plan(len(list)); err != nil {
		return Result{}, err
	}
	s.runAll(ctx, slices.Values(list), nil)
	s.confirm(ctx)
	return s.result(ctx), nil
}

// momentFaults returns the faults to try at the moments of a request, for a subject of
// the given abilities. Those without a
// length come first: of several that show a mistake the first is the example.
func momentFaults(spans fault.Spans, can harness.Abilities) []fault.Swept {
	list := fault.ForSweep(spans, can)
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
