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

// Inject implements harness.Network. What its function counts is said at access.Network.Begin,
// and of a StreamToxic it is the connections dialed meanwhile. Each end of a connection is
// reset at an instant of its own, within the nanoseconds after Inject.
func (n *Network) Inject(f harness.Fault) (end func() int64, err error) {
	n.loop.Lock()
	defer n.loop.Unlock()
	if n.stopped {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
	over, err := n.hosts.Begin(f)
	if err != nil {
		return nil, err
	}
	return sync.OnceValue(func() int64 {
		n.loop.Lock()
		defer n.loop.Unlock()
		return over()
	}), nil
}

// faults is what access.Network.Begin needs. The caller of Begin holds the lock of the loop.
func (n *Network) faults() access.Faults[*host] {
	return access.Faults[*host]{
		Outage: n.outage, Reset: n.reset, Rebind: n.rebind, Vanish: n.vanish, CrossTraffic: n.crossTraffic, Toxic: n.beginToxic, Tell: n.announce,
	}
}

func (n *Network) outage(g *access.Group, d harness.Direction, by int) {
	g.Block(d, by)
	for _, b := range n.hosts.Links(g) {
		b.Block()
	}
}

// announce makes the calls of access.Network.Watchers, each at an instant of its own.
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
			if over := e.flow != nil && !e.flow.link.In(g) || e.flow == nil && g != n.hosts.Access; over || !e.carries() {
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
