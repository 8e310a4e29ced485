package simnet

import (
	"cmp"
	"context"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/socket"
	"github.com/onebar/onebar/harness/simnet/tcp"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// host implements harness.Host: one machine. The lock of the event loop protects
// everything in it.
type host struct {
	*access.Host[*hostLink]
	n       *Network
	order   uint64 // among the hosts: the server is 1, then come the clients
	ip      access.Addr
	sockets uint64        // made so far
	port    uint16        // the last ephemeral one
	phase   time.Duration // of its ticks, see tcp.Settings

	conns     map[key]*endpoint
	listeners map[uint16]*socket.Listener
	udp       map[uint16]*datagram
}

// The ephemeral ports, Linux's net.ipv4.ip_local_port_range.
const firstPort, lastPort = 32768, 60999

func (n *Network) newHost(a *access.Host[*hostLink]) *host {
	h := &host{
		Host: a, n: n, order: uint64(a.Client) + 2, ip: a.First,
		port:  firstPort + uint16(a.Seed>>32%(lastPort-firstPort+1)),
		phase: time.Duration(a.Seed % uint64(tcp.Tick)),
	}
	if a.Client < 0 { // 10.0.0.1 is the server's
		h.order = 1
		if i := uint64(a.First[3]); i > 1 {
			h.order = access.MaxClients + i
		}
		h.wake()
	}
	return h
}

// number numbers the sockets of a network: the server's first, then the clients'
// in turn, then those of further hosts, each host's in the order in which they were
// made. Ranks below are not those of sockets.
func (h *host) number() uint64 {
	h.sockets++
	return h.order<<32 + h.sockets
}

// wake makes what a host needs when it is first used.
func (h *host) wake() {
	if h.conns == nil {
		h.conns = make(map[key]*endpoint)
		h.listeners = make(map[uint16]*socket.Listener)
		h.udp = make(map[uint16]*datagram)
	}
	if h.Client >= 0 && h.Access() == nil {
		h.n.hosts.Add(h.n.hosts.Access, newHostLink(h.n.hosts.Access, h, h.n.hosts.Server))
	}
}

// linkTo is the link that packets to an address take, nil within the host. The error
// says that there is none.
func (h *host) linkTo(to wire.Addr) (*hostLink, error) {
	other := h.n.hosts.HostAt(to.IP)
	if h == h.n.hosts.Server && other != nil {
		other.wake()
	}
	return h.n.hosts.Between(h, other)
}

// ephemeral picks the next free port. It is 0 if there is none.
func (h *host) ephemeral(taken func(port uint16) bool) uint16 {
	for range lastPort - firstPort + 1 {
		if h.port++; h.port > lastPort {
			h.port = firstPort
		}
		if !taken(h.port) {
			return h.port
		}
	}
	return 0
}

func (h *host) freePort(to wire.Addr) uint16 {
	return h.ephemeral(func(p uint16) bool { return h.conns[key{p, to}] != nil || h.listeners[p] != nil })
}

// DialContext implements harness.Host. Network is "tcp", "tcp4", "udp" or "udp4";
// address is the address of a host of the network and a port, in numbers. Errors
// are those of package net: *net.OpError with ECONNREFUSED, ETIMEDOUT and so on,
// or the error of ctx.
func (h *host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	h.n.loop.Lock()
	defer h.n.loop.Unlock()
	protocol, dial := "tcp", h.dial
	if network == "udp" || network == "udp4" {
		protocol, dial = "udp", h.dialDatagrams
	}
	a, err := h.n.hosts.Resolve(h.ip, protocol, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	c, err := dial(ctx, wire.From(a))
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: wire.From(a).Net(network), Err: err}
	}
	return c, nil
}

func (h *host) dial(ctx context.Context, to wire.Addr) (net.Conn, error) {
	if h.n.stopped {
		return nil, net.ErrClosed
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	h.wake()
	if _, err := h.linkTo(to); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	port := h.freePort(to)
	if port == 0 {
		return nil, os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)
	}
	e := h.endpoint(wire.Addr{IP: h.ip, Port: port}, to, access.NoBulk)
	e.TCP.Dial()
	h.n.loop.Mark(&e.Task)
	if err := e.Await(ctx); err != nil {
		return nil, err
	}
	return h.front(e)
}

