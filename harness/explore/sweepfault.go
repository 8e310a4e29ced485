package explore

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// How long the faults of a sweep last.
const (
	// sweepShort is longer than TCP's first time-outs, and shorter than a payment
	// client waits for an answer.
	sweepShort = 5 * time.Second
	// sweepLong is longer than it waits.
	sweepLong = time.Minute
	// sweepRestart is how long a side is down after a crash.
	sweepRestart = 2 * time.Second
	// sweepAfter is the time there is for recovery after a fault, before the heal.
	sweepAfter = time.Minute
	// sweepSettle is the settle of a sweep's runs at least: for pauses that have
	// doubled in two long blackholes.
	sweepSettle = 3 * time.Minute
)

// swept returns the event of a fault at a point.
func swept(f fault.Swept, p Point) harness.Event {
	e := f.Event
	e.When = &p.Trigger
	return e
}

// fits reports whether a sweep does a fault at a point.
func fits(f fault.Swept, p Point) bool {
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

// shot is one run of a sweep.
type shot struct {
	place  int // in the order of the sweep
	row    string
	fault  string
	points []Point // where its events begin; nil if they do at once
	kinds  []int   // which of the sweep's faults they are
	events []harness.Event
	script time.Duration // how long its script is; 0 is as that of the sweep
	where  string
}

// single makes the shots of one fault at a point, one for each that fits.
func (s *sweeper) singles(points []Point) []shot {
	var list []shot
	for _, p := range points {
		for kind, f := range s.faults {
			if fits(f, p) {
				list = append(list, shot{
					row: f.Name, fault: f.Name, where: p.String(),
					points: []Point{p}, kinds: []int{kind}, events: []harness.Event{swept(f, p)},
				})
			}
		}
	}
	return list
}

// seconds makes the shots of a first one with a second fault at or after its
// point, of the points of its run.
func (s *sweeper) seconds(first shot, v *Survey) []shot {
	var list []shot
	began := v.Began[len(v.Began)-1]
	a := first.points[0]
	for _, b := range v.Points {
		if b.Packet > 0 && b.At < began || b.Commit > 0 && b.Side == a.Side && b.Commit <= a.Commit {
			continue // it came before
		}
		for kind, f := range s.faults {
			if !fits(f, b) || b.Trigger == a.Trigger && kind <= first.kinds[0] {
				continue // or is the same pair the other way round
			}
			list = append(list, shot{
				row: first.fault + ", then another", fault: first.fault + ", then " + f.Name,
				where:  first.where + ", then " + b.String(),
				points: []Point{a, b}, kinds: []int{first.kinds[0], kind},
				events: append(slices.Clone(first.events), swept(f, b)),
			})
		}
	}
	return list
}
