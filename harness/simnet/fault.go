package simnet

import (
	"fmt"
	"sync"
	"syscall"

	"github.com/onebar/onebar/harness"
)

// errStopped is how connections fail when the network is closed.
const errStopped = syscall.ECONNRESET

// Inject implements harness.Network. What its function counts:
//
//   - Blackhole: the packets lost in an outage of its direction while it lasted;
//   - Reset: the connections that were open; each of both ends is reset within the
//     nanoseconds after Inject, and sends its reset over the link;
//   - Refuse: the connections refused;
//   - Rebind: the flows forgotten that were open;
//   - Vanish: the flows that were open. Packets of older flows do not arrive until
//     the end. If Fault.Side names a side, its machines have no power meanwhile: no
//     packet at all arrives, and at the end their connections are gone;
//   - CrossTraffic: the packets of cross traffic that arrived meanwhile, in either
//     direction, acknowledgements with them;
//   - StreamToxic: the connections dialed meanwhile.
//
// Refuse and Reset are of TCP connections only.
func (n *Network) Inject(f harness.Fault) (end func() int64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
	if end, err = n.begin(f); err != nil {
		return nil, err
	}
	return sync.OnceValue(end), nil
}

// begin begins a fault. The caller holds n.mu, and calls the end once.
func (n *Network) begin(f harness.Fault) (end func() int64, err error) {
	l, err := n.named(f.Link)
	if err != nil {
		return nil, fmt.Errorf("inject %v: %w", f.Action, err)
	}
	switch f.Action {
	case harness.Blackhole:
		return n.blackhole(l, f.Direction), nil
	case harness.Reset:
		hits := n.reset(l)
		return func() int64 { return hits }, nil
	case harness.Refuse:
		return n.refuse(l), nil
	case harness.Rebind:
		if f.Link != "" {
			return nil, fmt.Errorf("inject rebind on %s: no NAT is on a link between hosts: only access links have one", f.Link)
		}
		hits := n.rebind(f.NewAddress)
		return func() int64 { return hits }, nil
	case harness.Vanish:
		var hosts []*host
		if f.Side != harness.SideUnknown {
			if hosts, err = n.side(f.Side); err != nil {
				return nil, fmt.Errorf("inject vanish: %w", err)
			}
		}
		return n.vanish(l, hosts, f.Side == harness.Client), nil
	case harness.CrossTraffic:
		return n.crossTraffic(l, f.Direction), nil
	case harness.StreamToxic:
		return n.poison(l, f.Toxic)
	default:
		return nil, fmt.Errorf("inject %v: it is not a fault of a network", f.Action)
	}
}

// ending wraps the end of a fault: it takes the mutex.
func (n *Network) ending(end func() int64) func() int64 {
	return func() int64 {
		n.mu.Lock()
		defer n.mu.Unlock()
		return end()
	}
}

// blackhole begins an outage of links in direction d, or both ways if it is unknown.
// Phones are told of one of their access links.
func (n *Network) blackhole(l *links, d harness.Direction) func() int64 {
	up, down := d != harness.Down, d != harness.Up
	lost := func() (packets int64) {
		if up {
			packets += l.lost[0]
		}
		if down {
			packets += l.lost[1]
		}
		return packets
	}
	change := func(by int) {
		if up {
			l.outages[0] += by
		}
		if down {
			l.outages[1] += by
		}
		for _, b := range n.bearers(l) {
			b.block()
		}
	}
	before := lost()
	change(1)
	if l == &n.access {
		n.watchers.Down()
	}
	return n.ending(func() int64 {
		change(-1)
		if l == &n.access {
			n.announce(n.watchers.Up())
		}
		return lost() - before
	})
}

// announce makes the calls of n.watchers, each at an instant of its own.
func (n *Network) announce(calls []func()) {
	for _, call := range calls {
		n.push(&event{rank: rankFault, run: call}, n.at)
	}
	n.rearm()
}

func (n *Network) refuse(l *links) func() int64 {
	before := l.refused
	l.refusing++
	return n.ending(func() int64 {
		l.refusing--
		return l.refused - before
	})
}

// reset makes both ends of every open connection over links reset it, each at an
// instant of its own, and returns how many connections there were. Those within a host
// go with the access links.
func (n *Network) reset(l *links) (hits int64) {
	seen := make(map[*flow]bool)
	for _, h := range n.hosts() {
		for _, e := range h.endpoints() {
			if over := e.flow != nil && e.flow.bearer.links != l || e.flow == nil && l != &n.access; over || !e.carries() {
				continue
			}
			if e.flow == nil && e.local.port < e.remote.port || e.flow != nil && !seen[e.flow] {
				hits++
			}
			if e.flow != nil {
				seen[e.flow] = true
			}
			n.push(&event{rank: rankFault, run: e.abort}, n.at)
		}
	}
	n.rearm()
	return hits
}

// carries reports whether an endpoint is an end of an open connection: one of its
// applications may still send or receive.
func (e *endpoint) carries() bool {
	if e.proxy != nil && e != e.proxy.far {
		return false // within the phone
	}
	return e.state == answering || e.state == open && (!e.finRcvd || !e.finSent)
}
