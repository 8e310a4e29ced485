package packet

import (
	"context"
	"fmt"
	"io"
	randv1 "math/rand"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

const (
	nic        = tcpip.NICID(1)
	bufferSize = 4 << 20 // bytes of each socket buffer; fixed
)

// host implements harness.Host: one gVisor stack with one card.
type host struct {
	*access.Host[*hostLink] // what changes of it is under Network.mu
	n                       *Network
	addr                    atomic.Value // netip.Addr
	cross                   atomic.Bool  // it serves cross traffic

	once  sync.Once
	err   error // why it could not be made
	stack *stack.Stack
	card  *card
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
		h.err = h.build()
	})
	return h.err
}

func (h *host) build() error {
	random := &source{r: rand.New(rand.NewPCG(h.Seed, 0))}
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolCUBIC, udp.NewProtocol},
		HandleLocal:        true,
		RandSource:         random,
		SecureRNG:          random,
	})
	c := &card{send: h.send}
	if err := s.CreateNIC(nic, c); err != nil {
		return fmt.Errorf("make the card of host %v: %v", h.address(), err)
	}
	h.stack, h.card = s, c
	if err := h.claim(tcpip.AddrFrom4(h.address().As4())); err != nil {
		return err
	}
	if h.Client >= 0 {
		h.n.hosts.Add(h.n.hosts.Access, newHostLink(h.n.hosts.Access, h, h.n.hosts.Server))
	}
	h.tune()
	return h.settle()
}

// settle sets what does not depend on the profile. The values are explicit even
// where they are gVisor's defaults; the package comment says why.
func (h *host) settle() error {
	sack, recovery := tcpip.TCPSACKEnabled(true), tcpip.TCPRACKLossDetection
	nagle, moderate := tcpip.TCPDelayEnabled(false), tcpip.TCPModerateReceiveBufferOption(false)
	cubic := tcpip.CongestionControlOption("cubic")
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: bufferSize, Max: bufferSize}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: bufferSize, Max: bufferSize}
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&sack, &recovery, &nagle, &moderate, &cubic, &receive, &send,
	} {
		if err := h.stack.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("set %T of host %v: %v", o, h.address(), err)
		}
	}
	return nil
}

// tune sets what depends on the profiles of its links: gVisor's floor of the whole
// retransmission time-out stands in for Linux's srtt + max(200 ms, 4·var). A stack has
// one floor for all its connections, so that of several links the quickest counts; on
// the others only what the link tells gVisor of round trips brings the time-out up, see
// echo.go. The caller holds n.mu.
func (h *host) tune() {
	var around []time.Duration // round trips
	if len(h.Links) == 0 || h.Client >= 0 || h == h.n.hosts.Server && len(h.n.hosts.Clients) > 0 {
		p := h.n.hosts.Access.Profile
		around = append(around, p.Up.Delay+p.Down.Delay)
	}
	for _, b := range h.Links {
		around = append(around, b.Group.Profile.Up.Delay+b.Group.Profile.Down.Delay)
	}
	floor := tcpip.TCPMinRTOOption(min(slices.Min(around)+harness.LeastTimeout, tcp.MaxRTO))
	// It can only fail above MaxRTO.
	_ = h.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &floor)
}

// DialContext implements harness.Host. Network is "tcp", "tcp4", "udp" or "udp4";
// address is the address of a host of the network and a port, in numbers. Errors
// are those of package net: *net.OpError with ECONNREFUSED, ETIMEDOUT and so on,
// or the error of ctx.
func (h *host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "udp" || network == "udp4" {
		return h.dialDatagrams(network, address)
	}
	to, err := h.n.hosts.Resolve(h.address().As4(), "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	if ctx.Err() != nil {
		return fail(ctx.Err())
	}
	queue := new(waiter.Queue)
	entry, connected := waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	ep, err := h.connect(tcp.ProtocolNumber, to, queue)
	if err != nil {
		return fail(err)
	}
	select {
	case <-ctx.Done():
		ep.Close()
		return fail(ctx.Err())
	case <-connected:
	}
	if terr := ep.LastError(); terr != nil {
		ep.Close()
		return fail(sysError("connect", terr))
	}
	return newConn(ep, queue), nil
}

// connect makes a socket and begins its handshake, if it has one.
func (h *host) connect(protocol tcpip.TransportProtocolNumber, to netip.AddrPort, queue *waiter.Queue) (tcpip.Endpoint, error) {
	h.n.life.RLock()
	defer h.n.life.RUnlock()
	ep, err := h.endpoint(protocol, queue)
	if err != nil {
		return nil, err
	}
	other := h.n.hosts.HostAt(to.Addr().As4())
	if _, err := h.n.hosts.Between(h, other); err != nil {
		ep.Close()
		return nil, os.NewSyscallError("connect", err)
	}
	if err := other.ready(); err != nil {
		ep.Close()
		return nil, err
	}
	full := tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(to.Addr().As4()), Port: to.Port()}
	terr := ep.Connect(full)
	if _, started := terr.(*tcpip.ErrConnectStarted); terr != nil && !started {
		ep.Close()
		return nil, sysError("connect", terr)
	}
	return ep, nil
}

