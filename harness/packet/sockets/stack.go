// Package sockets is the TCP/IP of one host: a stack of gVisor with one network card, and
// sockets on it that behave like those of package net.
//
// [New] makes a [Stack] that hands every packet it sends to a function. [Stack.Deliver]
// gives it a packet. Dial, Listen and ListenDatagrams make sockets; their errors are those of
// system calls (ECONNREFUSED, ETIMEDOUT and so on). Errors of a socket are *net.OpError.
// Where the packets go, and which hosts there are, is the caller's.
//
// # TCP settings
//
// They were chosen by comparison with Linux on the same links (BenchmarkTCP and
// BenchmarkKernelTCP of package packet, docs/fidelity.md), and are set even where they are
// gVisor's defaults:
//
//   - Smallest retransmission time-out: what [Stack.SetFloor] sets. gVisor reads it when a
//     connection begins.
//   - RACK with tail loss probes, SACK, CUBIC, timestamps. Without RACK, which in
//     gVisor includes the probes, a request and its answer come as close to Linux
//     at up to 5 % loss, but at 20 % a new connection takes 7 % longer, and an
//     upload at 5 % takes a fifth longer.
//   - Socket buffers of 4 MiB that do not adapt: gVisor would need to be told
//     what the reader has copied, and starts too small for long links.
//   - No delay by Nagle's algorithm, keepalives every 15 s, nine of them: what
//     package net sets, but none once the program has closed the connection.
//     gVisor would go on probing in TIME_WAIT. No user time-out.
//   - MTU 1500. No segmentation offload, which would falsify the number of
//     packets, and no checksum offload.
package sockets

import (
	"errors"
	"fmt"
	"io"
	randv1 "math/rand"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic        = tcpip.NICID(1)
	bufferSize = 4 << 20 // bytes of each socket buffer; fixed
)

// Stack is the TCP/IP of one host. Its methods may be called at any time, but none after
// Close. Make one with New.
type Stack struct {
	gvisor *stack.Stack
	card   *card
}

// New returns the stack of a host with an IPv4 address. Seed is of its random draws: ports
// and sequence numbers. It calls send with each packet for another host, at times with locks
// of gVisor held; send borrows the packet.
func New(seed uint64, addr netip.Addr, send func(*stack.PacketBuffer)) (*Stack, error) {
	random := &source{r: rand.New(rand.NewPCG(seed, 0))}
	s := &Stack{card: &card{LinkEndpoint: loopback.New(), send: send}, gvisor: stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolCUBIC, udp.NewProtocol},
		HandleLocal:        true,
		RandSource:         random,
		SecureRNG:          random,
	})}
	if err := s.gvisor.CreateNIC(nic, s.card); err != nil {
		return nil, fmt.Errorf("make the card of host %v: %v", addr, err)
	}
	if err := errors.Join(s.SetAddress(addr), s.settle()); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// settle sets what does not change. The values are explicit even where they are gVisor's
// defaults; the package comment says why.
func (s *Stack) settle() error {
	sack, recovery := tcpip.TCPSACKEnabled(true), tcpip.TCPRACKLossDetection
	nagle, moderate := tcpip.TCPDelayEnabled(false), tcpip.TCPModerateReceiveBufferOption(false)
	cubic := tcpip.CongestionControlOption("cubic")
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: bufferSize, Max: bufferSize}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: bufferSize, Max: bufferSize}
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&sack, &recovery, &nagle, &moderate, &cubic, &receive, &send,
	} {
		if err := s.gvisor.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("set %T of a host: %v", o, err)
		}
	}
	return nil
}

// SetFloor sets the smallest retransmission time-out of connections that begin from now on.
func (s *Stack) SetFloor(d time.Duration) {
	floor := tcpip.TCPMinRTOOption(min(d, tcp.MaxRTO))
	// It can only fail above MaxRTO.
	_ = s.gvisor.SetTransportProtocolOption(tcp.ProtocolNumber, &floor)
}

// SetAddress gives the host an IPv4 address, which new sockets get. Sockets bound to an
// earlier address keep it.
func (s *Stack) SetAddress(a netip.Addr) error {
	addr := tcpip.AddrFrom4(a.As4())
	// The host may have had it before.
	_ = s.gvisor.RemoveAddress(nic, addr)
	address := tcpip.ProtocolAddress{Protocol: header.IPv4ProtocolNumber, AddressWithPrefix: addr.WithPrefix()}
	if err := s.gvisor.AddProtocolAddress(nic, address, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("give a host the address %v: %v", addr, err)
	}
	s.gvisor.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic, SourceHint: addr}})
	return nil
}

// Deliver hands a packet to the host, whose headers the stack reads. It takes over p.
func (s *Stack) Deliver(p *stack.PacketBuffer) { s.card.deliver(p) }

// Endpoints returns the endpoints of gVisor that have a port, those of sockets already closed
// that their protocol still needs among them.
func (s *Stack) Endpoints() []stack.TransportEndpoint { return s.gvisor.RegisteredEndpoints() }

// Stats are gVisor's counters of the stack.
func (s *Stack) Stats() tcpip.Stats { return s.gvisor.Stats() }

// Reset aborts the open TCP connections that match says, and tells the other ends.
// A connection is open while one of its two applications may still send or receive.
func (s *Stack) Reset(match func(local, remote netip.AddrPort) bool) {
	for _, e := range s.Endpoints() {
		ep, ok := e.(*tcp.Endpoint)
		if !ok || !carries(ep.EndpointState()) {
			continue
		}
		info, ok := ep.Info().(*stack.TransportEndpointInfo)
		if ok && match(addrPort(info.ID.LocalAddress, info.ID.LocalPort), addrPort(info.ID.RemoteAddress, info.ID.RemotePort)) {
			ep.Abort()
		}
	}
}

// carries reports whether an endpoint in state s is an end of an open connection.
func carries(s tcp.EndpointState) bool {
	switch s {
	case tcp.StateEstablished, tcp.StateSynRecv, tcp.StateCloseWait, tcp.StateFinWait1, tcp.StateFinWait2:
		return true
	default:
		return false
	}
}

// Forget ends every TCP connection and leaves the listeners, as a loss of power does. The
// caller sees to it that what the stack sends meanwhile does not arrive.
func (s *Stack) Forget() {
	for _, e := range s.Endpoints() {
		if ep, ok := e.(*tcp.Endpoint); ok && ep.EndpointState() != tcp.StateListen {
			ep.Abort()
		}
	}
}

// Abort ends every connection and listener, and tells the other ends. Close does so too, but
// of several hosts all are told only if each aborts before one is closed.
func (s *Stack) Abort() {
	for _, ep := range s.Endpoints() {
		ep.Abort()
	}
}

// Close ends the stack. No goroutine of it is left when it returns.
func (s *Stack) Close() {
	s.gvisor.Close()
	s.gvisor.Wait()
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

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Uint64()
}

func (s *source) Int63() int64 { return int64(s.Uint64() >> 1) }

// Seed implements rand.Source: the seed is fixed.
func (s *source) Seed(int64) {}

func (s *source) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.Uint64())
	}
	return len(p), nil
}
