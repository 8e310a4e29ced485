// Package access is what the engines of packets have in common, whatever their TCP: the
// access network between hosts, and some of Linux's TCP.
//
//   - [Network] finds hosts by name and address, links by name, and the link between two
//     hosts.
//   - [Group] is links that are impaired alike, with the faults in force on them and
//     what these have hit.
//   - [Link] is one link between two hosts: both directions and the flows on it. It says
//     what happens to a packet. On an access link a NAT is in the way, which forgets flows.
//   - [Flow] and [Half] are a connection and one of its ends, as seen on the link. They say
//     which segments are retransmissions.
//   - [Bulk] is what an end of cross traffic does.
//   - [Acks] says when Linux delays an acknowledgement, [RTT] is its round-trip estimator.
//   - [Queue] is events in the order of their instants.
//
// It is arithmetic: no goroutine, no clock, no lock. The caller hands in the present as an
// offset, and protects what says that it is not safe for concurrent use.
//
// What the engines do not share is what depends on whose TCP it is. In package simnet an
// endpoint decides when it acknowledges and runs cross traffic itself, as events. gVisor's
// TCP acknowledges at once and knows no events: package packet holds back its
// acknowledgements on the link, and runs cross traffic by goroutines that write and read.
package access

import (
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// MaxClients is how many clients a network can have: a client's number is two bytes of
// its address.
const MaxClients = 1 << 16

// Addr is an IPv4 address. The server has 10.0.0.1, further hosts have 10.0.0.2 and so
// on, and client i has 10.1.x.y with its number in x and y. The second byte of a client's
// address counts the addresses that it has had, see Next.
type Addr = [4]byte

// Server is the address of the server.
func Server() Addr { return Addr{10, 0, 0, 1} }

// Client is the first address of client i.
func Client(i int) Addr { return Addr{10, 1, byte(i >> 8), byte(i)} }

// further is the address of the host of the topology at place i.
func further(i int) Addr { return Addr{10, 0, 0, byte(i + 2)} }

// Router is the address that ICMP errors of the path come from.
func Router() Addr { return Addr{10, 0, 0, 254} }

// Next is the address of a client after a rebind to a new address. The first one comes
// again after 255.
func Next(a Addr) Addr {
	a[1] = a[1]%255 + 1
	return a
}

// Host is what the host of an engine embeds. L is the engine's link between two hosts.
type Host[L comparable] struct {
	name   string // of a host that is no client
	Client int    // the number of a client, -1 of another host
	First  Addr   // its first address
	Seed   uint64 // of the host's own random draws
	Links  []L    // the links of the topology that end here

	own       *Group            // of a client: the faults in force on its access link alone
	access    atomic.Pointer[L] // of a client: its access link, once it is in use
	unpowered int               // faults in force that leave it without power
}

func (h *Host[L]) host() *Host[L] { return h }

func (h *Host[L]) number() int { return h.Client }

func (h *Host[L]) alone() *Group { return h.own }

// Name returns the name of the host.
func (h *Host[L]) Name() string {
	if h.Client >= 0 {
		return harness.ClientName(h.Client)
	}
	return h.name
}

// Unpowered reports whether the host is without power.
func (h *Host[L]) Unpowered() bool { return h.unpowered > 0 }

// Access is the access link of a client, the zero L before it is in use and of other hosts.
// It may be called at any time.
func (h *Host[L]) Access() (l L) {
	if p := h.access.Load(); p != nil {
		return *p
	}
	return l
}

// Hosted is a pointer to an engine's host.
type Hosted[L comparable] interface {
	comparable
	host() *Host[L]
}

// Linked is a pointer to an engine's link between two hosts, which embeds a *Link.
type Linked[H any] interface {
	comparable
	Ends() (near, far H)
}

// Network is the hosts and links of a network. H and L are pointers to the engine's host
// and link. The hosts and the links of the topology stay what they were at first. The
// lists of access links and the hosts without power change: calls of Add, Links, Touching and
// CutPower must not overlap.
type Network[H Hosted[L], L Linked[H]] struct {
	topology harness.Topology
	Server   H
	Clients  []H
	Further  []H      // those of the topology
	Access   *Group   // of the access links
	Others   []*Group // one for each link of the topology
	links    map[*Group][]L
}

// New returns the hosts of a network, without any link in use. Build makes a host of
// the engine that embeds what it is given. The error says what is wrong with c.
func New[H Hosted[L], L Linked[H]](c harness.NetworkConfig, build func(*Host[L]) H) (*Network[H, L], error) {
	if c.Clients < 0 || c.Clients > MaxClients {
		return nil, fmt.Errorf("%d clients, have 0 to %d", c.Clients, MaxClients)
	}
	if err := c.Check(c.Clients); err != nil {
		return nil, err
	}
	n := &Network[H, L]{topology: c.Topology, Access: &Group{Profile: c.Profile}, links: make(map[*Group][]L)}
	seeds := harness.Rand(c.Seed, harness.StreamEngine)
	host := func(name string, client int, a Addr) H {
		return build(&Host[L]{name: name, Client: client, First: a, Seed: seeds.Uint64()})
	}
	n.Server = host(harness.ServerName, -1, Server())
	n.Clients = make([]H, 0, c.Clients)
	for i := range c.Clients {
		h := host("", i, Client(i))
		h.host().own = &Group{Name: harness.ClientName(i)}
		n.Clients = append(n.Clients, h)
	}
	for i, name := range c.Hosts {
		n.Further = append(n.Further, host(name, -1, further(i)))
	}
	for _, l := range c.Links {
		n.Others = append(n.Others, &Group{Name: l.Name(), Profile: l.Profile})
	}
	return n, nil
}

// Ends returns the hosts at the ends of the link of the topology at place i.
func (n *Network[H, L]) Ends(i int) (near, far H) {
	near, _ = n.Host(n.topology.Links[i].Near) // Check has found both
	far, _ = n.Host(n.topology.Links[i].Far)
	return near, far
}

// Links returns the links of a group that are in use, in the order of their first use.
func (n *Network[H, L]) Links(g *Group) []L { return n.links[g] }

// Add puts a link of a group into use.
func (n *Network[H, L]) Add(g *Group, l L) {
	n.links[g] = append(n.links[g], l)
	near, far := l.Ends()
	if g == n.Access {
		n.links[near.host().own] = []L{l}
		near.host().access.Store(&l)
		return
	}
	near.host().Links = append(near.host().Links, l)
	far.host().Links = append(far.host().Links, l)
}

// Host returns the host of a name. The error says that there is none.
func (n *Network[H, L]) Host(name string) (h H, err error) {
	if name == harness.ServerName {
		return n.Server, nil
	}
	if i, ok := harness.ClientIndex(name); ok && i < len(n.Clients) {
		return n.Clients[i], nil
	}
	if i := n.topology.Host(name); i >= 0 {
		return n.Further[i], nil
	}
	return h, n.topology.NoHost(name)
}

func (n *Network[H, L]) side(s harness.Side) ([]H, error) {
	if s == harness.Client {
		return n.Clients, nil
	}
	h, err := n.Host(string(s))
	return []H{h}, err
}

// HostAt returns the host that has or had an address, the zero H if none.
func (n *Network[H, L]) HostAt(a Addr) (h H) {
	switch i := int(a[2])<<8 | int(a[3]); {
	case a == Server():
		return n.Server
	case a[0] != 10:
	case a[1] == 0 && i >= 2 && i-2 < len(n.Further):
		return n.Further[i-2]
	case a[1] > 0 && i < len(n.Clients):
		return n.Clients[i]
	}
	return h
}

// Between is the link that packets from one host to another take. It is the zero L within
// a host, and on an access link that is not in use yet. To may be the zero H: no host. The
// error says that there is no link.
func (n *Network[H, L]) Between(from, to H) (l L, err error) {
	var nobody H
	switch {
	case to == from:
		return l, nil
	case to == nobody:
		return l, syscall.EHOSTUNREACH
	case to == n.Server && from.host().Client >= 0:
		return from.host().Access(), nil
	case from == n.Server && to.host().Client >= 0:
		return to.host().Access(), nil
	}
	for _, l := range from.host().Links {
		if near, far := l.Ends(); near == to || far == to {
			return l, nil
		}
	}
	return l, fmt.Errorf("no link joins %s and %s: %w", from.host().Name(), to.host().Name(), syscall.EHOSTUNREACH)
}

// Group returns the links of a name; empty is the access links, and the name of a client
// its access link alone. The error says that there are none.
func (n *Network[H, L]) Group(name string) (*Group, error) {
	if name == "" {
		return n.Access, nil
	}
	if i, ok := harness.ClientIndex(name); ok && i < len(n.Clients) {
		return n.Clients[i].host().own, nil
	}
	i := slices.IndexFunc(n.Others, func(g *Group) bool { return g.Name == name })
	if i < 0 {
		return nil, n.topology.NoLink(name)
	}
	return n.Others[i], nil
}

// Targets returns what a fault is on: links, and of a Vanish with a side its hosts. The error
// names the fault, and what there is not. What the end of a fault counts:
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
func (n *Network[H, L]) Targets(f harness.Fault) (g *Group, hosts []H, err error) {
	g, err = n.Group(f.Link)
	switch {
	case err != nil:
	case f.Action == harness.Rebind && !n.IsAccess(g):
		return nil, nil, fmt.Errorf("inject rebind on %s: no NAT is on a link between hosts: only access links have one", f.Link)
	case g != n.Access && n.IsAccess(g) && (f.Action == harness.StreamToxic || f.Action == harness.CrossTraffic):
		return nil, nil, fmt.Errorf("inject %v on %s: expected every access link", f.Action, f.Link)
	case f.Action == harness.Vanish && f.Side != harness.SideUnknown:
		hosts, err = n.side(f.Side)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("inject %v: %w", f.Action, err)
	}
	return g, hosts, nil
}

// IsAccess reports whether a group is the access links or one of them.
func (n *Network[H, L]) IsAccess(g *Group) bool { return !slices.Contains(n.Others, g) }

// Phones returns the client whose access link a group is, link.Everyone for all of them,
// and false if it is no access link.
func (n *Network[H, L]) Phones(g *Group) (client int, ok bool) {
	if i, ok := harness.ClientIndex(g.Name); ok {
		return i, true
	}
	return link.Everyone, g == n.Access
}

// PhonesOf is Phones for the hosts of a side.
func PhonesOf(s harness.Side) (client int, ok bool) {
	if i, ok := harness.ClientIndex(string(s)); ok {
		return i, true
	}
	return link.Everyone, s == harness.Client
}

// Touching returns the links in use that have one of the hosts at an end.
func (n *Network[H, L]) Touching(hosts []H) (list []L) {
	at := make(map[H]bool, len(hosts))
	for _, h := range hosts {
		at[h] = true
	}
	for _, g := range append([]*Group{n.Access}, n.Others...) {
		for _, l := range n.links[g] {
			if near, far := l.Ends(); at[near] || at[far] {
				list = append(list, l)
			}
		}
	}
	return list
}

// CutPower adds to the number of faults that leave hosts without power, and returns the
// links in use that end at them.
func (n *Network[H, L]) CutPower(hosts []H, by int) []L {
	for _, h := range hosts {
		h.host().unpowered += by
	}
	return n.Touching(hosts)
}
