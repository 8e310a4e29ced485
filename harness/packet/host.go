package packet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/sockets"
)

// host implements harness.Host.
type host struct {
	*access.Host[*hostLink] // what changes of it is under Network.mu
	n                       *Network
	addr                    atomic.Value           // netip.Addr
	cross                   atomic.Bool            // it serves cross traffic
	tunnel                  atomic.Pointer[tunnel] // takes what arrives in place of the stack; nil is none

	once  sync.Once
	err   error // why it could not be made
	stack *sockets.Stack
}

// address is that of the sockets made now.
func (h *host) address() netip.Addr {
	a, _ := h.addr.Load().(netip.Addr)
	return a
}

// ready makes the stack on first use. The caller holds n.life, so that Close
// misses no stack.
func (h *host) ready() error {
	h.once.Do(func() {
		h.n.mu.Lock()
		defer h.n.mu.Unlock()
		if h.stack, h.err = sockets.New(h.Seed, h.address(), h.send); h.err != nil {
			return
		}
		if h.Client >= 0 {
			h.n.hosts.Add(h.n.hosts.Access, newHostLink(h.n.hosts.Access, h, h.n.hosts.Server))
		}
		h.tune()
	})
	return h.err
}

// tune sets what depends on the profiles of its links: gVisor's floor of the whole
// retransmission time-out stands in for Linux's srtt + max(200 ms, 4·var). A stack has
// one floor for all its connections, so that of several links the quickest counts; on
// the others only what the link tells gVisor of round trips brings the time-out up, see
// package linuxtcp. The caller holds n.mu.
func (h *host) tune() {
	var around []time.Duration // round trips
	if len(h.Links) == 0 || h.Client >= 0 || h == h.n.hosts.Server && len(h.n.hosts.Clients) > 0 {
		p := h.n.hosts.Access.Profile
		around = append(around, p.Up.Delay+p.Down.Delay)
	}
	for _, b := range h.Links {
		around = append(around, b.Group.Profile.Up.Delay+b.Group.Profile.Down.Delay)
	}
	h.stack.SetFloor(slices.Min(around) + harness.LeastTimeout)
}

// send puts a packet of the host on the link to the host it is for. One that no link
// leads to is lost.
func (h *host) send(p *stack.PacketBuffer) {
	dst := header.IPv4(p.NetworkHeader().Slice()).DestinationAddress()
	if l, _ := h.n.hosts.Between(h, h.n.hosts.HostAt(dst.As4())); l != nil {
		l.send(l.From(h), p)
	}
}

// receive hands the packet of a flight to the host. It takes over fl.pkt.
func (h *host) receive(fl *flight) {
	if t := h.tunnel.Load(); t != nil {
		t.deliver(fl.pkt)
		return
	}
	h.stack.Deliver(fl.link.hear(fl))
}

// open has do make something on the stack of a host that Close has to end.
func open[T any](h *host, do func(*sockets.Stack) (T, error)) (made T, err error) {
	h.n.life.RLock()
	defer h.n.life.RUnlock()
	if h.n.closed {
		return made, net.ErrClosed
	}
	if err := h.ready(); err != nil {
		return made, err
	}
	return do(h.stack)
}

// DialContext implements harness.Host. Network is "tcp", "tcp4", "udp" or "udp4";
// address is the address of a host of the network and a port, in numbers. Errors
// are those of package net: *net.OpError with ECONNREFUSED, ETIMEDOUT and so on,
// or the error of ctx.
func (h *host) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	protocol := "tcp"
	if strings.HasPrefix(network, "udp") {
		protocol = "udp"
	}
	to, err := h.n.hosts.Resolve(h.address().As4(), protocol, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: sockets.Addr(protocol, to), Err: err}
	}
	if protocol == "tcp" && ctx.Err() != nil {
		return fail(ctx.Err())
	}
	begun, err := open(h, func(s *sockets.Stack) (*sockets.Dialing, error) {
		if err := h.reach(to.Addr()); err != nil {
			return nil, err
		}
		return s.Dial(protocol, to)
	})
	if err != nil {
		return fail(err)
	}
	if c, err = begun.Wait(ctx); err != nil {
		return fail(err)
	}
	return c, nil
}

// reach makes the host of an address ready, if a link leads to it. The caller holds n.life.
func (h *host) reach(a netip.Addr) error {
	other := h.n.hosts.HostAt(a.As4())
	if _, err := h.n.hosts.Between(h, other); err != nil {
		return os.NewSyscallError("connect", err)
	}
	return other.ready()
}

// Listen implements harness.Host. Network is "tcp" or "tcp4"; address is ":port"
// or the host's own address and a port.
func (h *host) Listen(_ context.Context, network, address string) (net.Listener, error) {
	return listen(h, "tcp", network, address, (*sockets.Stack).Listen)
}

// ListenPacket implements harness.PacketListener. Network is "udp" or "udp4";
// address is ":port" or the host's own address and a port.
func (h *host) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	return listen(h, "udp", network, address, (*sockets.Stack).ListenDatagrams)
}

func listen[T any](h *host, protocol, network, address string, do func(*sockets.Stack, netip.AddrPort) (T, error)) (made T, err error) {
	at, err := h.n.hosts.Local(h.address().As4(), protocol, network, address)
	if err != nil {
		return made, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	made, err = open(h, func(s *sockets.Stack) (T, error) { return do(s, at) })
	if err != nil {
		return made, &net.OpError{Op: "listen", Net: network, Addr: sockets.Addr(protocol, at), Err: err}
	}
	return made, nil
}
