package packet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// Inject implements harness.Network. What its function counts is said at access.Network.Targets.
// Both ends of a connection are reset before Inject returns.
//
// StreamToxic is refused: a link carries packets, the streams are toxiproxy's.
func (n *Network) Inject(f harness.Fault) (end func() int64, err error) {
	if end, err = n.begin(f); err != nil {
		return nil, err
	}
	return sync.OnceValue(end), nil
}

// begin begins a fault. Its end must be called once.
func (n *Network) begin(f harness.Fault) (end func() int64, err error) {
	n.life.RLock()
	closed := n.closed
	n.life.RUnlock()
	if closed {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
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
		hits, err := n.rebind(g, f.NewAddress)
		if err != nil {
			return nil, err
		}
		if f.NewAddress {
			client, _ := n.hosts.Phones(g)
			announce(n.watchers.Moved(client))
		}
		return func() int64 { return hits }, nil
	case harness.Vanish:
		return n.vanish(g, hosts, f.Side), nil
	case harness.CrossTraffic:
		return n.crossTraffic(g, f.Direction)
	case harness.StreamToxic:
		return nil, errors.New("inject toxic: the packet network has no streams; put toxiproxy in front of it (package toxi)")
	default:
		return nil, fmt.Errorf("inject %v: it is not a fault of a network", f.Action)
	}
}

// blackhole begins an outage of links in direction d, or both ways if it is unknown.
// Phones are told of one of their access links.
func (n *Network) blackhole(g *access.Group, d harness.Direction) (end func() int64) {
	before := g.Lost(d)
	client, phones := n.hosts.Phones(g)
	if phones {
		n.watchers.Down(client)
	}
	n.outage(g, d, 1)
	return func() int64 {
		n.outage(g, d, -1)
		if phones {
			announce(n.watchers.Up(client))
		}
		return g.Lost(d) - before
	}
}

// announce makes the calls of Network.watchers.
func announce(calls []func()) {
	for _, call := range calls {
		call()
	}
}

func (n *Network) outage(g *access.Group, d harness.Direction, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g.Block(d, by)
	for _, b := range n.hosts.Links(g) {
		b.locked(b.Block)
	}
}

// reset aborts both ends of every open connection over links, and returns how many
// there were. Each end also sends its reset over the link. Connections within a host go
// with the access links.
func (n *Network) reset(g *access.Group) int64 {
	hosts := n.used(n.everyHost())
	slices.Reverse(hosts)                   // the server first
	type ends struct{ a, b netip.AddrPort } // in order, to be the same seen from either end
	open := make(map[ends]bool)
	for _, h := range hosts {
		h.stack.Reset(func(local, remote netip.AddrPort) bool {
			if !h.reaches(remote.Addr(), g) {
				return false
			}
			if local.Compare(remote) > 0 {
				local, remote = remote, local
			}
			open[ends{local, remote}] = true
			return true
		})
	}
	return int64(len(open))
}

// reaches reports whether a connection to an address goes over a link of a group. One
// within the host goes with the access links.
func (h *host) reaches(a netip.Addr, g *access.Group) bool {
	if b, _ := h.n.hosts.Between(h, h.n.hosts.HostAt(a.As4())); b != nil {
		return b.In(g)
	}
	return g == h.n.hosts.Access
}