// endpoint makes a socket. The caller holds n.life.
func (h *host) endpoint(protocol tcpip.TransportProtocolNumber, queue *waiter.Queue) (tcpip.Endpoint, error) {
	if h.n.closed {
		return nil, net.ErrClosed
	}
	if err := h.ready(); err != nil {
		return nil, err
	}
	ep, terr := h.stack.NewEndpoint(protocol, header.IPv4ProtocolNumber, queue)
	if terr != nil {
		return nil, sysError("socket", terr)
	}
	return ep, nil
}

// Listen implements harness.Host. Network is "tcp" or "tcp4"; address is ":port"
// or the host's own address and a port.
func (h *host) Listen(_ context.Context, network, address string) (net.Listener, error) {
	at, err := h.n.hosts.Local(h.address().As4(), "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	queue := new(waiter.Queue)
	ep, err := h.announce(at, queue)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.TCPAddrFromAddrPort(at), Err: err}
	}
	return newListener(ep, queue), nil
}

func (h *host) announce(at netip.AddrPort, queue *waiter.Queue) (tcpip.Endpoint, error) {
	ep, err := h.bind(tcp.ProtocolNumber, at, queue)
	if err != nil {
		return nil, err
	}
	if terr := ep.Listen(access.Backlog); terr != nil {
		ep.Close()
		return nil, sysError("listen", terr)
	}
	return ep, nil
}

// bind makes a socket with an address of its own.
func (h *host) bind(protocol tcpip.TransportProtocolNumber, at netip.AddrPort, queue *waiter.Queue) (tcpip.Endpoint, error) {
	h.n.life.RLock()
	defer h.n.life.RUnlock()
	ep, err := h.endpoint(protocol, queue)
	if err != nil {
		return nil, err
	}
	// As package net does: a port is free when its listener is closed, though
	// connections that it has accepted live on.
	ep.SocketOptions().SetReuseAddress(protocol == tcp.ProtocolNumber)
	if terr := ep.Bind(tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(at.Addr().As4()), Port: at.Port()}); terr != nil {
		ep.Close()
		return nil, sysError("bind", terr)
	}
	return ep, nil
}

// dialDatagrams makes a connected socket for datagrams.
func (h *host) dialDatagrams(network, address string) (net.Conn, error) {
	to, err := h.n.hosts.Resolve(h.address().As4(), "udp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	queue := new(waiter.Queue)
	ep, err := h.connect(udp.ProtocolNumber, to, queue)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.UDPAddrFromAddrPort(to), Err: err}
	}
	return newDatagram(ep, queue, true), nil
}

// ListenPacket implements harness.PacketListener. Network is "udp" or "udp4";
// address is ":port" or the host's own address and a port.
func (h *host) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	at, err := h.n.hosts.Local(h.address().As4(), "udp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	queue := new(waiter.Queue)
	ep, err := h.bind(udp.ProtocolNumber, at, queue)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.UDPAddrFromAddrPort(at), Err: err}
	}
	return newDatagram(ep, queue, false), nil
}

// WatchLink implements harness.LinkWatcher. Only a client has an access link: the up of
// another host is never called.
func (h *host) WatchLink(up func()) (stop func()) {
	if h.Client < 0 {
		return func() {}
	}
	return h.n.watchers.Watch(h.Client, up)
}

// abort ends every connection and listener. Close of a stack does the same, but
// must come when the peers have been told.
func (h *host) abort() {
	if h.stack == nil {
		return
	}
	for _, ep := range h.stack.RegisteredEndpoints() {
		ep.Abort()
	}
}

// close ends the stack.
func (h *host) close() {
	if h.stack != nil {
		h.stack.Close()
		h.stack.Wait()
	}
}

// source is the randomness of a stack: ports, sequence numbers, hashes. It is
// safe for concurrent use, as gVisor wants, and no secret, as an experiment has
// none from itself.
type source struct {
	mu sync.Mutex
	r  *rand.Rand
}

var (
	_ randv1.Source64 = (*source)(nil)
	_ io.Reader       = (*source)(nil)
)

// Uint64 implements rand.Source64.
func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Uint64()
}

// Int63 implements rand.Source.
func (s *source) Int63() int64 { return int64(s.Uint64() >> 1) }

// Seed implements rand.Source: the seed is fixed.
func (s *source) Seed(int64) {}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.Uint64())
	}
	return len(p), nil
}
