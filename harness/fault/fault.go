// Package fault is the list of what an event of a timeline can do, each as a value
// in a file of its own: the keys of an event that go with it, where it can begin,
// how long it lasts, what it needs of engine and subject, how it begins and ends, and what
// it hits.
//
// Whoever needs to know one of these iterates over [All] or asks [Of]: scenario files
// (package spec), the player of the timeline and the check before a run (package
// run), random faults (package nemesis), sweeps (package sweep), coverage (package
// coverage), and whoever counts hits (packages check and metric). A new fault is a
// harness.Action and a file here; if the network does it, it is a case of Inject of each engine,
// too.
package fault

import (
	"context"
	"slices"

	"github.com/onebar/onebar/harness"
)

// Fault is one thing that an event can do. Fields that are nil or zero are what the
// least of faults has. Its word in files and reports is that of its Action.
type Fault struct {
	Action harness.Action
	Keys   []string // of an event in a scenario file, that go with it beside its moment and its own key
	Length Length
	Ends   string // for people: why an event of it has no for; empty if it has one
	Starts Starts // moments, beside a time, at which it can begin
	Random bool   // a nemesis may draw it
	OnLink bool   // it can be on one link of the topology, see harness.Event.On
	Stops  bool   // Event.Side does nothing while it lasts: a random one of a side begins when no other does that

	// Needs is what engine and subject must be able to do for an event; nil is nothing.
	Needs func(harness.Event) harness.Abilities
	// Check is what is wrong with an event by itself; nil is nothing.
	Check func(harness.Event) error
	// Name names an event for people; nil is the word.
	Name func(harness.Event) string
	// State is how an event in force stands in the name of a phase; nil is Name.
	State func(harness.Event) string
	// Loses says why packets in a direction are lost while the event lasts, and whether
	// the packet at which it begins is lost. Nil is DropNone: they are not lost.
	Loses func(harness.Event, harness.Direction) harness.DropReason
	// Victim says that the packet, commit or request that an event begins at is hit
	// by it, beside what End counts. A packet that it loses is in any case.
	Victim bool
	// Sweep is how a sweep does it; nil is not.
	Sweep func(Spans) []Swept

	// Begin does it. Nil is for those that act on other faults: a change of the link
	// and a heal, which the player of the timeline carries out, and which hit nothing.
	Begin func(*Scene, harness.Event) (End, error)
}

// Length says how long a fault lasts.
type Length uint8

// The lengths.
const (
	LengthUnknown Length = iota
	AtOnce               // it is over as soon as it is done
	Lasting              // for Event.For
	Restarting           // for Event.Restart
)

// Starts is a set of moments at which a fault can begin.
type Starts uint8

// The moments, each a set of one.
const (
	AtPacket  Starts = 1 << iota // on the sim engine
	AtCommit                     // of the side that it stops
	AtRequest                    // of a server that speaks HTTP/1.1
)

// End ends a fault and returns what it has hit.
type End func(context.Context) (hits int64, err error)

// Scene is what faults act on in a run. One goroutine uses it.
type Scene struct {
	Network harness.Network
	Subject harness.Subject
	Open    func() int                // payments without a final outcome
	InForce func() []harness.Event    // in the order they began; one that begins or ends is not among them
	Killed  func()                    // to be told that a side has just been killed
	Failing func(s harness.Side) bool // the power of a side has failed at a commit, and its crash is yet to begin
}

// inForce reports whether an action on a side is.
func (s *Scene) inForce(a harness.Action, side harness.Side) bool {
	return slices.ContainsFunc(s.InForce(), func(e harness.Event) bool { return e.Action == a && e.Side == side })
}

// All returns every fault. Their order is that of the rows of a sweep.
func All() []Fault {
	return []Fault{
		drop(), blackhole(), reset(), refuse(), rebind(), crash(), freeze(),
		link(), crossTraffic(), slow(), toxic(), heal(),
	}
}

// Of returns the fault of an action. It is not ok if there is none: of
// ActionUnknown, and of Vanish, which is a part of a crash.
func Of(a harness.Action) (f Fault, ok bool) {
	all := All()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Action == a })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}

// Counts reports whether events of an action are counted, and what they hit. Those
// of a change of the link and of a heal are not.
func Counts(a harness.Action) bool {
	f, ok := Of(a)
	return ok && f.Begin != nil
}

// Name names what an event does, for people.
func Name(e harness.Event) string {
	name := e.Action.String()
	if f, ok := Of(e.Action); ok && f.Name != nil {
		name = f.Name(e)
	}
	if e.On != "" {
		name += " on " + e.On
	}
	return name
}

// State is how an event in force stands in the name of a phase; empty is not at all.
func State(e harness.Event) string {
	if f, ok := Of(e.Action); ok && f.State != nil {
		return f.State(e)
	}
	return e.Action.String()
}

// Loses returns why packets in a direction are lost while an event is in force, and
// the packet at which it begins. DropNone: they are not lost.
func Loses(e harness.Event, d harness.Direction) harness.DropReason {
	if f, ok := Of(e.Action); ok && f.Loses != nil {
		return f.Loses(e, d)
	}
	return harness.DropNone
}

// HitsTrigger reports whether what an event begins at is hit by it, beside what its End
// counts: a commit by a power failure, and a packet by its loss.
func HitsTrigger(e harness.Event) bool {
	f, ok := Of(e.Action)
	if !ok || e.When == nil {
		return false
	}
	return f.Victim || e.When.Packet > 0 && Loses(e, e.When.Direction) != harness.DropNone
}
