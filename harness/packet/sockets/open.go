package sockets

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/onebar/onebar/harness/access"
)

// Dialing is a connection whose handshake has begun. Wait must be called once.
type Dialing struct {
	ep        tcpip.Endpoint
	queue     waiter.Queue
	entry     waiter.Entry
	connected chan struct{} // nil of a socket for datagrams, which has no handshake
}

// Dial begins a connection to an address and does not wait for the answer. Network begins
// with "tcp", or with "udp" for a socket for datagrams to and from one address. Its errors,
// those of Wait and of the functions below are of system calls, for a net.OpError.
func (s *Stack) Dial(network string, to netip.AddrPort) (d *Dialing, err error) {
	d = new(Dialing)
	if strings.HasPrefix(network, "udp") {
		d.ep, err = s.connect(udp.ProtocolNumber, to, &d.queue)
		return d, err
	}
	d.entry, d.connected = waiter.NewChannelEntry(waiter.WritableEvents)
	d.queue.EventRegister(&d.entry)
	d.ep, err = s.connect(tcp.ProtocolNumber, to, &d.queue)
	return d, err
}

// Wait returns the connection once its handshake is over. If ctx ends before, it returns the
// error of ctx.
func (d *Dialing) Wait(ctx context.Context) (net.Conn, error) {
	if d.connected == nil {
		return newDatagram(d.ep, &d.queue, true), nil
	}
	defer d.queue.EventUnregister(&d.entry)
	select {
	case <-ctx.Done():
		d.ep.Close()
		return nil, ctx.Err()
	case <-d.connected:
	}
	if terr := d.ep.LastError(); terr != nil {
		d.ep.Close()
		return nil, sysError("connect", terr)
	}
	return newConn(d.ep, &d.queue), nil
}

// Listen accepts TCP connections at an address of the host. Port 0 is any free one.
func (s *Stack) Listen(at netip.AddrPort) (net.Listener, error) {
	queue := new(waiter.Queue)
	ep, err := s.bind(tcp.ProtocolNumber, at, queue)
	if err != nil {
		return nil, err
	}
	if terr := ep.Listen(access.Backlog); terr != nil {
		ep.Close()
		return nil, sysError("listen", terr)
	}
	return newListener(ep, queue), nil
}

// ListenDatagrams makes a socket for datagrams at an address of the host. Port 0 is any free
// one.
func (s *Stack) ListenDatagrams(at netip.AddrPort) (net.PacketConn, error) {
	queue := new(waiter.Queue)
	ep, err := s.bind(udp.ProtocolNumber, at, queue)
	if err != nil {
		return nil, err
	}
	return newDatagram(ep, queue, false), nil
}

func (s *Stack) endpoint(protocol tcpip.TransportProtocolNumber, queue *waiter.Queue) (tcpip.Endpoint, error) {
	ep, terr := s.gvisor.NewEndpoint(protocol, header.IPv4ProtocolNumber, queue)
	if terr != nil {
		return nil, sysError("socket", terr)
	}
	return ep, nil
}

// connect makes an endpoint and begins its handshake, if it has one.
func (s *Stack) connect(protocol tcpip.TransportProtocolNumber, to netip.AddrPort, queue *waiter.Queue) (tcpip.Endpoint, error) {
	ep, err := s.endpoint(protocol, queue)
	if err != nil {
		return nil, err
	}
	terr := ep.Connect(fullAddress(to))
	if _, started := terr.(*tcpip.ErrConnectStarted); terr != nil && !started {
		ep.Close()
		return nil, sysError("connect", terr)
	}
	return ep, nil
}

func (s *Stack) bind(protocol tcpip.TransportProtocolNumber, at netip.AddrPort, queue *waiter.Queue) (tcpip.Endpoint, error) {
	ep, err := s.endpoint(protocol, queue)
	if err != nil {
		return nil, err
	}
	// As package net does: a port is free when its listener is closed, though
	// connections that it has accepted live on.
	ep.SocketOptions().SetReuseAddress(protocol == tcp.ProtocolNumber)
	if terr := ep.Bind(fullAddress(at)); terr != nil {
		ep.Close()
		return nil, sysError("bind", terr)
	}
	return ep, nil
}

func fullAddress(a netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(a.Addr().As4()), Port: a.Port()}
}

// addrPort has the zero Addr if a has none, as that of a broken connection.
func addrPort(a tcpip.Address, port uint16) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(a.AsSlice())
	return netip.AddrPortFrom(ip, port)
}

// Addr returns an address as package net has it: a *net.UDPAddr if network begins with
// "udp", else a *net.TCPAddr.
func Addr(network string, a netip.AddrPort) net.Addr {
	if strings.HasPrefix(network, "udp") {
		return net.UDPAddrFromAddrPort(a)
	}
	return net.TCPAddrFromAddrPort(a)
}

func addrOf(network string, a tcpip.FullAddress) net.Addr {
	return Addr(network, addrPort(a.Addr, a.Port))
}
