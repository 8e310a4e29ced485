package sweep

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/fault"
)

// How long the faults of a sweep last.
const (
	// short is longer than TCP's first retransmission timeouts, and shorter than a
	// payment client waits for an answer.
	short = 5 * time.Second
	// long is longer than a payment client waits.
	long = time.Minute
	// outage is longer than payments usually have until their deadline.
	outage = 30 * time.Minute
	// restart is how long a side is down after a crash.
	restart = 2 * time.Second
	// recovery is the time between a fault and the heal.
	recovery = time.Minute
	// settle is the shortest settle of a sweep's runs: a client's backoff may have doubled
	// in a long outage, to pauses of several minutes.
	settle = 6 * time.Minute
)

// swept returns the event of a fault at a point.
func swept(f fault.Swept, p cases.Point) harness.Event {
	e := f.Event
	if kind, ok := fault.Of(e.Action); ok && kind.OnLink {
		e.On = p.Link // the link of the packet, if it is one between hosts
	}
	e.When = &p.Trigger
	return e
}

func fits(f fault.Swept, p cases.Point) bool {
	var kinds fault.Points
	switch {
	case p.Request > 0:
		kinds = fault.AnyRequest
	case p.Commit > 0 && p.Side != f.Event.Side:
	case p.Commit > 0 && p.After:
		kinds = fault.AfterCommit
	case p.Commit > 0:
		kinds = fault.BeforeCommit
	default:
		kinds = fault.AnyPacket
		if !p.Lost {
			kinds |= fault.Arriving
		}
		if p.Opens {
			kinds |= fault.Opening
		}
	}
	return f.Points.Has(kinds)
}

// injection is one run of a sweep: one fault, or two, and the points at which they
// begin.
type injection struct {
	place  int // in the order of the sweep
	row    string
	fault  string
	points []cases.Point // where its events begin; nil if they do at once
	kinds  []int         // which of the sweep's faults they are
	events []harness.Event
	script time.Duration // length of its script; 0 is that of the sweep
	where  string
	again  bool // its run could not be carried out, and is made again
}

// singles returns an injection of each fault at each point where it fits. Faults of disks
// come last: they hit a commit after their point, and of several runs that show a mistake
// the first is the example.
func (s *sweeper) singles(points []cases.Point) []injection {
	var list, last []injection
	for _, p := range points {
		for kind, f := range s.faults {
			if !fits(f, p) {
				continue
			}
			in := injection{
				row: f.Name, fault: f.Name, where: p.String(),
				points: []cases.Point{p}, kinds: []int{kind}, events: []harness.Event{swept(f, p)},
			}
			if alone(f) {
				last = append(last, in)
			} else {
				list = append(list, in)
			}
		}
	}
	return append(list, last...)
}

func alone(f fault.Swept) bool {
	kind, _ := fault.Of(f.Event.Action)
	return kind.Alone || f.Event.For >= outage
}

// seconds returns the injections of a first fault and a second one, at each point of
// the first one's run that is not before the first.
func (s *sweeper) seconds(first injection, v *cases.Survey) []injection {
	var list []injection
	unpaired := func(f fault.Swept) bool { // of two crashes the one that loses everything is in pairs
		return alone(f) || f.Event.Action == harness.Crash && !f.Event.Lose && v.Can.Has(harness.ChooseLoss)
	}
	if unpaired(s.faults[first.kinds[0]]) {
		return nil
	}
	began := v.Began[len(v.Began)-1]
	a := first.points[0]
	for _, b := range v.Points {
		if b.Packet > 0 && b.At < began || b.Commit > 0 && b.Side == a.Side && b.Commit <= a.Commit {
			continue // it came before
		}
		for kind, f := range s.faults {
			if !fits(f, b) || unpaired(f) || b.Trigger == a.Trigger && kind <= first.kinds[0] {
				continue // or the same pair the other way round is tried
			}
			list = append(list, injection{
				row: first.fault + ", then another", fault: first.fault + ", then " + f.Name,
				where:  first.where + ", then " + b.String(),
				points: []cases.Point{a, b}, kinds: []int{first.kinds[0], kind},
				events: append(slices.Clone(first.events), swept(f, b)),
			})
		}
	}
	return list
}
