package simnet

import (
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// state is how far a connection has come.
type state uint8

const (
	dialing   state = iota + 1 // the SYN is to be sent, or sent
	answering                  // a SYN has come, its answer is under way
	open                       // established, or one side has ended its stream
	timeWait                   // over, and it answers what still comes
	gone                       // nothing of it is left but what can be read
)

// What a connection does when nothing comes, as Linux and package net have it.
const (
	synRetries    = 6 // of the SYN, net.ipv4.tcp_syn_retries; 127 s
	answerRetries = 5 // of the answer, net.ipv4.tcp_synack_retries

	giveUp       = 924600 * time.Millisecond // without an acknowledgement, tcp_retries2 = 15
	giveUpOrphan = 102200 * time.Millisecond // when nobody has it open any more, 8 retries
	linger       = 60 * time.Second          // in FIN-WAIT-2 without an owner, and in TIME-WAIT

	challengeRate = 500 * time.Millisecond // between answers to SYNs, net.ipv4.tcp_invalid_ratelimit
)

// endpoint is one end of a TCP connection.
type endpoint struct {
	socket
	state    state
	listener *listener // that will hand it out, nil after that and at the end that dialed
	failure  error     // a syscall.Errno: how it broke

	sender
	receiver

	finAsked     bool // the application has ended its stream
	abortAsked   bool // close by a reset
	abandoned    bool // the dial was given up
	first        bool // it ended its stream before the peer did
	retries      int  // time-outs since the last news
	keepOff      bool
	keepAt       time.Duration
	keepSent     int
	heardAt      time.Duration
	lingerAt     time.Duration
	challengedAt time.Duration // when a SYN was last answered, 0 if none was
	noLinger     bool          // SetLinger(0)

	bulk     access.Bulk // of cross traffic
	transfer *transfer   // whose connection it is, nil if none's
	proxy    *proxy      // with toxics, that it is a part of, nil if of none
}

func newEndpoint(h *host, local, remote addr) *endpoint {
	e := &endpoint{}
	e.init(h, e.serve, e.expire)
	e.local, e.remote = local, remote
	e.sender = sender{cubic: newCubic(), mss: maxSegment, base: 1, ready: 1, xmitAt: never}
	e.receiver = receiver{capacity: h.n.receiveBuffer, ackAt: never}
	e.keepAt, e.lingerAt = never, never
	return e
}

// serve does what the application has asked for.
func (e *endpoint) serve() {
	switch {
	case e.state == gone:
		return
	case e.abandoned:
		e.end()
		return
	case e.abortAsked:
		e.flush()
		e.emit(rst|ack, e.nxt, nil)
		e.end()
		return
	case e.state == dialing && e.flow == nil:
		e.begin()
	case e.state == open:
		if e.windowAsked {
			e.windowAsked = false
			e.ackNow()
		}
		e.flush()
		e.ending()
	}
	e.rearm()
}

// begin sends the first SYN.
func (e *endpoint) begin() {
	e.state = dialing
	if b, _ := e.host.linkTo(e.remote); b != nil { // there is one, or it was not dialed
		near, far := e.local, e.remote
		if b.From(e.host) == harness.Down {
			near, far = far, near
		}
		e.flow = b.begin(access.TCP, near, far)
		e.flow.Cross = e.bulk != access.NoBulk
		e.flow.join()
	}
	e.nxt = 1
	e.progress()
	e.sendSYN()
}

// sendSYN sends the SYN, or the answer to one.
func (e *endpoint) sendSYN() {
	f := syn
	if e.state == answering {
		f |= ack
	}
	e.emit(f, 0, nil)
	e.setTimer(timerRTO, e.rtt.rto())
}

// answer makes the endpoint that answers a SYN, for a listener or for none.
func (h *host) answer(fl *flight, l *listener) *endpoint {
	e := newEndpoint(h, fl.seg.to, fl.seg.from)
	e.state, e.listener, e.flow = answering, l, fl.flow
	if e.flow != nil {
		e.flow.join()
		e.flow.Half(access.Opposite(fl.report.Direction)).Restart()
	}
	e.host.conns[e.key()] = e
	e.rcvNxt, e.lastAcked, e.recent, e.wnd = 1, 1, fl.seg.stamp, fl.seg.window
	e.nxt = 1
	e.sendSYN()
	e.rearm()
	return e
}

// input takes a segment that has arrived.
func (e *endpoint) input(s *segment) {
	switch e.state {
	case dialing:
		e.inputDialing(s)
	case answering:
		e.inputAnswering(s)
	case open:
		e.inputOpen(s)
	case timeWait:
		if s.flags.Has(rst) {
			break
		}
		if s.end() > s.seq {
			e.ackNow()
		}
	case gone:
		return
	}
	e.rearm()
}

func (e *endpoint) inputDialing(s *segment) {
	switch {
	case s.flags.Has(rst):
		e.fail(syscall.ECONNREFUSED)
	case s.flags.Has(syn) && s.flags.Has(ack):
		e.rcvNxt, e.recent = 1, s.stamp
		e.establish(s)
		e.ackNow()
	}
}

func (e *endpoint) inputAnswering(s *segment) {
	switch {
	case s.flags.Has(rst):
		e.end()
	case s.flags.Has(syn):
		e.recent = max(e.recent, s.stamp)
		e.sendSYN() // and later again by the clock, but from now on
	case s.ack >= 1:
		e.establish(s)
		if l := e.listener; l != nil {
			e.listener = nil
			l.hand(e)
		}
		e.inputOpen(s)
	}
}

// establish opens a connection by the segment that acknowledges its SYN.
func (e *endpoint) establish(s *segment) {
	e.state = open
	e.una, e.wnd = 1, s.window
	e.rtt.sample(e.n.at-s.echo, e.una, e.nxt)
	if e.retries > 1 {
		e.window = 1 // RFC 5681 section 3.1
	}
	e.retries = 0
	e.stopTimer()
	e.progress()
	e.heardAt, e.keepAt = e.n.at, e.host.ends(access.KeepAlive)
	e.change.Broadcast()
}

func (e *endpoint) inputOpen(s *segment) {
	switch {
	case s.flags.Has(rst):
		if e.finRcvd && !e.finSent {
			e.fail(syscall.EPIPE)
		} else {
			e.fail(syscall.ECONNRESET)
		}
		return
	case s.flags.Has(syn):
		// An acknowledgement of ours was lost, or not yet there; RFC 5961's challenge.
		if e.challengedAt == 0 || e.n.at-e.challengedAt >= challengeRate {
			e.challengedAt = e.n.at
			e.ackNow()
		}
		return
	case s.end() < e.lastAcked && len(s.data) == 0:
		e.ackNow() // the peer asks whether we live
		return
	}
	e.heardAt, e.keepSent = e.n.at, 0
	if s.seq <= e.lastAcked && s.stamp > e.recent {
		e.recent = s.stamp
	}
	e.ackIn(s)
	if len(s.data) > 0 && e.closed && s.end() > e.rcvNxt {
		e.emit(rst|ack, e.nxt, nil) // nobody will read it
		e.fail(syscall.ECONNRESET)
		return
	}
	if s.end() > s.seq {
		e.dataIn(s)
	}
	e.output()
	e.ending()
}

// ending moves on once both streams have ended.
func (e *endpoint) ending() {
	if e.state != open || !e.finSent || e.una < e.nxt {
		return
	}
	switch {
	case e.finRcvd && e.first:
		e.state, e.lingerAt, e.keepAt = timeWait, e.host.ends(linger), never
		if e.ackAt != never {
			e.ackNow()
		}
	case e.finRcvd:
		e.end()
	case e.closed && e.lingerAt == never:
		e.lingerAt = e.host.ends(linger)
	}
}

// fail breaks the connection.
func (e *endpoint) fail(errno syscall.Errno) {
	if e.failure == nil {
		e.failure = errno
	}
	e.end()
}

// end takes the endpoint off its host.
func (e *endpoint) end() {
	if e.state == gone {
		return
	}
	e.state = gone
	e.n.events.Set(&e.timer, never)
	if e.host.conns[e.key()] == e {
		delete(e.host.conns, e.key())
	}
	if e.flow != nil {
		e.flow.leave()
	}
	e.notify()
	if e.transfer != nil {
		e.transfer.ended()
	}
}

// abort resets the connection and tells the peer.
func (e *endpoint) abort() {
	if e.state == open || e.state == answering {
		e.emit(rst|ack, e.nxt, nil)
	}
	e.fail(syscall.ECONNRESET)
}

// rearm sets the timer to the next thing that has a time.
func (e *endpoint) rearm() {
	if e.state == gone {
		return
	}
	e.n.events.Set(&e.timer, min(e.xmitAt, e.ackAt, e.keepAt, e.lingerAt, e.deadline()))
}

// expire does what is due.
func (e *endpoint) expire() {
	now := e.n.at
	if e.readers > 0 && e.readBy <= now || e.writers > 0 && e.writeBy <= now {
		e.change.Broadcast()
	}
	if e.ackAt <= now {
		e.acks.Late()
		e.ackNow()
	}
	if e.xmitAt <= now {
		e.timeOut()
	}
	if e.keepAt <= now {
		e.keep()
	}
	if e.lingerAt <= now {
		if e.bulk != access.NoBulk {
			e.abort()
		}
		e.end()
	}
	e.rearm()
}

// keep asks an idle peer whether it lives.
func (e *endpoint) keep() {
	now := e.n.at
	e.keepAt = e.host.ends(access.KeepAlive)
	idle := now - e.heardAt
	switch {
	case e.keepOff:
		e.keepAt = never
	case e.out() > 0 || e.nxt < e.ready:
	case idle < access.KeepAlive:
		e.keepAt = e.host.ends(access.KeepAlive - idle)
	case e.keepSent >= access.KeepAliveCount:
		e.emit(rst|ack, e.nxt, nil)
		e.fail(syscall.ETIMEDOUT)
	default:
		e.keepSent++
		e.emit(ack, e.nxt-1, nil)
	}
}
