package packet

import (
	"net/netip"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// rebind makes the NAT of access links forget all flows, and returns how many of them
// were open.
func (n *Network) rebind(g *access.Group, newAddress bool) (hits int64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.hosts.Links(g) {
		was := l.Near.address()
		if newAddress && l.Near.tunnel.Load() == nil {
			// First the host, so that nothing new begins with the old address.
			if err := l.Near.move(); err != nil {
				return hits, err
			}
		}
		l.locked(func() { hits += l.Forget(was.As4(), l.Near.address().As4(), n.now()) })
	}
	return hits, nil
}

// move gives a host its next address. Sockets bound to the one before keep it.
func (h *host) move() error {
	next := netip.AddrFrom4(access.Next(h.address().As4()))
	if err := h.stack.SetAddress(next); err != nil {
		return err
	}
	h.addr.Store(next)
	return nil
}

// vanish keeps the packets of every flow there is on links from arriving until the end.
// If a side is named, its machines have no power meanwhile: the links are all those
// that end at one of them, no packet of them arrives, and at the end the machines'
// connections are gone without a word.
func (n *Network) vanish(g *access.Group, hosts []*host, side harness.Side) (end func() int64) {
	client, phones := access.PhonesOf(side)
	if phones {
		n.watchers.Down(client)
	}
	list := n.cutPower(hosts, 1)
	if side == harness.SideUnknown {
		n.mu.Lock()
		list = slices.Clone(n.hosts.Links(g))
		n.mu.Unlock()
	}
	var hits int64
	ends := make([]func(), len(list))
	for i, l := range list {
		l.locked(func() {
			end, open := l.Vanish(n.now())
			hits += open
			ends[i] = func() { l.locked(end) }
		})
	}
	return func() int64 {
		for _, h := range n.used(hosts) {
			h.stack.Forget()
		}
		n.cutPower(hosts, -1)
		for _, end := range ends {
			end()
		}
		if phones {
			announce(n.watchers.Up(client))
		}
		return hits
	}
}

// cutPower adds to the number of faults that keep every packet from and to hosts from
// arriving, and returns the links in use that end at them.
func (n *Network) cutPower(hosts []*host, by int) []*hostLink {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.hosts.CutPower(hosts, by)
	for _, l := range list {
		l.locked(l.UpdatePower)
	}
	return list
}

func (n *Network) used(hosts []*host) []*host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(hosts), func(h *host) bool { return h.Client >= 0 && h.Access() == nil })
}