// Listen implements harness.Host. Network is "tcp" or "tcp4"; address is ":port"
// or the host's own address and a port.
func (h *host) Listen(_ context.Context, network, address string) (net.Listener, error) {
	h.n.loop.Lock()
	defer h.n.loop.Unlock()
	a, err := h.n.hosts.Local(h.ip, "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	listens := func(p uint16) bool { return h.listeners[p] != nil }
	at := wire.From(a)
	at.Port, err = h.claim(at.Port, listens, func(p uint16) bool { return listens(p) || h.bound(p) })
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: at.Net(network), Err: err}
	}
	l := socket.Listen(&h.n.loop, at, func() { delete(h.listeners, at.Port) })
	h.listeners[at.Port] = l
	return l, nil
}

// claim takes a port for a socket that waits for what comes: the one asked for, unless it is
// in use, or if that is 0 one that is not taken.
func (h *host) claim(port uint16, used, taken func(port uint16) bool) (uint16, error) {
	h.wake()
	if h.n.stopped {
		return port, net.ErrClosed
	}
	ok := !used(port)
	if port == 0 {
		port = h.ephemeral(taken)
		ok = port != 0
	}
	if !ok {
		return port, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	return port, nil
}

// WatchLink implements harness.LinkWatcher. Only a client has an access link: the up of
// another host is never called.
func (h *host) WatchLink(up func()) (stop func()) {
	if h.Client < 0 {
		return func() {}
	}
	return h.n.watchers.Watch(h.Client, up)
}

func (h *host) bound(port uint16) bool {
	for k := range h.conns {
		if k.local == port {
			return true
		}
	}
	return false
}

// transmit sends a segment of flow f, or within the host if that is nil.
func (h *host) transmit(f *flow, from, to wire.Addr, s *tcp.Segment) {
	fl := h.n.flight()
	fl.seg, fl.from, fl.to = *s, from, to
	if f != nil {
		f.link.send(f.link.From(h), f, fl)
		return
	}
	fl.host = h
	h.n.loop.Push(&fl.Event, h.n.loop.At())
}

func (h *host) receive(fl *flight) {
	if fl.message != nil {
		h.receiveMessage(fl)
		return
	}
	s := &fl.seg
	port := fl.to.Port
	e := h.conns[key{port, fl.from}]
	if s.Opens() && fl.flow != nil && fl.flow.link.Refuses() {
		if !fl.flow.Refused {
			fl.flow.Refused = true
			fl.flow.link.Refused()
		}
		h.refuse(fl)
		return
	}
	if e != nil && e.flow != fl.flow {
		if !s.Opens() {
			return // of an older connection between the same ports
		}
		e.TCP.Abandon()
		e.Serve()
		e = nil
	}
	switch {
	case e != nil:
		e.TCP.Input(h.n.loop.At(), s)
		e.Rearm()
	case s.Flags.Has(access.Rst):
	case s.Opens() && fl.flow != nil && fl.flow.Cross:
		// A program may listen on its port all the same: it does not get cross traffic.
		h.answer(fl, nil, access.FarEnd(port))
	case s.Opens() && h.listeners[port] != nil:
		if l := h.listeners[port]; !l.Full() {
			h.answer(fl, l, access.NoBulk)
		}
	default:
		h.refuse(fl)
	}
}

// refuse answers a segment that belongs to no connection with a reset.
func (h *host) refuse(fl *flight) {
	s := fl.seg.Refusal()
	h.transmit(fl.flow, fl.to, fl.from, &s)
}

func (h *host) endpoints() []*endpoint {
	return sorted(h.conns, func(e *endpoint) uint64 { return e.Number })
}

func sorted[K comparable, V any](m map[K]V, number func(V) uint64) []V {
	list := make([]V, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b V) int { return cmp.Compare(number(a), number(b)) })
	return list
}
