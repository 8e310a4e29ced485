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

// Inject implements harness.Network. What its function counts is said at access.Network.Begin.
// Both ends of a connection are reset before Inject returns.
//
// StreamToxic is refused: a link carries packets, the streams are toxiproxy's.
func (n *Network) Inject(f harness.Fault) (end func() int64, err error) {
	n.life.RLock()
	closed := n.closed
	n.life.RUnlock()
	if closed {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
	if end, err = n.hosts.Begin(f); err != nil {
		return nil, err
	}
	return sync.OnceValue(end), nil
}

// faults is what access.Network.Begin needs.
func (n *Network) faults() access.Faults[*host] {
	return access.Faults[*host]{
		Outage: n.outage, Reset: n.reset, Rebind: n.rebind, Vanish: n.vanish, CrossTraffic: n.crossTraffic, Tell: announce,
		Toxic: func(*access.Group, *harness.Toxic) (func() int64, error) {
			return nil, errors.New("inject toxic: the packet network has no streams; put toxiproxy in front of it (package toxi)")
		},
	}
}

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
