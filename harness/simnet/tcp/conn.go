package tcp

import (
	"syscall"
	"time"

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

// Owner is what a connection runs in. Its methods are called by the methods of the
// connection, and must not call these again, except that Opened may call Abort.
type Owner interface {
	// Send sends a segment to the peer.
	Send(s Segment)
	// Opened is called when the handshake is complete.
	Opened()
	// Arrived is called when data or the end of the stream has arrived.
	Arrived()
	// Acked is called when data was acknowledged: there is more room to write.
	Acked()
	// Ended is called once: nothing will be sent or received any more.
	Ended()
}

// Settings are what differs between connections.
type Settings struct {
	Capacity int64         // bytes that it takes before the application reads them
	Phase    time.Duration // when the first tick of the host's timer wheel is, 0 to Tick
	Bulk     access.Bulk   // of cross traffic: it has no application
}

// Conn is one end of a TCP connection. Make it with Init and then call Dial, Answer or
// Join. Conn is not safe for concurrent use, and has no clock and no timer of its own:
//
//   - Serve, Input, Expire, Answer, Abort, Shrink and SetKeepAlive take the present, an offset.
//     After each of them the owner sets its timer to Next.
//   - Write, CloseWrite, Close and Abandon only take note. The owner calls Serve soon after.
type Conn struct {
	Settings
	owner   Owner
	now     time.Duration
	state   state
	failure error // a syscall.Errno: how it broke

	sender
	receiver

	finAsked     bool // the application has ended its stream
	closed       bool // the application will not read any more
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
}

// Init makes c a new connection of an owner.
func (c *Conn) Init(o Owner, s Settings) {
	*c = Conn{Settings: s, owner: o, keepAt: access.Never, lingerAt: access.Never}
	c.sender = sender{cubic: newCubic(), mss: MaxSegment, base: 1, ready: 1, xmitAt: access.Never}
	c.receiver = receiver{ackAt: access.Never}
	if s.Bulk == access.Fill {
		c.zeros = make([]byte, MaxSegment)
	}
}

// Dial makes Serve send the first SYN.
func (c *Conn) Dial() { c.state = dialing }

// Answer answers a SYN.
func (c *Conn) Answer(now time.Duration, s *Segment) {
	c.now, c.state = now, answering
	c.rcvNxt, c.lastAcked, c.recent, c.wnd = 1, 1, s.Stamp, s.Window
	c.nxt = 1
	c.sendSYN()
}

// Join makes c an end of a connection that is open at once, without a handshake. The
// other end has the same Settings.Capacity. It sends no keepalives.
func (c *Conn) Join() {
	c.state, c.una, c.nxt, c.rcvNxt, c.lastAcked = open, 1, 1, 1, 1
	c.wnd = c.offer()
	c.keepOff = true
}

// Serve does what the application has asked for.
func (c *Conn) Serve(now time.Duration) {
	c.now = now
	switch {
	case c.state == gone:
	case c.abandoned:
		c.end()
	case c.abortAsked:
		c.flush()
		c.emit(rst|ack, c.nxt, nil)
		c.end()
	case c.state == dialing && c.nxt == 0:
		c.nxt = 1
		c.progress()
		c.sendSYN()
	case c.state == open:
		if c.windowAsked {
			c.windowAsked = false
			c.ackNow()
		}
		c.flush()
		c.ending()
	}
}

func (c *Conn) sendSYN() {
	f := syn
	if c.state == answering {
		f |= ack
	}
	c.emit(f, 0, nil)
	c.setTimer(timerRTO, c.rtt.rto())
}

// Input takes a segment that has arrived.
func (c *Conn) Input(now time.Duration, s *Segment) {
	c.now = now
	switch c.state {
	case dialing:
		c.inputDialing(s)
	case answering:
		c.inputAnswering(s)
	case open:
		c.inputOpen(s)
	case timeWait:
		if !s.Flags.Has(rst) && s.End() > s.Seq {
			c.ackNow()
		}
	case gone:
	}
}

func (c *Conn) inputDialing(s *Segment) {
	switch {
	case s.Flags.Has(rst):
		c.Fail(syscall.ECONNREFUSED)
	case s.Flags.Has(syn) && s.Flags.Has(ack):
		c.rcvNxt, c.recent = 1, s.Stamp
		c.establish(s)
		c.ackNow()
	}
}

func (c *Conn) inputAnswering(s *Segment) {
	switch {
	case s.Flags.Has(rst):
		c.end()
	case s.Flags.Has(syn):
		c.recent = max(c.recent, s.Stamp)
		c.sendSYN() // and later again by the clock, but from now on
	case s.Ack >= 1:
		c.establish(s)
		c.inputOpen(s)
	}
}

// establish opens a connection by the segment that acknowledges its SYN.
func (c *Conn) establish(s *Segment) {
	c.state = open
	c.una, c.wnd = 1, s.Window
	c.rtt.sample(c.now-s.Echo, c.una, c.nxt)
	if c.retries > 1 {
		c.window = 1 // RFC 5681 section 3.1
	}
	c.retries = 0
	c.stopTimer()
	c.progress()
	c.heardAt, c.keepAt = c.now, c.ends(access.KeepAlive)
	c.owner.Opened()
}

func (c *Conn) inputOpen(s *Segment) {
	switch {
	case s.Flags.Has(rst):
		errno := syscall.ECONNRESET
		if c.finRcvd && !c.finSent {
			errno = syscall.EPIPE
		}
		c.Fail(errno)
		return
	case s.Flags.Has(syn):
		// An acknowledgement of ours was lost, or not yet there; RFC 5961's challenge.
		if c.challengedAt == 0 || c.now-c.challengedAt >= challengeRate {
			c.challengedAt = c.now
			c.ackNow()
		}
		return
	case s.End() < c.lastAcked && len(s.Data) == 0:
		c.ackNow() // the peer asks whether we live
		return
	}
	c.heardAt, c.keepSent = c.now, 0
	if s.Seq <= c.lastAcked && s.Stamp > c.recent {
		c.recent = s.Stamp
	}
	c.ackIn(s)
	if len(s.Data) > 0 && c.closed && s.End() > c.rcvNxt {
		c.emit(rst|ack, c.nxt, nil) // nobody will read it
		c.Fail(syscall.ECONNRESET)
		return
	}
	if s.End() > s.Seq {
		c.dataIn(s)
	}
	c.output()
	c.ending()
}

// ending moves on once both streams have ended.
func (c *Conn) ending() {
	if c.state != open || !c.finSent || c.una < c.nxt {
		return
	}
	switch {
	case c.finRcvd && c.first:
		c.state, c.lingerAt, c.keepAt = timeWait, c.ends(linger), access.Never
		if c.ackAt != access.Never {
			c.ackNow()
		}
	case c.finRcvd:
		c.end()
	case c.closed && c.lingerAt == access.Never:
		c.lingerAt = c.ends(linger)
	}
}

// Fail breaks the connection without a word to the peer.
func (c *Conn) Fail(errno syscall.Errno) {
	if c.failure == nil {
		c.failure = errno
	}
	c.end()
}

func (c *Conn) end() {
	if c.state != gone {
		c.state = gone
		c.owner.Ended()
	}
}

// Next is when Expire must be called, access.Never if it need not be.
func (c *Conn) Next() time.Duration {
	if c.state == gone {
		return access.Never
	}
	return min(c.xmitAt, c.ackAt, c.keepAt, c.lingerAt)
}

// Expire does what is due.
func (c *Conn) Expire(now time.Duration) {
	c.now = now
	if c.ackAt <= now {
		c.acks.Late()
		c.ackNow()
	}
	if c.xmitAt <= now {
		c.timeOut()
	}
	if c.keepAt <= now {
		c.keep()
	}
	if c.lingerAt <= now {
		if c.Bulk != access.NoBulk {
			c.Abort(now)
		}
		c.end()
	}
}

// keep asks an idle peer whether it lives.
func (c *Conn) keep() {
	c.keepAt = c.ends(access.KeepAlive)
	idle := c.now - c.heardAt
	switch {
	case c.keepOff:
		c.keepAt = access.Never
	case c.out() > 0 || c.nxt < c.ready:
	case idle < access.KeepAlive:
		c.keepAt = c.ends(access.KeepAlive - idle)
	case c.keepSent >= access.KeepAliveCount:
		c.emit(rst|ack, c.nxt, nil)
		c.Fail(syscall.ETIMEDOUT)
	default:
		c.keepSent++
		c.emit(ack, c.nxt-1, nil)
	}
}
