package packet

import (
	"fmt"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"github.com/onebar/onebar/harness"
)

// datagramLife is how long a NAT remembers a flow of datagrams at least, RFC 4787
// REQ-5.
const datagramLife = 2 * time.Minute

// note keeps what a NAT would know of the flow when it sees s. The halves of the
// flow have noted it already.
func (f *flow) note(s segment, now time.Duration) {
	f.last = now
	f.reset = f.reset || s.flags.Contains(header.TCPFlagRst)
}

// open reports whether a NAT would think that the flow is in use.
func (f *flow) open(now time.Duration) bool {
	switch f.protocol {
	case header.TCPProtocolNumber:
		return f.up.started && f.down.started && !f.reset && (!f.up.fin || !f.down.fin)
	case header.UDPProtocolNumber:
		return now-f.last <= datagramLife
	default:
		return false
	}
}

// bearers returns the links in use, and the hosts at their ends. The caller holds
// n.mu.
func (n *Network) bearers() (list []*bearer, clients []*host) {
	for _, h := range n.clients {
		if b := h.bearer.Load(); b != nil {
			list, clients = append(list, b), append(clients, h)
		}
	}
	return list, clients
}

// rebind makes the NAT before every client forget all flows, and returns how many
// of them were open.
func (n *Network) rebind(newAddress bool) (hits int64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	bearers, hosts := n.bearers()
	for i, b := range bearers {
		was := hosts[i].address()
		if newAddress && hosts[i].card.tunnel.Load() == nil {
			// First the host, so that nothing new begins with the old address.
			if err := hosts[i].move(); err != nil {
				return hits, err
			}
		}
		hits += b.forget(was, hosts[i].address())
	}
	return hits, nil
}

// forget makes the NAT forget the flows of a client that had the address was and
// has the address is.
func (b *bearer) forget(was, is netip.Addr) (open int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.n.now()
	for _, f := range b.flows {
		if f.client == was.As4() && !f.forgotten {
			f.forgotten = true
			if f.open(now) {
				open++
			}
		}
	}
	if was != is {
		if b.retired == nil {
			b.retired = make(map[[4]byte]bool)
		}
		b.retired[was.As4()] = true
		delete(b.retired, is.As4())
	}
	return open
}

// move gives a host its next address. Sockets bound to the one before keep it.
func (h *host) move() error {
	next := h.address().As4()
	next[1] = next[1]%255 + 1 // 10.1 to 10.255, see clientOf
	addr := tcpip.AddrFrom4(next)
	// It has that address already if it has had 255 of them.
	_ = h.stack.RemoveAddress(nic, addr)
	if err := h.claim(addr); err != nil {
		return err
	}
	h.addr.Store(netip.AddrFrom4(next))
	return nil
}

// claim makes addr the address of a host that new sockets get.
func (h *host) claim(addr tcpip.Address) error {
	address := tcpip.ProtocolAddress{Protocol: header.IPv4ProtocolNumber, AddressWithPrefix: addr.WithPrefix()}
	if err := h.stack.AddProtocolAddress(nic, address, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("give a host the address %v: %v", addr, err)
	}
	h.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic, SourceHint: addr}})
	return nil
}

// silenced are flows of a bearer.
type silenced struct {
	b     *bearer
	flows []*flow
}

// vanish keeps the packets of every flow there is from arriving until the end. If
// a side is named, its machines have no power meanwhile: no packet arrives at all,
// and at the end their connections are gone without a word.
func (n *Network) vanish(side harness.Side) (end func() int64) {
	var dark int
	if side != harness.SideUnknown {
		dark = 1
	}
	if side == harness.Client {
		n.watchers.Down()
	}
	var hits int64
	var gone []silenced
	now := n.now()
	for _, b := range n.darken(dark) {
		b.mu.Lock()
		s := silenced{b: b}
		for _, f := range b.flows {
			f.vanished++
			s.flows = append(s.flows, f)
			if f.open(now) {
				hits++
			}
		}
		b.mu.Unlock()
		gone = append(gone, s)
	}
	return func() int64 {
		for _, h := range n.hosts(side) {
			h.forget()
		}
		n.darken(-dark)
		for _, s := range gone {
			s.b.mu.Lock()
			for _, f := range s.flows {
				f.vanished--
			}
			s.b.mu.Unlock()
		}
		if side == harness.Client {
			announce(n.watchers.Up())
		}
		return hits
	}
}

// darken adds to the number of faults that keep every packet from arriving, and
// returns the links in use.
func (n *Network) darken(by int) []*bearer {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dark += by
	list, _ := n.bearers()
	for _, b := range list {
		b.mu.Lock()
		b.dark += by
		b.mu.Unlock()
	}
	return list
}

// hosts returns the hosts of a side that have been used.
func (n *Network) hosts(side harness.Side) []*host {
	switch side {
	case harness.Server:
		return []*host{n.server}
	case harness.Client:
		n.mu.Lock()
		defer n.mu.Unlock()
		_, clients := n.bearers()
		return clients
	default:
		return nil
	}
}

// forget ends every TCP connection of the host, as a loss of power does.
func (h *host) forget() {
	for _, e := range h.stack.RegisteredEndpoints() {
		if ep, ok := e.(*tcp.Endpoint); ok && ep.EndpointState() != tcp.StateListen {
			ep.Abort()
		}
	}
}
