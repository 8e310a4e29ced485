package explore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/result"
)

const (
	// momentShort is how long a short blackhole of a sweep in real time lasts: TCP
	// sends again and gets through.
	momentShort = 600 * time.Millisecond
	// momentPatience is how long a client waits for an answer if its scenario does
	// not say.
	momentPatience = 10 * time.Second
	// momentRestart is how long a side is down after a crash.
	momentRestart = 300 * time.Millisecond
	// momentAfter is the time there is for what is under way when a fault ends, or
	// begins.
	momentAfter = time.Second
)

// SweepMoments runs one payment of a case once to follow its HTTP requests, and then
// once more for each fault at each moment of each of them: when the server has the
// request, at a quarter, half and three quarters of the time it is at work, when it
// has begun to answer, and inside the answer. The faults are a reset, a blackhole
// that is shorter than the client's patience and one that is longer, and crashes.
// The case's own timeline is left out, and its link stays. The rest is as in Sweep;
// runs are in real time. A subject whose requests cannot be followed is an error.
func SweepMoments(ctx context.Context, r Runner, c Case, o SweepOptions) (SweepResult, error) {
	s := newSweeper(r, c, o)
	s.tries = liveTries
	v, err := s.beginLive(ctx)
	if err != nil {
		return SweepResult{}, err
	}
	if len(v.Requests) == 0 {
		return SweepResult{}, fmt.Errorf("sweep %s: none of its requests can be followed: that takes a server of your own that speaks HTTP/1.1 without TLS", c.Scenario.Name)
	}
	s.faults = momentFaults(patience(c.Scenario.Subject), v.Can)
	shots := s.singles(moments(v.Requests))
	for i := range shots {
		e := shots[i].events[0]
		shots[i].script = s.base.Scenario.Length + e.For + e.Restart + momentAfter
	}
	s.tally.sweep.Points = []result.SweepPoints{{Kind: "requests", N: len(v.Requests)}, {Kind: "moments of them", N: len(moments(v.Requests))}}
	if err := s.plan(len(shots)); err != nil {
		return SweepResult{}, err
	}
	s.shoot(ctx, slices.Values(shots), nil)
	return s.result(ctx), nil
}

// beginLive has the sweep make one payment in real time, and makes the run without
// a fault. The script of the others is twice as long as that payment took, so that
// what is done to it ends before the heal.
func (s *sweeper) beginLive(ctx context.Context) (*Survey, error) {
	sc := &s.base.Scenario
	w := &sc.Workload
	if w.Balance == 0 {
		w.Balance = 10 * w.AmountMax // so that a second charge is made and not declined
	}
	w.Wallets, w.Payments, w.Rate = 1, 1, liveRate
	sc.Timeline, sc.Length = nil, liveScript
	report, err := s.begin(ctx)
	if took := report.Survey; err == nil && (took.Final == 0 || took.Final > sc.Length) { // so that all of it is seen
		sc.Length = max(2*took.Final, patience(sc.Subject)) + liveScript
		report, err = s.begin(ctx)
	}
	if err != nil {
		return nil, err
	}
	sc.Length = max(2*report.Survey.Final, liveLeast)
	return report.Survey, nil
}

// patience is how long the client of a subject waits for an answer.
func patience(c harness.SubjectConfig) time.Duration {
	if c.Client != nil && c.Client.HTTP != nil && c.Client.HTTP.Timeout > 0 {
		return c.Client.HTTP.Timeout
	}
	return momentPatience
}

// momentFaults are what is done at the moments of a request, to a subject of the given
// abilities whose client waits so long for an answer. Those that are over at once come
// first: of several that show a mistake the first is kept as the example.
func momentFaults(patience time.Duration, can harness.Abilities) []fault.Swept {
	list := fault.ForSweep(fault.Spans{Short: momentShort, Long: patience + time.Second, Restart: momentRestart}, can)
	list = slices.DeleteFunc(list, func(f fault.Swept) bool { return !f.Points.Has(fault.AnyRequest) })
	lasts := func(w fault.Swept) int {
		f, _ := fault.Of(w.Event.Action)
		return btoi(f.Length != fault.AtOnce)
	}
	slices.SortStableFunc(list, func(a, b fault.Swept) int { return cmp.Compare(lasts(a), lasts(b)) })
	return list
}

// moments returns the points of requests at which something can be done.
func moments(requests []Request) []Point {
	var points []Point
	at := func(n int, m harness.Moment, wait time.Duration) {
		points = append(points, Point{Trigger: harness.Trigger{Request: int64(n), Moment: m, Wait: wait}})
	}
	for i, r := range requests {
		// The middle comes first: of several points that show a mistake the first is kept
		// as the example, and this one depends least on how busy the machine is.
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
	return slices.CompactFunc(points, func(a, b Point) bool { return a.Trigger == b.Trigger })
}

// Request is an HTTP request of a run.
type Request struct {
	Took     time.Duration `json:"took"`               // from when the server had it to the beginning of its answer
	Answered bool          `json:"answered,omitempty"` // the answer began
	Inside   bool          `json:"inside,omitempty"`   // it had more than one byte

	began time.Time
}

// moment takes in a moment of a request, when it comes.
func (s *surveyor) moment(m harness.Moment, n int64) {
	for int64(len(s.requests)) < n {
		s.requests = append(s.requests, Request{})
	}
	r := &s.requests[n-1]
	switch m {
	case harness.Complete:
		r.began = time.Now()
	case harness.Answered:
		r.Took, r.Answered = time.Since(r.began), true
	case harness.Inside:
		r.Inside = true
	case harness.MomentUnknown:
	}
}
