package access

import (
	"sync/atomic"

	"github.com/onebar/onebar/harness"
)

// Group is links that are impaired alike: the access links of all clients, the access link
// of one client, or one link of the topology. What packets change is counted atomically, so that a packet needs no lock
// of the group; the rest is not safe for concurrent use.
type Group struct {
	Name    string // of the one link, or its client; empty is the access links
	Profile harness.Profile

	outages   [2]int          // blackholes in force, up and down
	lost      [2]atomic.Int64 // packets lost in outages, up and down
	refusing  atomic.Int64    // refusals in force
	refused   atomic.Int64    // connections refused
	delivered atomic.Int64    // packets of cross traffic that have arrived
}

// Blocked reports whether a blackhole keeps packets of direction d from arriving.
func (g *Group) Blocked(d harness.Direction) bool { return g.outages[d-harness.Up] > 0 }

// Block adds to the number of blackholes in force in direction d, or both ways if it is
// unknown. The caller blocks each link.
func (g *Group) Block(d harness.Direction, by int) {
	for _, i := range places(d) {
		g.outages[i] += by
	}
}

// Lost is how many packets outages have lost in direction d, or both ways if it is unknown.
func (g *Group) Lost(d harness.Direction) (packets int64) {
	for _, i := range places(d) {
		packets += g.lost[i].Load()
	}
	return packets
}

// places are the elements of an array of up and down that a direction is about.
func places(d harness.Direction) []int {
	if d == harness.DirectionUnknown {
		return []int{0, 1}
	}
	return []int{int(d - harness.Up)}
}

// Refuse begins a refusal of connections. End returns how many were refused meanwhile.
func (g *Group) Refuse() (end func() int64) {
	before := g.refused.Load()
	g.refusing.Add(1)
	return func() int64 {
		g.refusing.Add(-1)
		return g.refused.Load() - before
	}
}

// Refuses reports whether requests for connections are refused.
func (g *Group) Refuses() bool { return g.refusing.Load() > 0 }

// Refused counts a connection that was refused.
func (g *Group) Refused() { g.refused.Add(1) }

// Delivered is how many packets of cross traffic have arrived, in either direction.
func (g *Group) Delivered() int64 { return g.delivered.Load() }

// Count counts a packet whose fate is known.
func (g *Group) Count(p *harness.Packet) {
	switch {
	case p.Drop == harness.DropOutage:
		g.lost[p.Direction-harness.Up].Add(1)
	case p.Drop == harness.DropNone && p.Cross:
		g.delivered.Add(1)
	}
}
