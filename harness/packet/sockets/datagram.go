package sockets

import (
	"bytes"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/onebar/onebar/harness/access"
)

// datagram is a net.PacketConn over a gVisor endpoint that behaves like
// *net.UDPConn. If it is connected, it is a net.Conn, too.
type datagram struct {
	*socket
	connected bool
}

func newDatagram(ep tcpip.Endpoint, queue *waiter.Queue, connected bool) *datagram {
	// A reader without processor time must not look like loss.
	ep.SocketOptions().SetReceiveBufferSize(bufferSize, false)
	return &datagram{newSocket("udp", ep, queue), connected}
}

func udpAddr(a tcpip.FullAddress) *net.UDPAddr {
	return &net.UDPAddr{IP: a.Addr.AsSlice(), Port: int(a.Port)}
}

// RemoteAddr implements net.Conn. It is nil if d is not connected.
func (d *datagram) RemoteAddr() net.Addr {
	if !d.connected {
		return nil
	}
	return d.remote
}

// Read implements net.Conn.
func (d *datagram) Read(b []byte) (int, error) {
	n, _, err := d.ReadFrom(b)
	return n, err
}

// ReadFrom implements net.PacketConn. What does not fit into b is lost.
func (d *datagram) ReadFrom(b []byte) (int, net.Addr, error) {
	d.read.mu.Lock()
	defer d.read.mu.Unlock()
	for {
		if err := d.stopped(&d.read); err != nil {
			return 0, nil, d.opError("read", err)
		}
		w := tcpip.SliceWriter(b)
		got, terr := d.ep.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
		switch terr.(type) {
		case nil:
			return got.Count, udpAddr(got.RemoteAddr), nil
		case *tcpip.ErrWouldBlock:
			d.wait(&d.read)
		default:
			return 0, nil, d.failed("read", terr)
		}
	}
}

// Write implements net.Conn.
func (d *datagram) Write(b []byte) (int, error) {
	if !d.connected {
		return 0, d.failed("write", &tcpip.ErrDestinationRequired{})
	}
	return d.send(b, tcpip.WriteOptions{})
}

// WriteTo implements net.PacketConn. The address is a *net.UDPAddr.
func (d *datagram) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, d.opError("write", &net.AddrError{Err: "want a *net.UDPAddr", Addr: to.String()})
	}
	if d.connected {
		return 0, d.opError("write", net.ErrWriteToConnected)
	}
	ip, ok := netip.AddrFromSlice(addr.IP)
	if ip = ip.Unmap(); !ok || !ip.Is4() {
		return 0, d.opError("write", &net.AddrError{Err: "want an IPv4 address", Addr: addr.String()})
	}
	return d.send(b, tcpip.WriteOptions{To: &tcpip.FullAddress{
		NIC: nic, Addr: tcpip.AddrFrom4(ip.As4()), Port: uint16(addr.Port),
	}})
}

func (d *datagram) send(b []byte, o tcpip.WriteOptions) (int, error) {
	d.write.mu.Lock()
	defer d.write.mu.Unlock()
	// As Linux does: what fits into a packet must not be fragmented on its way,
	// what does not is fragmented here. (gVisor would leave "don't fragment" on
	// the fragments and give all of them the same id.)
	discover := tcpip.PMTUDiscoveryWant
	if len(b) > access.MTU-header.IPv4MinimumSize-header.UDPMinimumSize {
		discover = tcpip.PMTUDiscoveryDont
	}
	_ = d.ep.SetSockOptInt(tcpip.MTUDiscoverOption, int(discover)) // fails for no value given here
	for {
		if err := d.stopped(&d.write); err != nil {
			return 0, d.opError("write", err)
		}
		n, terr := d.ep.Write(bytes.NewReader(b), o)
		switch terr.(type) {
		case nil:
			return int(n), nil
		case *tcpip.ErrWouldBlock:
			d.wait(&d.write)
		default:
			return 0, d.failed("write", terr)
		}
	}
}

// failed turns an error of the endpoint into one of package net.
func (d *datagram) failed(op string, terr tcpip.Error) error {
	switch terr.(type) {
	case *tcpip.ErrClosedForReceive, *tcpip.ErrClosedForSend, *tcpip.ErrInvalidEndpointState:
		return d.opError(op, net.ErrClosed)
	}
	if d.stopped(&side{}) != nil {
		return d.opError(op, net.ErrClosed)
	}
	return d.opError(op, sysError(op, terr))
}
