package simnet

import (
	"context"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness/simnet/wire"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// message is what is not TCP: a datagram, or what ICMP says of another packet.
type message struct {
	kind    kind
	data    []byte
	missing *int   // of a datagram in fragments: how many have not arrived
	mtu     int    // of tooBig
	id      uint16 // of a datagram in fragments
	quote   []byte // of an error of ICMP: the packet it is about, if there is a capture
}

type kind uint8

const (
	udp         kind = iota + 1
	tooBig           // "fragmentation needed", RFC 1191
	unreachable      // of a port
)

// letter is a datagram at a socket: where it is to go, or has come from, and its data.
type letter struct {
	peer wire.Addr
	data []byte
}

// datagram is a net.PacketConn that behaves like *net.UDPConn. If it is connected,
// it is a net.Conn, too.
type datagram struct {
	socket
	connected bool
	outbox    []letter
	inbox     []letter
	held      int // bytes in inbox
	failure   error
}

// dialDatagrams makes a connected socket. The caller holds the mutex.
func (h *host) dialDatagrams(network, address string) (net.Conn, error) {
	to, err := h.resolve("udp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if _, err := h.linkTo(to); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: to.UDP(), Err: os.NewSyscallError("connect", err)}
	}
	d, err := h.open(0)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: to.UDP(), Err: err}
	}
	d.connected, d.remote = true, to
	return d, nil
}

func (h *host) open(port uint16) (*datagram, error) {
	h.wake()
	if port == 0 {
		port = h.ephemeral(func(p uint16) bool { return h.datagrams[p] != nil })
	}
	switch {
	case h.n.stopped:
		return nil, net.ErrClosed
	case port == 0 || h.datagrams[port] != nil:
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	d := &datagram{}
	d.init(h, d.flush, d.expire)
	d.local = wire.Addr{IP: h.ip, Port: port}
	h.datagrams[port] = d
	return d, nil
}

// flush sends what was written.
func (d *datagram) flush() {
	for _, m := range d.outbox {
		d.send(m)
	}
	clear(d.outbox)
	d.outbox = d.outbox[:0]
	if d.closed {
		delete(d.host.datagrams, d.local.Port)
	}
}

// send puts a datagram onto the link, in fragments if it is large.
func (d *datagram) send(o letter) {
	l, err := d.host.linkTo(o.peer)
	if err != nil {
		d.fail(syscall.EHOSTUNREACH)
		return
	}
	m := &message{kind: udp, data: o.data}
	if l == nil {
		fl := d.n.flight()
		fl.message, fl.from, fl.to, fl.host = m, d.local, o.peer, d.host
		d.n.events.Push(&fl.event, d.n.at)
		return
	}
	dir := l.From(d.host)
	f := l.datagrams(dir, d.local, o.peer)
	rest := wire.UDPHeader + len(m.data)
	if rest > wire.FragmentSize {
		m.missing = new(int)
		*m.missing = (rest + wire.FragmentSize - 1) / wire.FragmentSize
		m.id = uint16(f.Half(dir).Ordinal + 1)
	}
	for offset := 0; rest > 0; offset, rest = offset+wire.FragmentSize, rest-wire.FragmentSize {
		fl := d.n.flight()
		fl.message, fl.from, fl.to, fl.offset = m, d.local, o.peer, offset
		l.offer(dir, f, fl, access.IPHeader+min(rest, wire.FragmentSize), false)
	}
}

// datagrams finds the flow of a datagram, or numbers a new one.
func (l *hostLink) datagrams(d harness.Direction, from, to wire.Addr) *flow {
	if d == harness.Down {
		from, to = to, from
	}
	if f := l.Flow(tuple(access.UDP, from, to)); f != nil {
		return f
	}
	return l.begin(access.UDP, from, to)
}

// receiveMessage takes a datagram or an error that has arrived.
func (h *host) receiveMessage(fl *flight) {
	m := fl.message
	if m.missing != nil {
		if *m.missing--; *m.missing > 0 {
			return
		}
	}
	switch d := h.datagrams[fl.to.Port]; {
	case m.kind == tooBig:
		if e := h.conns[key{fl.to.Port, fl.from}]; e != nil && e.flow == fl.flow {
			e.tcp.Shrink(h.n.at, m.mtu)
			e.rearm()
		}
	case m.kind == unreachable:
		if d != nil && d.connected && d.remote == fl.from {
			d.fail(syscall.ECONNREFUSED)
		}
	case d != nil && (!d.connected || d.remote == fl.from):
		d.deliver(letter{fl.from, m.data})
	case fl.flow != nil:
		h.n.report(fl, &message{kind: unreachable})
	}
}

// deliver takes a datagram that has arrived. One that does not fit is lost.
func (d *datagram) deliver(m letter) {
	if d.held+len(m.data) <= int(d.n.receiveBuffer) {
		d.inbox = append(d.inbox, m)
		d.held += len(m.data)
		d.change.Broadcast()
	}
}

// fail makes the next call fail.
func (d *datagram) fail(err error) {
	d.failure = err
	d.change.Broadcast()
}

// report tells the sender of a packet what ICMP has to say of it. The answer crosses the
// link like any other packet.
func (n *Network) report(about *flight, m *message) {
	d := about.report.Direction
	if n.capture != nil {
		m.quote = n.encode(d, about.flow, about)
	}
	fl := n.flight()
	fl.message, fl.from, fl.to = m, about.to, about.from
	about.flow.link.offer(access.Opposite(d), about.flow, fl, min(access.MostICMP, access.IPHeader+wire.ICMPHeader+about.report.Size), false)
}

// tooBig tells the sender of a packet that the path carries smaller ones only. Fragments
// and ICMP itself are lost without a word.
func (l *hostLink) tooBig(fl *flight, limit int) {
	if m := fl.message; m != nil && (m.kind != udp || m.missing != nil) {
		return
	}
	l.n.report(fl, &message{kind: tooBig, mtu: limit})
}

func (d *datagram) expire() {
	d.change.Broadcast()
	d.n.events.Set(&d.timer, d.deadline())
}

// ReadFrom implements net.PacketConn. What does not fit into b is lost.
func (d *datagram) ReadFrom(b []byte) (int, net.Addr, error) {
	d.n.mu.Lock()
	defer d.n.mu.Unlock()
	for {
		switch {
		case d.closed:
			return 0, nil, d.opError("udp", "read", net.ErrClosed)
		case d.passed(d.readBy):
			return 0, nil, d.opError("udp", "read", os.ErrDeadlineExceeded)
		case d.failure != nil:
			err := d.failure
			d.failure = nil
			return 0, nil, d.opError("udp", "read", os.NewSyscallError("recvfrom", err))
		case len(d.inbox) > 0:
			m := d.inbox[0]
			d.inbox = slices.Delete(d.inbox, 0, 1)
			d.held -= len(m.data)
			return copy(b, m.data), m.peer.UDP(), nil
		}
		d.readers++
		d.arm()
		d.change.Wait()
		d.readers--
	}
}

func (d *datagram) arm() {
	if !d.n.stopped {
		d.n.events.Set(&d.timer, d.deadline())
		d.n.rearm()
	}
}

// Read implements net.Conn.
func (d *datagram) Read(b []byte) (int, error) {
	n, _, err := d.ReadFrom(b)
	return n, err
}

// Write implements net.Conn.
func (d *datagram) Write(b []byte) (int, error) {
	if !d.connected {
		return 0, d.opError("udp", "write", os.NewSyscallError("write", syscall.EDESTADDRREQ))
	}
	return d.write(b, d.remote)
}

// WriteTo implements net.PacketConn. The address is a *net.UDPAddr.
func (d *datagram) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	switch {
	case !ok:
		return 0, d.opError("udp", "write", &net.AddrError{Err: "want a *net.UDPAddr", Addr: to.String()})
	case d.connected:
		return 0, d.opError("udp", "write", net.ErrWriteToConnected)
	case a.IP.To4() == nil:
		return 0, d.opError("udp", "write", &net.AddrError{Err: "want an IPv4 address", Addr: a.String()})
	}
	return d.write(b, wire.Addr{IP: [4]byte(a.IP.To4()), Port: uint16(a.Port)})
}

