package socket

import (
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/events"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// mostData is the most bytes of a datagram: the length field of IPv4 has 16 bits.
const mostData = 1<<16 - 1 - access.IPHeader - wire.UDPHeader

// Datagram is one at a socket: where it is to go, or has come from.
type Datagram struct {
	Peer wire.Addr
	Data []byte
}

// Datagrams is a net.PacketConn that behaves like *net.UDPConn. If Remote is set, it is
// connected, and a net.Conn, too.
type Datagrams struct {
	Base
	outbox   []Datagram
	inbox    []Datagram
	held     int // bytes in inbox
	capacity int
	failure  error
}

// Init makes d a socket, whose Number, Run, Local and Remote are set. Capacity is how many
// bytes it takes before the application reads them.
func (d *Datagrams) Init(l *events.Loop, capacity int) {
	d.capacity = capacity
	d.init(l, "udp", d, d.expire)
}

func (d *Datagrams) expire() {
	d.late()
	d.Rearm()
}

// Rearm sets the timer to the next deadline.
func (d *Datagrams) Rearm() { d.loop.Set(&d.timer, d.deadline()) }

// Take calls send for each datagram that was written, and reports whether the socket is
// closed.
func (d *Datagrams) Take(send func(Datagram)) (closed bool) {
	for _, m := range d.outbox {
		send(m)
	}
	clear(d.outbox)
	d.outbox = d.outbox[:0]
	return d.closed
}

// Takes reports whether the socket takes datagrams of a peer: of any, if it is not connected.
func (d *Datagrams) Takes(peer wire.Addr) bool { return !d.connected() || d.Remote == peer }

func (d *Datagrams) connected() bool { return d.Remote != (wire.Addr{}) }

// Deliver takes a datagram that has arrived. One that does not fit is lost.
func (d *Datagrams) Deliver(m Datagram) {
	if d.held+len(m.Data) <= d.capacity {
		d.inbox = append(d.inbox, m)
		d.held += len(m.Data)
		d.Wake()
	}
}

// Fail makes the next call fail.
func (d *Datagrams) Fail(err syscall.Errno) {
	d.failure = err
	d.Wake()
}

// Shut closes the socket at once, with its network.
func (d *Datagrams) Shut() {
	d.closed = true
	d.Wake()
}

// ReadFrom implements net.PacketConn. What does not fit into b is lost.
func (d *Datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	d.loop.Lock()
	defer d.loop.Unlock()
	for {
		switch {
		case d.closed:
			return 0, nil, d.opError("read", net.ErrClosed)
		case d.passed(d.readBy):
			return 0, nil, d.opError("read", os.ErrDeadlineExceeded)
		case d.failure != nil:
			err := d.failure
			d.failure = nil
			return 0, nil, d.sysError("read", "recvfrom", err)
		case len(d.inbox) > 0:
			m := d.inbox[0]
			d.inbox = slices.Delete(d.inbox, 0, 1)
			d.held -= len(m.Data)
			return copy(b, m.Data), m.Peer.Net(d.network), nil
		}
		d.wait(&d.readers, d.readBy)
	}
}

// Read implements net.Conn.
func (d *Datagrams) Read(b []byte) (int, error) {
	n, _, err := d.ReadFrom(b)
	return n, err
}

// Write implements net.Conn.
func (d *Datagrams) Write(b []byte) (int, error) {
	if !d.connected() {
		return 0, d.sysError("write", "write", syscall.EDESTADDRREQ)
	}
	return d.write(b, d.Remote)
}

// WriteTo implements net.PacketConn. The address is a *net.UDPAddr.
func (d *Datagrams) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	switch {
	case !ok:
		return 0, d.opError("write", &net.AddrError{Err: "want a *net.UDPAddr", Addr: to.String()})
	case d.connected():
		return 0, d.opError("write", net.ErrWriteToConnected)
	case a.IP.To4() == nil:
		return 0, d.opError("write", &net.AddrError{Err: "want an IPv4 address", Addr: a.String()})
	}
	return d.write(b, wire.Addr{IP: [4]byte(a.IP.To4()), Port: uint16(a.Port)})
}

func (d *Datagrams) write(b []byte, to wire.Addr) (int, error) {
	d.loop.Lock()
	defer d.loop.Unlock()
	var err error
	switch {
	case d.closed:
		err = net.ErrClosed
	case d.passed(d.writeBy):
		err = os.ErrDeadlineExceeded
	case len(b) > mostData:
		err = os.NewSyscallError("write", syscall.EMSGSIZE)
	case d.failure != nil:
		err, d.failure = os.NewSyscallError("write", d.failure), nil
	}
	if err != nil {
		return 0, d.opError("write", err)
	}
	d.outbox = append(d.outbox, Datagram{to, slices.Clone(b)})
	d.loop.Mark(&d.Task)
	return len(b), nil
}

// Close implements net.Conn. What was written is sent.
func (d *Datagrams) Close() error {
	d.loop.Lock()
	defer d.loop.Unlock()
	if d.closed {
		return d.opError("close", net.ErrClosed)
	}
	d.loop.Set(&d.timer, access.Never)
	d.Shut()
	d.loop.Mark(&d.Task)
	return nil
}
