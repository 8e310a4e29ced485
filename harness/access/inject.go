package access

import (
	"fmt"

	"github.com/onebar/onebar/harness"
)

// Faults is what an engine does for a fault, in the ways of its own TCP. Each function
// protects what it changes.
type Faults[H any] struct {
	// Outage adds to the number of blackholes in force in direction d, or both ways if it
	// is unknown: by Group.Block, and Link.Block for each link.
	Outage func(g *Group, d harness.Direction, by int)
	Reset  func(g *Group) (hits int64)
	Rebind func(g *Group, newAddress bool) (hits int64, err error)
	// Vanish takes hosts without power; nil are flows on the links of g.
	Vanish       func(g *Group, hosts []H) (end func() (hits int64))
	CrossTraffic func(g *Group, d harness.Direction) (end func() (hits int64), err error)
	Toxic        func(g *Group, t *harness.Toxic) (end func() (hits int64), err error)
	// Tell makes calls of Network.Watchers.
	Tell func(calls []func())
}

// Begin begins a fault. Its end must be called once. Phones are told of faults on their
// access links. What the end counts:
//
//   - Blackhole: the packets lost in an outage of its direction while it lasted;
//   - Reset: the connections that were open; each end also sends its reset over the link;
//   - Refuse: the connections refused;
//   - Rebind: the flows forgotten that were open;
//   - Vanish: the flows that were open. Packets of older flows do not arrive until the
//     end. If Fault.Side names a side, its machines have no power meanwhile: no packet at
//     all arrives, and at the end their connections are gone;
//   - CrossTraffic: the packets of cross traffic that arrived meanwhile, in either
//     direction, acknowledgements with them.
//
// Refuse and Reset are of TCP connections only.
func (n *Network[H, L]) Begin(f harness.Fault) (end func() int64, err error) {
	g, hosts, err := n.targets(f)
	if err != nil {
		return nil, err
	}
	switch f.Action {
	case harness.Blackhole:
		return n.blackhole(g, f.Direction), nil
	case harness.Reset:
		hits := n.Faults.Reset(g)
		return func() int64 { return hits }, nil
	case harness.Refuse:
		return g.Refuse(), nil
	case harness.Rebind:
		hits, err := n.Faults.Rebind(g, f.NewAddress)
		if err != nil {
			return nil, err
		}
		if f.NewAddress {
			client, _ := n.Phones(g)
			n.Faults.Tell(n.Watchers.Moved(client))
		}
		return func() int64 { return hits }, nil
	case harness.Vanish:
		return n.vanish(g, hosts, f.Side), nil
	case harness.CrossTraffic:
		return n.Faults.CrossTraffic(g, f.Direction)
	case harness.StreamToxic:
		return n.Faults.Toxic(g, f.Toxic)
	default:
		return nil, fmt.Errorf("inject %v: it is not a fault of a network", f.Action)
	}
}

func (n *Network[H, L]) blackhole(g *Group, d harness.Direction) (end func() int64) {
	before := g.Lost(d)
	client, phones := n.Phones(g)
	if phones {
		n.Watchers.Down(client)
	}
	n.Faults.Outage(g, d, 1)
	return func() int64 {
		n.Faults.Outage(g, d, -1)
		if phones {
			n.Faults.Tell(n.Watchers.Up(client))
		}
		return g.Lost(d) - before
	}
}

func (n *Network[H, L]) vanish(g *Group, hosts []H, side harness.Side) (end func() int64) {
	client, phones := phonesOf(side)
	if phones {
		n.Watchers.Down(client)
	}
	over := n.Faults.Vanish(g, hosts)
	return func() int64 {
		hits := over()
		if phones {
			n.Faults.Tell(n.Watchers.Up(client))
		}
		return hits
	}
}
