package explore

import (
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
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

// sweepFault is one kind of harm that a sweep does at a point.
type sweepFault struct {
	name  string
	fits  func(Point) bool
	event harness.Event
}

// at returns the fault's event at a point.
func (f sweepFault) at(p Point) harness.Event {
	e := f.event
	e.When = &p.Trigger
	return e
}

// sweepFaults are the faults that can be done to a subject whose sides in crashes
// can be killed.
func sweepFaults(crashes []harness.Side) []sweepFault {
	packet := func(p Point) bool { return p.Packet > 0 }
	list := []sweepFault{
		{"drop", func(p Point) bool { return p.Packet > 0 && !p.Lost }, harness.Event{Action: harness.Drop}},
		{"blackhole " + sweepShort.String(), packet, harness.Event{Action: harness.Blackhole, For: sweepShort}},
		{"blackhole 1m", packet, harness.Event{Action: harness.Blackhole, For: sweepLong}},
		{"reset", packet, harness.Event{Action: harness.Reset}},
		// Only a connection that is being opened is refused.
		{"refuse " + sweepShort.String(), func(p Point) bool { return p.Opens }, harness.Event{Action: harness.Refuse, For: sweepShort}},
		{"rebind", packet, harness.Event{Action: harness.Rebind}},
	}
	for _, side := range crashes {
		crash := harness.Event{Action: harness.Crash, Side: side, Restart: sweepRestart}
		vanish := crash
		vanish.Vanish = true
		commit := func(after bool) func(Point) bool {
			return func(p Point) bool { return p.Commit > 0 && p.Side == side && p.After == after }
		}
		list = append(list,
			sweepFault{fmt.Sprintf("crash %s", side), packet, crash},
			sweepFault{fmt.Sprintf("vanish %s", side), packet, vanish},
			sweepFault{fmt.Sprintf("crash %s before commit", side), commit(false), crash},
			sweepFault{fmt.Sprintf("crash %s after commit", side), commit(true), crash},
		)
	}
	return list
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
			if f.fits(p) {
				list = append(list, shot{
					row: f.name, fault: f.name, where: p.String(),
					points: []Point{p}, kinds: []int{kind}, events: []harness.Event{f.at(p)},
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
			if !f.fits(b) || b.Trigger == a.Trigger && kind <= first.kinds[0] {
				continue // or is the same pair the other way round
			}
			list = append(list, shot{
				row: first.fault + ", then another", fault: first.fault + ", then " + f.name,
				where:  first.where + ", then " + b.String(),
				points: []Point{a, b}, kinds: []int{first.kinds[0], kind},
				events: append(slices.Clone(first.events), f.at(b)),
			})
		}
	}
	return list
}
