package fault

import (
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// Spans are how long the faults of a sweep last.
type Spans struct {
	Short   time.Duration // less than a payment client waits for an answer
	Long    time.Duration // more than it waits
	Outage  time.Duration // of a network that is away for long, more than payments have; 0 is none
	Restart time.Duration // of a side that was killed
}

// Swept is one way in which a sweep does a fault.
type Swept struct {
	Name   string
	Event  harness.Event // without its moment
	Points Points        // where it is done
}

// Points is a set of kinds of moments of a run at which a sweep does something.
type Points uint8

// The kinds, each a set of one.
const (
	AnyPacket    Points = 1 << iota
	Arriving            // a packet that would arrive
	Opening             // the first packet of a connection
	BeforeCommit        // a commit of Event.Side before it is durable
	AfterCommit         // likewise when it is
	AnyRequest          // an HTTP request, at any moment of it
)

// Has reports whether one of want is in the set.
func (p Points) Has(want Points) bool { return p&want != 0 }

// ForSweep returns the ways in which a sweep does faults with an engine and a
// subject of the given abilities, in the order of All.
func ForSweep(s Spans, can harness.Abilities) []Swept {
	var list []Swept
	for _, f := range All() {
		if f.Sweep == nil {
			continue
		}
		for _, way := range f.Sweep(s) {
			if can.Has(Needs(way.Event)) {
				list = append(list, way)
			}
		}
	}
	return list
}

// sides are those that can be killed and frozen, in the order of a sweep.
func sides() []harness.Side { return []harness.Side{harness.Client, harness.Server} }

// span writes a duration as a scenario file does: 1m and not 1m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		return strings.TrimSuffix(s, "0s")
	}
	return s
}
