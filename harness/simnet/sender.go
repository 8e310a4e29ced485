package simnet

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// phase is how a sender stands with its losses.
type phase uint8

const (
	calm       phase = iota
	recovering       // fast recovery, RFC 6675
	collapsed        // after a time-out
)

// sent is a segment that is not acknowledged.
type sent struct {
	begin, end int64
	at         time.Duration // when it was last sent
	fin        bool
	sacked     bool
	lost       bool // and not yet known to have arrived
	again      bool // sent again since it was marked lost
	ever       bool // sent more than once
}

// sender is the half of an endpoint that sends data. It finds losses by RACK and
// tail loss probes (RFC 8985) as Linux does.
type sender struct {
	cubic
	rtt estimator
	mss int

	buf      []byte  // what is not acknowledged; its memory is never used again
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

// written takes what the application has written.
func (e *endpoint) written(b []byte) {
	e.buf = append(e.buf, b...)
	e.writes = append(e.writes, e.base+int64(len(e.buf)))
	e.n.mark(&e.socket)
}

// flush sends what has been written, and the end of the stream. Each piece goes by
// itself, as with TCP_NODELAY, unless it has to wait for the windows.
func (e *endpoint) flush() {
	for _, end := range e.writes {
		e.ready = end
		e.output()
	}
	e.writes = e.writes[:0]
	e.finReady = e.finAsked && !e.abortAsked
	e.output()
}

// output sends what may be sent: first what was lost, then what is new.
func (e *endpoint) output() {
	if e.state != open {
		return
	}
	e.limited = false
	if e.bulk == access.Fill {
		e.ready = e.nxt + crossAhead
	}
	fresh := false
	for {
		if e.lostOut > e.resent {
			if float64(e.flying()) >= e.window || !e.repair() {
				break
			}
			continue
		}
		if !e.sendNext() {
			break
		}
		fresh = true
	}
	if fresh && (e.xmitKind == timerNone || e.xmitKind == timerProbe) {
		if e.xmitKind == timerNone {
			e.setTimer(timerRTO, e.rtt.rto())
		}
		e.setProbe(e.untilRTO())
	}
	if e.out() == 0 && (e.ready > e.nxt || e.finReady && !e.finSent) && e.xmitKind != timerPersist {
		e.setTimer(timerPersist, e.rtt.rto())
	}
}

// sendNext sends the next new segment, if the windows allow one.
func (e *endpoint) sendNext() bool {
	length := e.ready - e.nxt
	last := e.finReady && !e.finSent
	if length <= 0 && !last {
		return false
	}
	if float64(e.flying()) >= e.window {
		e.limited = true
		return false
	}
	mss := e.most()
	room := e.una + e.wnd - e.nxt
	n := min(length, mss)
	if n > room {
		if room <= 0 || e.out() > 0 && room < mss { // no small pieces, RFC 1122 section 4.2.3.4
			return false
		}
		n = room
	}
	e.sendNew(n, last && n == length)
	return true
}

// most is how many bytes a segment may have now, beside what it has to report.
func (e *endpoint) most() int64 {
	blocks := len(e.early)
	if e.again.end > e.again.begin {
		blocks++
	}
	if blocks == 0 {
		return int64(e.mss)
	}
	return int64(e.mss - sackHead - min(blocks, mostSACK)*sackBlock)
}

// sendNew sends n new bytes, with the end of the stream if last.
func (e *endpoint) sendNew(n int64, last bool) {
	p := sent{begin: e.nxt, end: e.nxt + n, at: e.n.at, fin: last}
	f := ack
	if last {
		f |= fin
		p.end++
		e.finSent, e.first = true, !e.finRcvd
	}
	if e.head == len(e.sentQ) {
		e.sentQ, e.head = e.sentQ[:0], 0
	}
	e.sentQ = append(e.sentQ, p)
	e.nxt = p.end
	e.emit(f, p.begin, e.payload(p.begin, p.begin+n))
}

// payload is what was written between two sequence numbers.
func (e *endpoint) payload(begin, end int64) []byte {
	if e.bulk == access.Fill {
		return e.n.zeros[:end-begin]
	}
	return e.buf[begin-e.base : end-e.base : end-e.base]
}

// repair sends the first lost segment again that has not been, if there is one.
func (e *endpoint) repair() bool {
	for i := e.head; i < len(e.sentQ); i++ {
		if p := &e.sentQ[i]; p.lost && !p.again {
			e.resend(i)
			p = &e.sentQ[i]
			p.again = true
			e.resent++
			if e.resentAt == 0 {
				e.resentAt = e.n.at
			}
			return true
		}
	}
	return false
}

// resend sends a segment again. One that has become too large for the path, or
// for what else there is to report, is split first.
func (e *endpoint) resend(i int) {
	length := e.sentQ[i].end - e.sentQ[i].begin
	if e.sentQ[i].fin {
		length--
	}
	if most := e.most(); length > most {
		p := e.sentQ[i]
		rest := p
		rest.begin = p.begin + most
		e.sentQ[i].end, e.sentQ[i].fin = rest.begin, false
		e.sentQ = slices.Insert(e.sentQ, i+1, rest)
		if p.lost {
			e.lostOut++
		}
		if p.again {
			e.resent++
		}
	}
	p := &e.sentQ[i]
	p.at, p.ever = e.n.at, true
	f, end := ack, p.end
	if p.fin {
		f |= fin
		end--
	}
	e.emit(f, p.begin, e.payload(p.begin, end))
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
