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

// RemoteAddr implements net.Conn. It is nil if d is not connected.
func (d *datagram) RemoteAddr() net.Addr {
	if !d.connected {
		return nil
	}
	return d.remote
}

func (d *datagram) Read(b []byte) (int, error) {
	n, _, err := d.ReadFrom(b)
	return n, err
}

// ReadFrom implements net.PacketConn. What does not fit into b is lost.
func (d *datagram) ReadFrom(b []byte) (int, net.Addr, error) {
	d.read.mu.Lock()
	defer d.read.mu.Unlock()
	w := tcpip.SliceWriter(b)
	var got tcpip.ReadResult
	terr, err := d.try(&d.read, func() (terr tcpip.Error) {
		got, terr = d.ep.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
		return terr
	})
	if terr != nil || err != nil {
		return 0, nil, d.end("read", terr, err)
	}
	return got.Count, addrOf("udp", got.RemoteAddr), nil
}

func (d *datagram) Write(b []byte) (int, error) {
	if !d.connected {
		return 0, d.end("write", &tcpip.ErrDestinationRequired{}, nil)
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
	return d.send(b, tcpip.WriteOptions{To: new(fullAddress(netip.AddrPortFrom(ip, uint16(addr.Port))))})
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
	var n int64
	terr, err := d.try(&d.write, func() (terr tcpip.Error) {
		n, terr = d.ep.Write(bytes.NewReader(b), o)
		return terr
	})
	if terr != nil || err != nil {
		return 0, d.end("write", terr, err)
	}
	return int(n), nil
}

// end is the error that a call ends with, after try.
func (d *datagram) end(op string, terr tcpip.Error, err error) error {
	switch terr.(type) {
	case nil:
		return d.opError(op, err)
	case *tcpip.ErrClosedForReceive, *tcpip.ErrClosedForSend, *tcpip.ErrInvalidEndpointState:
		return d.opError(op, net.ErrClosed)
	}
	if d.isClosed() {
		return d.opError(op, net.ErrClosed)
	}
	return d.opError(op, sysError(op, terr))
}