func (d *datagram) write(b []byte, to wire.Addr) (int, error) {
	const most = 1<<16 - 1 - access.IPHeader - wire.UDPHeader
	d.n.mu.Lock()
	defer d.n.mu.Unlock()
	var err error
	switch {
	case d.closed:
		err = net.ErrClosed
	case d.passed(d.writeBy):
		err = os.ErrDeadlineExceeded
	case len(b) > most:
		err = os.NewSyscallError("write", syscall.EMSGSIZE)
	case d.failure != nil:
		err, d.failure = os.NewSyscallError("write", d.failure), nil
	}
	if err != nil {
		return 0, d.opError("udp", "write", err)
	}
	d.outbox = append(d.outbox, letter{to, slices.Clone(b)})
	d.n.mark(&d.socket)
	return len(b), nil
}

// Close implements net.Conn. What was written is sent.
func (d *datagram) Close() error {
	d.n.mu.Lock()
	defer d.n.mu.Unlock()
	if d.closed {
		return d.opError("udp", "close", net.ErrClosed)
	}
	d.closed = true
	d.n.events.Set(&d.timer, never)
	d.change.Broadcast()
	d.n.mark(&d.socket)
	return nil
}

// stop ends the socket with its network.
func (d *datagram) stop() {
	d.closed = true
	d.change.Broadcast()
}

// LocalAddr implements net.Conn.
func (d *datagram) LocalAddr() net.Addr { return d.local.UDP() }

// RemoteAddr implements net.Conn. It is nil if d is not connected.
func (d *datagram) RemoteAddr() net.Addr {
	if !d.connected {
		return nil
	}
	return d.remote.UDP()
}

// SetDeadline implements net.Conn.
func (d *datagram) SetDeadline(t time.Time) error { return d.setBy(t, true, true) }

// SetReadDeadline implements net.Conn.
func (d *datagram) SetReadDeadline(t time.Time) error { return d.setBy(t, true, false) }

// SetWriteDeadline implements net.Conn.
func (d *datagram) SetWriteDeadline(t time.Time) error { return d.setBy(t, false, true) }

func (d *datagram) setBy(t time.Time, read, write bool) error {
	d.n.mu.Lock()
	defer d.n.mu.Unlock()
	if d.closed {
		return d.opError("udp", "set", net.ErrClosed)
	}
	d.setDeadlines(t, read, write)
	d.arm()
	return nil
}

// ListenPacket implements harness.PacketListener. Network is "udp" or "udp4";
// address is ":port" or the host's own address and a port.
func (h *host) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	at, err := h.local("udp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	d, err := h.open(at.Port)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: at.UDP(), Err: err}
	}
	return d, nil
}
