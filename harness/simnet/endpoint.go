package simnet

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/tcp"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// endpoint is one end of a TCP connection on a host.
type endpoint struct {
	socket
	tcp      tcp.Conn
	listener *listener // that will hand it out, nil after that and at the end that dialed
	noLinger bool      // SetLinger(0)
	transfer *transfer // whose connection it is, nil if none's
	proxy    *proxy    // with toxics, that it is a part of, nil if of none
}

func (h *host) endpoint(local, remote wire.Addr, b access.Bulk) *endpoint {
	e := &endpoint{}
	e.init(h, e.serve, e.expire)
	e.local, e.remote = local, remote
	e.tcp.Init(e, tcp.Settings{Capacity: h.n.receiveBuffer, Phase: h.phase, Bulk: b})
	h.conns[e.key()] = e
	return e
}

// answer makes the endpoint that answers a SYN, for a listener or for cross traffic.
func (h *host) answer(fl *flight, l *listener, b access.Bulk) {
	e := h.endpoint(fl.to, fl.from, b)
	e.listener, e.flow = l, fl.flow
	if e.flow != nil {
		e.flow.join()
		e.flow.Half(access.Opposite(fl.report.Direction)).Restart()
	}
	e.tcp.Answer(h.n.at, &fl.seg)
	e.rearm()
}

// serve does what the application has asked for.
func (e *endpoint) serve() {
	e.tcp.Serve(e.n.at)
	e.rearm()
}

// expire does what is due.
func (e *endpoint) expire() {
	now := e.n.at
	if e.readers > 0 && e.readBy <= now || e.writers > 0 && e.writeBy <= now {
		e.change.Broadcast()
	}
	e.tcp.Expire(now)
	e.rearm()
}

// rearm sets the timer to the next thing that has a time.
func (e *endpoint) rearm() {
	if !e.tcp.Gone() {
		e.n.events.Set(&e.timer, min(e.tcp.Next(), e.deadline()))
	}
}

// abort resets the connection and tells the peer.
func (e *endpoint) abort() { e.tcp.Abort(e.n.at) }

// Send implements tcp.Owner. The first segment of a dial begins a flow.
func (e *endpoint) Send(s tcp.Segment) {
	if s.Opens() && e.flow == nil {
		e.begin()
	}
	e.host.transmit(e.flow, e.local, e.remote, &s)
}

// begin begins the flow, if there is a link in between.
func (e *endpoint) begin() {
	l, _ := e.host.linkTo(e.remote) // there is one, or it was not dialed
	if l == nil {
		return
	}
	near, far := e.local, e.remote
	if l.From(e.host) == harness.Down {
		near, far = far, near
	}
	e.flow = l.begin(access.TCP, near, far)
	e.flow.Cross = e.tcp.Bulk != access.NoBulk
	e.flow.join()
}

// Opened implements tcp.Owner.
func (e *endpoint) Opened() {
	e.change.Broadcast()
	if l := e.listener; l != nil {
		e.listener = nil
		l.hand(e)
	}
}

// Arrived implements tcp.Owner: it tells those who wait.
func (e *endpoint) Arrived() {
	e.change.Broadcast()
	if e.proxy != nil {
		e.n.mark(&e.proxy.socket)
	}
}

// Acked implements tcp.Owner.
func (e *endpoint) Acked() {
	if e.writers > 0 || e.proxy != nil {
		e.Arrived()
	}
}

// Ended implements tcp.Owner: it takes the endpoint off its host.
func (e *endpoint) Ended() {
	e.n.events.Set(&e.timer, never)
	if e.host.conns[e.key()] == e {
		delete(e.host.conns, e.key())
	}
	if e.flow != nil {
		e.flow.leave()
	}
	e.Arrived()
	if e.transfer != nil {
		e.transfer.ended()
	}
}

// write takes what the application has written.
func (e *endpoint) write(b []byte) {
	e.tcp.Write(b)
	e.n.mark(&e.socket)
}

// read hands data to the application.
func (e *endpoint) read(b []byte) int {
	n, serve := e.tcp.Read(b)
	if serve {
		e.n.mark(&e.socket)
	}
	return n
}

// ask asks for service, unless the connection is over.
func (e *endpoint) ask() {
	if !e.tcp.Gone() {
		e.n.mark(&e.socket)
	}
}

// release closes an endpoint: in order, or by a reset if that is asked for or data has come
// that nobody will read.
func (e *endpoint) release(reset bool) {
	e.closed = true
	e.tcp.Close(reset)
	e.ask()
}
