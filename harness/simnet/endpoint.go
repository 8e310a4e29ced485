package simnet

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/socket"
	"github.com/onebar/onebar/harness/simnet/tcp"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// endpoint is one end of a TCP connection on a host. It implements tcp.Owner.
type endpoint struct {
	socket.Stream
	host     *host
	flow     *flow            // nil before the first packet, and within a host
	listener *socket.Listener // that will hand it out, nil after that and at the end that dialed
	transfer *transfer        // whose connection it is, nil if none's
	proxy    *proxy           // with toxics, that it is a part of, nil if of none
}

type key struct {
	local  uint16
	remote wire.Addr
}

func (e *endpoint) key() key { return key{e.Local.Port, e.Remote} }

func (h *host) endpoint(local, remote wire.Addr, b access.Bulk) *endpoint {
	e := &endpoint{host: h}
	e.Number, e.Local, e.Remote = h.number(), local, remote
	e.Init(&h.n.loop, e, tcp.Settings{Capacity: int64(h.n.receiveBuffer), Phase: h.phase, Bulk: b}, h.n.sendBuffer)
	h.conns[e.key()] = e
	return e
}

// answer makes the endpoint that answers a SYN, for a listener or for cross traffic.
func (h *host) answer(fl *flight, l *socket.Listener, b access.Bulk) {
	e := h.endpoint(fl.to, fl.from, b)
	e.listener, e.flow = l, fl.flow
	if e.flow != nil {
		e.flow.join()
		e.flow.Half(access.Opposite(fl.report.Direction)).Restart()
	}
	e.TCP.Answer(h.n.loop.At(), &fl.seg)
	e.Rearm()
}

func (e *endpoint) abort() { e.TCP.Abort(e.host.n.loop.At()) }

// Send implements tcp.Owner. The first segment of a dial begins a flow.
func (e *endpoint) Send(s tcp.Segment) {
	if s.Opens() && e.flow == nil {
		e.begin()
	}
	e.host.transmit(e.flow, e.Local, e.Remote, &s)
}

func (e *endpoint) begin() {
	l, _ := e.host.linkTo(e.Remote) // there is one, or it was not dialed
	if l == nil {
		return
	}
	near, far := e.Local, e.Remote
	if l.From(e.host) == harness.Down {
		near, far = far, near
	}
	e.flow = l.begin(access.TCP, near, far)
	e.flow.Cross = e.TCP.Bulk != access.NoBulk
	e.flow.join()
}

func (e *endpoint) Opened() {
	e.Wake()
	if l := e.listener; l != nil {
		e.listener = nil
		if !l.Hand(&e.Stream) {
			e.abort()
		}
	}
}

func (e *endpoint) Arrived() {
	e.Wake()
	e.proxy.wake()
}

func (e *endpoint) Acked() {
	if e.WriterWaits() || e.proxy != nil {
		e.Arrived()
	}
}

// Ended implements tcp.Owner: it takes the endpoint off its host.
func (e *endpoint) Ended() {
	e.Stream.Ended()
	if e.host.conns[e.key()] == e {
		delete(e.host.conns, e.key())
	}
	if e.flow != nil {
		e.flow.leave()
	}
	e.proxy.wake()
	if e.transfer != nil {
		e.transfer.ended()
	}
}

// carries reports whether an endpoint is an end of an open connection: one of its
// applications may still send or receive.
func (e *endpoint) carries() bool {
	if e.proxy != nil && e != e.proxy.far {
		return false // within the phone
	}
	return e.TCP.Carries()
}
