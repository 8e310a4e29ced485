package tcp

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// receiver is the half of a Conn that gets data.
type receiver struct {
	rcvNxt  int64  // the next sequence number wanted
	rcvBuf  []byte // what the application has not read
	rcvRead int    // of which this is read already
	finRcvd bool
	early   []piece // what came before its turn, by sequence number, not overlapping what has

	recent    time.Duration // the timestamp to echo, TS.Recent of RFC 7323
	lastAcked int64         // the last acknowledgement sent
	promised  int64         // the end of the window offered
	latest    int64         // the sequence number of the last piece that came early
	again     Span          // received twice, to be reported once (RFC 2883); empty if none

	acks        access.Acks
	ackAt       time.Duration // when a delayed acknowledgement goes
	largest     int           // payload of the peer's segments
	windowAsked bool
}

type piece struct {
	Span
	data []byte
	fin  bool
}

// offer is the window to advertise: it never shrinks.
func (c *Conn) offer() int64 {
	c.promised = max(c.promised, c.rcvNxt+max(0, c.Capacity-int64(c.Unread())))
	return c.promised - c.rcvNxt
}

func (c *Conn) dataIn(s *Segment) {
	c.largest = max(c.largest, len(s.Data))
	switch {
	case s.End() <= c.rcvNxt:
		c.again = Span{s.Seq, s.End()}
		c.acks.Repeated()
		c.ackNow()
	case s.Seq >= max(c.promised, c.rcvNxt+1):
		c.ackNow() // beyond the window: it was a probe
	case s.Seq > c.rcvNxt:
		c.keepEarly(s)
		c.ackNow()
	default:
		hole := len(c.early) > 0
		c.take(piece{Span{s.Seq, s.End()}, s.Data, s.Flags.Has(fin)})
		for len(c.early) > 0 && c.early[0].Begin <= c.rcvNxt {
			c.take(c.early[0])
			c.early = slices.Delete(c.early, 0, 1)
		}
		if c.Bulk == access.Drain {
			c.rcvBuf = c.rcvBuf[:0]
			c.progress()
		}
		c.owner.Arrived()
		c.ackSoon(hole)
	}
}

// take appends what is new of a piece whose turn has come.
func (r *receiver) take(p piece) {
	if p.End <= r.rcvNxt {
		return
	}
	if skip := r.rcvNxt - p.Begin; skip < int64(len(p.data)) {
		if r.rcvRead > 0 && len(r.rcvBuf)+len(p.data) > cap(r.rcvBuf) {
			r.rcvBuf = r.rcvBuf[:copy(r.rcvBuf, r.rcvBuf[r.rcvRead:])]
			r.rcvRead = 0
		}
		r.rcvBuf = append(r.rcvBuf, p.data[skip:]...)
	}
	r.rcvNxt = p.End
	r.finRcvd = r.finRcvd || p.fin
}

// keepEarly keeps a segment that came before its turn.
func (c *Conn) keepEarly(s *Segment) {
	c.latest = s.Seq
	i, _ := slices.BinarySearchFunc(c.early, s.Seq, func(p piece, seq int64) int { return int(p.Begin - seq) })
	if i < len(c.early) && c.early[i].Begin == s.Seq && c.early[i].End >= s.End() {
		c.again = Span{s.Seq, s.End()}
		return
	}
	c.early = slices.Insert(c.early, i, piece{Span{s.Seq, s.End()}, s.Data, s.Flags.Has(fin)})
}

// blocks reports what has come early: first a repetition, if there was one, then
// the block that changed last, then others.
func (r *receiver) blocks(s *Segment) {
	add := func(b Span) {
		if s.SACKs < mostSACK {
			s.SACK[s.SACKs] = b
			s.SACKs++
		}
	}
	if r.again.End > r.again.Begin {
		add(r.again)
		r.again = Span{}
	}
	if len(r.early) == 0 {
		return
	}
	var merged []Span
	for _, p := range r.early {
		if k := len(merged); k > 0 && merged[k-1].End >= p.Begin {
			merged[k-1].End = max(merged[k-1].End, p.End)
		} else {
			merged = append(merged, p.Span)
		}
	}
	newest := func(b Span) bool { return b.Begin <= r.latest && r.latest < b.End }
	for _, b := range merged {
		if newest(b) {
			add(b)
		}
	}
	for _, b := range slices.Backward(merged) {
		if !newest(b) {
			add(b)
		}
	}
}

// ackSoon acknowledges new data at once or later, as Linux would.
func (c *Conn) ackSoon(hole bool) {
	if !hole && c.acks.Waits(c.rcvNxt-c.lastAcked, c.largest, c.finRcvd, c.finSent) {
		c.ackLater()
		return
	}
	c.ackNow()
}

func (c *Conn) ackLater() {
	if c.ackAt == access.Never {
		c.ackAt = c.ends(access.AckDelay)
	}
}

func (c *Conn) ackNow() { c.emit(ack, c.nxt, nil) }

func (c *Conn) emit(f access.Flags, seq int64, data []byte) {
	s := Segment{Flags: f, Seq: seq, Data: data, Stamp: c.now, Window: c.offer()}
	if f.Has(ack) {
		s.Ack, s.Echo = c.rcvNxt, c.recent
		if !f.Has(syn | rst) {
			c.blocks(&s)
		}
		c.acked(&s)
	}
	c.owner.Send(s)
}

// acked notes that an acknowledgement goes with s.
func (c *Conn) acked(s *Segment) {
	c.ackAt = access.Never
	if s.Ack > c.lastAcked {
		c.lastAcked = s.Ack
		if c.largest > 0 {
			c.acks.Acked(c.now)
		}
	}
	if len(s.Data) > 0 {
		c.acks.Sent(c.now)
	}
}
