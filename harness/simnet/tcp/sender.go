package tcp

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// crossAhead is how many bytes of cross traffic are ready to be sent: more than any window
// used.
const crossAhead = 1 << 20

// phase is how a sender stands with its losses.
type phase uint8

const (
	calm       phase = iota
	recovering       // fast recovery, RFC 6675
	collapsed        // after a time-out
)

type sent struct {
	Span
	at     time.Duration // when it was last sent
	fin    bool
	sacked bool
	lost   bool // and not yet known to have arrived
	again  bool // sent again since it was marked lost
	ever   bool // sent more than once
}

// sender is the half of a Conn that sends data. It finds losses by RACK and
// tail loss probes (RFC 8985) as Linux does.
type sender struct {
	cubic
	rtt estimator
	mss int

	buf      []byte  // what is not acknowledged; its memory is never used again
	zeros    []byte  // what cross traffic carries
	base     int64   // sequence number of buf[0]
	writes   []int64 // where the pieces written since the last service end
	ready    int64   // the end of what may be sent
	finReady bool    // the stream ends there
	finSent  bool
	una, nxt int64
	wnd      int64 // bytes the peer offers from una on

	sentQ                      []sent // from sequence number una on; those before head are done with
	head                       int
	sackedOut, lostOut, resent int // segments of sentQ
	phase                      phase
	until                      int64         // the phase ends when this is acknowledged
	limited                    bool          // the window kept data back
	undoWindow, undoThreshold  float64       // before the phase
	resentAt                   time.Duration // the first retransmission of the phase, 0 if none
	probed                     int64         // nxt at the tail loss probe that is out, 0 if none
	probeAgain                 bool          // it was a retransmission
	stalledAt                  time.Duration // of the first time-out without news since

	rackAt, rackRTT time.Duration // of the newest segment known to have arrived
	rackEnd         int64
	highest         int64 // the highest sequence number known to have arrived
	reordered       bool

	xmitKind timer
	xmitAt   time.Duration
}

// out is how many segments are not acknowledged, flying how many of them are
// believed to be on their way.
func (s *sender) out() int    { return len(s.sentQ) - s.head }
func (s *sender) flying() int { return s.out() - s.sackedOut - s.lostOut + s.resent }

func (s *sender) queue() []sent { return s.sentQ[s.head:] }

// flush sends what has been written, and the end of the stream. Each piece goes by
// itself, as with TCP_NODELAY, unless it has to wait for the windows.
func (c *Conn) flush() {
	for _, end := range c.writes {
		c.ready = end
		c.output()
	}
	c.writes = c.writes[:0]
	c.finReady = c.finAsked && !c.abortAsked
	c.output()
}

// output sends what may be sent: first what was lost, then what is new.
func (c *Conn) output() {
	if c.state != open {
		return
	}
	c.limited = false
	if c.Bulk == access.Fill {
		c.ready = c.nxt + crossAhead
	}
	fresh := false
	for {
		if c.lostOut > c.resent {
			if float64(c.flying()) >= c.window || !c.repair() {
				break
			}
			continue
		}
		if !c.sendNext() {
			break
		}
		fresh = true
	}
	if fresh && (c.xmitKind == timerNone || c.xmitKind == timerProbe) {
		if c.xmitKind == timerNone {
			c.setTimer(timerRTO, c.rtt.rto())
		}
		c.setProbe(c.untilRTO())
	}
	if c.out() == 0 && (c.ready > c.nxt || c.finReady && !c.finSent) && c.xmitKind != timerPersist {
		c.setTimer(timerPersist, c.rtt.rto())
	}
}

// sendNext sends the next new segment, if the windows allow one.
func (c *Conn) sendNext() bool {
	length := c.ready - c.nxt
	last := c.finReady && !c.finSent
	if length <= 0 && !last {
		return false
	}
	if float64(c.flying()) >= c.window {
		c.limited = true
		return false
	}
	mss := c.most()
	room := c.una + c.wnd - c.nxt
	n := min(length, mss)
	if n > room {
		if room <= 0 || c.out() > 0 && room < mss { // no small pieces, RFC 1122 section 4.2.3.4
			return false
		}
		n = room
	}
	c.sendNew(n, last && n == length)
	return true
}

// most is how many bytes a segment may have now, beside what it has to report.
func (c *Conn) most() int64 {
	blocks := len(c.early)
	if c.again.End > c.again.Begin {
		blocks++
	}
	if blocks == 0 {
		return int64(c.mss)
	}
	return int64(c.mss - sackHead - min(blocks, mostSACK)*sackBlock)
}

// sendNew sends n new bytes, with the end of the stream if last.
func (c *Conn) sendNew(n int64, last bool) {
	p := sent{Span: Span{c.nxt, c.nxt + n}, at: c.now, fin: last}
	f := ack
	if last {
		f |= fin
		p.End++
		c.finSent, c.first = true, !c.finRcvd
	}
	if c.head == len(c.sentQ) {
		c.sentQ, c.head = c.sentQ[:0], 0
	}
	c.sentQ = append(c.sentQ, p)
	c.nxt = p.End
	c.emit(f, p.Begin, c.payload(p.Begin, p.Begin+n))
}

// payload is what was written between two sequence numbers.
func (c *Conn) payload(begin, end int64) []byte {
	if c.Bulk == access.Fill {
		return c.zeros[:end-begin]
	}
	return c.buf[begin-c.base : end-c.base : end-c.base]
}

// repair sends the first lost segment again that has not been, if there is one.
func (c *Conn) repair() bool {
	for i := c.head; i < len(c.sentQ); i++ {
		if p := &c.sentQ[i]; p.lost && !p.again {
			c.resend(i)
			p = &c.sentQ[i]
			p.again = true
			c.resent++
			if c.resentAt == 0 {
				c.resentAt = c.now
			}
			return true
		}
	}
	return false
}

// resend sends a segment again. One that has become too large for the path, or
// for what else there is to report, is split first.
func (c *Conn) resend(i int) {
	length := c.sentQ[i].End - c.sentQ[i].Begin
	if c.sentQ[i].fin {
		length--
	}
	if most := c.most(); length > most {
		p := c.sentQ[i]
		rest := p
		rest.Begin = p.Begin + most
		c.sentQ[i].End, c.sentQ[i].fin = rest.Begin, false
		c.sentQ = slices.Insert(c.sentQ, i+1, rest)
		if p.lost {
			c.lostOut++
		}
		if p.again {
			c.resent++
		}
	}
	p := &c.sentQ[i]
	p.at, p.ever = c.now, true
	f, end := ack, p.End
	if p.fin {
		f |= fin
		end--
	}
	c.emit(f, p.Begin, c.payload(p.Begin, end))
}

// lose marks a segment as lost, also one that was sent again.
func (s *sender) lose(p *sent) {
	if p.sacked {
		return
	}
	if !p.lost {
		p.lost = true
		s.lostOut++
	}
	if p.again {
		p.again = false
		s.resent--
	}
}
