package packet

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
)

// links are links that are impaired alike: the access links of all clients, or one
// link of the topology. Network.mu covers what is not atomic.
type links struct {
	name      string    // of the one link; empty is the access links
	list      []*bearer // of the one link; the access links are those of the clients
	profile   harness.Profile
	outages   [2]int          // blackholes in force, up and down
	lost      [2]atomic.Int64 // packets lost in outages, up and down
	refusing  atomic.Int64    // refusals in force
	refused   atomic.Int64    // connections refused
	delivered atomic.Int64    // packets of cross traffic
}

// named returns the links of a name; empty is the access links.
func (n *Network) named(name string) (*links, error) {
	if name == "" {
		return &n.access, nil
	}
	i := slices.IndexFunc(n.others, func(l *links) bool { return l.name == name })
	if i < 0 {
		return nil, n.topology.NoLink(name)
	}
	return n.others[i], nil
}

// bearers returns those of the links that are in use. The caller holds n.mu.
func (n *Network) bearers(l *links) (list []*bearer) {
	if l != &n.access {
		return l.list
	}
	for _, h := range n.clients {
		if b := h.bearer.Load(); b != nil {
			list = append(list, b)
		}
	}
	return list
}

// touching returns the links in use that have one of the hosts at an end. The caller
// holds n.mu.
func (n *Network) touching(hosts []*host) (list []*bearer) {
	ends := make(map[*host]bool, len(hosts))
	for _, h := range hosts {
		ends[h] = true
	}
	for _, l := range append([]*links{&n.access}, n.others...) {
		for _, b := range n.bearers(l) {
			if ends[b.near] || ends[b.far] {
				list = append(list, b)
			}
		}
	}
	return list
}

// SetProfile implements harness.Network. The smallest retransmission time-out,
// which follows the round trip of the profile, changes for new connections only.
func (n *Network) SetProfile(p harness.Profile) {
	_ = n.SetLinkProfile("", p) // there are access links
}

// SetLinkProfile implements harness.Network, like SetProfile.
func (n *Network) SetLinkProfile(link string, p harness.Profile) error {
	l, err := n.named(link)
	if err != nil {
		return fmt.Errorf("set the profile of a link: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l.profile = p
	if l == &n.access {
		n.server.tune()
	}
	for _, b := range n.bearers(l) {
		b.near.tune()
		if l != &n.access {
			b.far.tune()
		}
		b.set(p)
	}
	return nil
}

// Host implements harness.Network.
func (n *Network) Host(name string) (harness.Host, error) {
	if h := n.host(name); h != nil {
		return h, nil
	}
	return nil, n.topology.NoHost(name)
}

// host returns the host of a name, or nil.
func (n *Network) host(name string) *host {
	if name == harness.ServerName {
		return n.server
	}
	if i, ok := harness.ClientIndex(name); ok && i < len(n.clients) {
		return n.clients[i]
	}
	if i := n.topology.Host(name); i >= 0 {
		return n.further[i]
	}
	return nil
}

// side returns the hosts of a side.
func (n *Network) side(s harness.Side) ([]*host, error) {
	if s == harness.Client {
		return n.clients, nil
	}
	if h := n.host(string(s)); h != nil {
		return []*host{h}, nil
	}
	return nil, n.topology.NoHost(string(s))
}

// hostOf returns the host that has or had an address, or nil.
func (n *Network) hostOf(a netip.Addr) *host {
	if a == n.server.address() {
		return n.server
	}
	b := a.As4()
	if i := int(b[3]) - 2; b[0] == 10 && b[1] == 0 && b[2] == 0 && i >= 0 && i < len(n.further) {
		return n.further[i]
	}
	return n.clientOf(a)
}

// everyHost returns all hosts, the server last: clients first say that they are gone.
func (n *Network) everyHost() []*host {
	return append(append(slices.Clone(n.clients), n.further...), n.server)
}

// join makes the hosts and the links of the topology.
func (n *Network) join() error {
	for _, h := range n.further {
		if err := h.ready(); err != nil {
			return err
		}
	}
	for _, t := range n.topology.Links {
		l := &links{name: t.Name(), profile: t.Profile}
		near, far := n.host(t.Near), n.host(t.Far)
		for _, h := range []*host{near, far} {
			if err := h.ready(); err != nil {
				return err
			}
		}
		b := newBearer(l, near, far)
		l.list = []*bearer{b}
		n.others = append(n.others, l)
		for _, h := range []*host{near, far} {
			h.others = append(h.others, b)
			h.tune()
		}
	}
	return nil
}

// bearerTo is the link that packets to another host take. It may not be in use yet,
// and is nil then, as it is within the host. The error says that there is none.
func (h *host) bearerTo(other *host) (*bearer, error) {
	switch {
	case other == h:
		return nil, nil
	case other == nil:
		return nil, syscall.EHOSTUNREACH
	case h.client >= 0 && other == h.n.server:
		return h.bearer.Load(), nil
	case h == h.n.server && other.client >= 0:
		return other.bearer.Load(), nil
	}
	for _, b := range h.others {
		if b.near == other || b.far == other {
			return b, nil
		}
	}
	return nil, harness.NoRoute(h.name, other.name)
}

// send puts a packet of the host on the link to the host it is for. One that no link
// leads to is lost.
func (h *host) send(p *stack.PacketBuffer) {
	dst := header.IPv4(p.NetworkHeader().Slice()).DestinationAddress()
	if b, _ := h.bearerTo(h.n.hostOf(netip.AddrFrom4(dst.As4()))); b != nil {
		b.send(b.from(h), p)
	}
}
