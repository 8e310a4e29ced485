// Package nemesis draws random faults: it turns the entries of a scenario's nemesis into
// events of its timeline.
//
// It uses swarm testing (Groce et al., "Swarm Testing", ISSTA 2012): each seed uses only
// some of the entries, and each of them at its own rate. Faults hide one another, and
// many show only if others are absent.
package nemesis

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

const (
	// taken is the probability that a seed takes an entry. It takes at least one.
	taken = 0.5
	// spread is the largest factor between the rate of an entry and its rate for a seed.
	spread = 2.0
	// grain is the unit to which times are rounded, so that they are easy to read.
	grain = time.Millisecond
	// most bounds the events of one entry.
	most = 10_000
)

// Expand returns the scenario without a nemesis, and with the events that the seed draws
// at the end of its timeline, in the order of their beginning. Each event ends before the
// script, which is as long as Length or the workload. It may miss, and has the Line of its
// entry. It begins, at its time or soon after, when no other event of its entry is in force. An event that stops a
// side, such as a crash or a freeze, begins when no other event stops the side. The same
// scenario and seed give the same events. A scenario without a nemesis is returned
// unchanged.
func Expand(sc harness.Scenario, seed uint64) harness.Scenario {
	if len(sc.Nemesis) == 0 {
		return sc
	}
	r := harness.Rand(seed, harness.StreamNemesis)
	script := max(sc.Length, sc.Workload.Span())
	var drawn []harness.Event
	for i, on := range swarm(r, len(sc.Nemesis)) {
		if on {
			drawn = append(drawn, draw(r, sc.Nemesis[i], script, sc.Workload.Wallets)...)
		}
	}
	slices.SortStableFunc(drawn, func(a, b harness.Event) int { return cmp.Compare(a.At, b.At) })
	drawn = oneAtATime(drawn)
	sc.Timeline = append(slices.Clone(sc.Timeline), drawn...)
	sc.Nemesis = nil
	return sc
}

// Fit returns the scenario with a nemesis that an engine and a subject of the given abilities
// can carry out: entries whose events would begin at commits or packets, which nobody counts
// there, have events that begin at their time.
func Fit(sc harness.Scenario, can harness.Abilities) harness.Scenario {
	sc.Nemesis = slices.Clone(sc.Nemesis)
	for i := range sc.Nemesis {
		if e := &sc.Nemesis[i].Event; !can.Has(fault.NeedsOfMoment(e.When)) {
			e.When = nil
		}
	}
	return sc
}

// Whole returns the scenario with each entry of its nemesis once in its timeline, to check
// whether everything that the nemesis may draw is supported.
func Whole(sc harness.Scenario) harness.Scenario {
	sc.Timeline = slices.Clone(sc.Timeline)
	for _, n := range sc.Nemesis {
		e := n.Event
		e.For, e.Restart, e.By = n.For.Max, n.Restart.Max, n.By.Max
		e.When = nil // see Fit
		sc.Timeline = append(sc.Timeline, e)
	}
	sc.Nemesis = nil
	return sc
}

// swarm chooses some of n entries, and at least one.
func swarm(r *rand.Rand, n int) []bool {
	on := make([]bool, n)
	for i := range on {
		on[i] = r.Float64() < taken
	}
	if !slices.Contains(on, true) {
		on[r.IntN(n)] = true
	}
	return on
}

// draw returns the events of one entry, in order.
func draw(r *rand.Rand, n harness.Nemesis, script time.Duration, wallets int) []harness.Event {
	rate := n.Rate * math.Pow(spread, 2*r.Float64()-1)
	if rate <= 0 {
		return nil
	}
	var list []harness.Event
	var free time.Duration // when the last of them is over
	for at := 0.0; len(list) < most; {
		at += r.ExpFloat64() / rate
		if at >= script.Seconds() {
			break
		}
		e := n.Event
		e.At = time.Duration(at * float64(time.Second)).Round(grain)
		e.For, e.Restart, e.By = length(r, n.For), length(r, n.Restart), length(r, n.By)
		e.MayMiss = true
		if n.Event.When != nil {
			e.When = moment(r, e, wallets)
		}
		if left := script - e.At; e.For > left || e.Restart > left {
			e.For, e.Restart = min(e.For, left), min(e.Restart, left)
		}
		if e.At < free || e.At >= script || e.When != nil && e.At == 0 || n.For.Max > 0 && e.For <= 0 {
			continue
		}
		free = e.At + e.For + e.Restart
		list = append(list, e)
	}
	return list
}

// moment draws the commit or the packet at which an event begins: the first after its time.
func moment(r *rand.Rand, e harness.Event, wallets int) *harness.Trigger {
	first := r.IntN(2) == 0
	if e.When.Commit > 0 {
		return &harness.Trigger{Commit: 1, Side: e.Side, After: !first}
	}
	t := &harness.Trigger{Packet: 1, Client: r.IntN(max(wallets, 1)), Direction: harness.Up}
	if !first {
		t.Direction = harness.Down
	}
	return t
}

func length(r *rand.Rand, d harness.Durations) time.Duration {
	if d.Max <= d.Min {
		return d.Max
	}
	return min(max(d.At(r.Float64()).Round(grain), d.Min), d.Max)
}

// oneAtATime leaves out the events that stop a side, such as a crash, while another
// has stopped it.
func oneAtATime(list []harness.Event) []harness.Event {
	free := map[harness.Side]time.Duration{}
	return slices.DeleteFunc(list, func(e harness.Event) bool {
		if f, _ := fault.Of(e.Action); !f.Stops {
			return false
		}
		if e.At < free[e.Side] {
			return true
		}
		free[e.Side] = e.At + e.For + e.Restart
		return false
	})
}
