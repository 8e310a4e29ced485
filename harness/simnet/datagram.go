package simnet

import (
	"context"
	"net"
	"os"
	"syscall"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/socket"
	"github.com/onebar/onebar/harness/simnet/wire"
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

type datagram struct {
	socket.Datagrams
	host *host
}

func (h *host) dialDatagrams(_ context.Context, to wire.Addr) (net.Conn, error) {
	if _, err := h.linkTo(to); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	d, err := h.datagrams(0)
	if err != nil {
		return nil, err
	}
	d.Remote = to
	return &d.Datagrams, nil
}

// ListenPacket implements harness.PacketListener. Network is "udp" or "udp4";
// address is ":port" or the host's own address and a port.
func (h *host) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	h.n.loop.Lock()
	defer h.n.loop.Unlock()
	at, err := h.n.hosts.Local(h.ip, "udp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	d, err := h.datagrams(at.Port())
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: wire.From(at).Net(network), Err: err}
	}
	return &d.Datagrams, nil
}

// datagrams makes a socket at a port, at a free one if that is 0.
func (h *host) datagrams(port uint16) (*datagram, error) {
	used := func(p uint16) bool { return h.udp[p] != nil }
	port, err := h.claim(port, used, used)
	if err != nil {
		return nil, err
	}
	d := &datagram{host: h}
	d.Number, d.Run, d.Local = h.number(), d.flush, wire.Addr{IP: h.ip, Port: port}
	d.Init(&h.n.loop, h.n.receiveBuffer)
	h.udp[port] = d
	return d, nil
}

// flush sends what was written.
func (d *datagram) flush() {
	if closed := d.Take(d.send); closed {
		delete(d.host.udp, d.Local.Port)
	}
}

// send puts a datagram onto the link, in fragments if it is large.
func (d *datagram) send(o socket.Datagram) {
	l, err := d.host.linkTo(o.Peer)
	if err != nil {
		d.Fail(syscall.EHOSTUNREACH)
		return
	}
	m, n := &message{kind: udp, data: o.Data}, d.host.n
	if l == nil {
		fl := n.flight()
		fl.message, fl.from, fl.to, fl.host = m, d.Local, o.Peer, d.host
		n.loop.Push(&fl.Event, n.loop.At())
		return
	}
	dir := l.From(d.host)
	f := l.datagrams(dir, d.Local, o.Peer)
	rest := wire.UDPHeader + len(m.data)
	if rest > wire.FragmentSize {
		m.missing = new(int)
		*m.missing = (rest + wire.FragmentSize - 1) / wire.FragmentSize
		m.id = uint16(f.Half(dir).Ordinal + 1)
	}
	for offset := 0; rest > 0; offset, rest = offset+wire.FragmentSize, rest-wire.FragmentSize {
		fl := n.flight()
		fl.message, fl.from, fl.to, fl.offset = m, d.Local, o.Peer, offset
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
	switch d := h.udp[fl.to.Port]; {
	case m.kind == tooBig:
		if e := h.conns[key{fl.to.Port, fl.from}]; e != nil && e.flow == fl.flow {
			e.TCP.Shrink(h.n.loop.At(), m.mtu)
			e.Rearm()
		}
	case m.kind == unreachable:
		if d != nil && d.Remote == fl.from {
			d.Fail(syscall.ECONNREFUSED)
		}
	case d != nil && d.Takes(fl.from):
		d.Deliver(socket.Datagram{Peer: fl.from, Data: m.data})
	case fl.flow != nil:
		h.n.report(fl, &message{kind: unreachable})
	}
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
