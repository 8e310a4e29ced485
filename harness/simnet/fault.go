package simnet

import (
	"fmt"
	"sync"
	"syscall"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// errStopped is how connections fail when the network is closed.
const errStopped = syscall.ECONNRESET

// The ranks of events of one instant: the links' come first, then faults, then a socket's
// by its number, see host.number.
const (
	rankLink = iota
	rankFault
)

// Inject implements harness.Network. What its function counts is said at access.Network.Targets,
// and of a StreamToxic it is the connections dialed meanwhile. Each end of a connection is
// reset at an instant of its own, within the nanoseconds after Inject.
func (n *Network) Inject(f harness.Fault) (end func() int64, err error) {
	n.loop.Lock()
	defer n.loop.Unlock()
	if n.stopped {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
	over, err := n.begin(f)
	if err != nil {
		return nil, err
	}
	return sync.OnceValue(func() int64 {
		n.loop.Lock()
		defer n.loop.Unlock()
		return over()
	}), nil
}

// begin begins a fault. The end is called once.
func (n *Network) begin(f harness.Fault) (end func() int64, err error) {
	g, hosts, err := n.hosts.Targets(f)
	if err != nil {
		return nil, err
	}
	switch f.Action {
	case harness.Blackhole:
		return n.blackhole(g, f.Direction), nil
	case harness.Reset:
		hits := n.reset(g)
		return func() int64 { return hits }, nil
	case harness.Refuse:
		return g.Refuse(), nil
	case harness.Rebind:
		hits := n.rebind(f.NewAddress)
		return func() int64 { return hits }, nil
	case harness.Vanish:
		return n.vanish(g, hosts, f.Side == harness.Client), nil
	case harness.CrossTraffic:
		return n.crossTraffic(g, f.Direction), nil
	case harness.StreamToxic:
		return n.beginToxic(g, f.Toxic)
	default:
		return nil, fmt.Errorf("inject %v: it is not a fault of a network", f.Action)
	}
}

// blackhole begins an outage of links in direction d, or both ways if it is unknown.
// Phones are told of one of their access links.
func (n *Network) blackhole(g *access.Group, d harness.Direction) func() int64 {
	change := func(by int) {
		g.Block(d, by)
		for _, b := range n.hosts.Links(g) {
			b.Block()
		}
	}
	before := g.Lost(d)
	change(1)
	if g == n.hosts.Access {
		n.watchers.Down()
	}
	return func() int64 {
		change(-1)
		if g == n.hosts.Access {
			n.announce(n.watchers.Up())
		}
		return g.Lost(d) - before
	}
}

// announce makes the calls of n.watchers, each at an instant of its own.
func (n *Network) announce(calls []func()) {
	for _, call := range calls {
		n.loop.Push(&access.Event{Rank: rankFault, Run: call}, n.loop.At())
	}
	n.loop.Rearm()
}

// reset makes both ends of every open connection over links reset it, each at an
// instant of its own, and returns how many connections there were. Those within a host
// go with the access links.
func (n *Network) reset(g *access.Group) (hits int64) {
	seen := make(map[*flow]bool)
	for _, h := range n.used() {
		for _, e := range h.endpoints() {
			if over := e.flow != nil && e.flow.link.Group != g || e.flow == nil && g != n.hosts.Access; over || !e.carries() {
				continue
			}
			if e.flow == nil && e.Local.Port < e.Remote.Port || e.flow != nil && !seen[e.flow] {
				hits++
			}
			if e.flow != nil {
				seen[e.flow] = true
			}
			n.loop.Push(&access.Event{Rank: rankFault, Run: e.abort}, n.loop.At())
		}
	}
	n.loop.Rearm()
	return hits
}
