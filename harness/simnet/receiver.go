package simnet

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// receiver is the half of an endpoint that gets data.
type receiver struct {
	rcvNxt   int64  // the next sequence number wanted
	rcvBuf   []byte // what the application has not read
	rcvRead  int    // of which this is read already
	capacity int64  // bytes it takes before the application reads
	finRcvd  bool
	early    []piece // what came before its turn, by sequence number, not overlapping what has

	recent    time.Duration // the timestamp to echo, TS.Recent of RFC 7323
	lastAcked int64         // the last acknowledgement sent
	promised  int64         // the end of the window offered
	latest    int64         // the sequence number of the last piece that came early
	again     span          // received twice, to be reported once (RFC 2883); empty if none

	acks        access.Acks
	ackAt       time.Duration // when a delayed acknowledgement goes
	largest     int           // payload of the peer's segments
	windowAsked bool
}

type piece struct {
	span
	data []byte
	fin  bool
}

// unread is how many bytes wait for the application.
func (r *receiver) unread() int { return len(r.rcvBuf) - r.rcvRead }

// offer is the window to advertise: it never shrinks.
func (r *receiver) offer() int64 {
	r.promised = max(r.promised, r.rcvNxt+max(0, r.capacity-int64(r.unread())))
	return r.promised - r.rcvNxt
}

// read hands data to the application, and reports whether the peer should be told
// that there is room again.
func (r *receiver) read(b []byte) (n int, update bool) {
	n = copy(b, r.rcvBuf[r.rcvRead:])
	r.rcvRead += n
	if r.rcvRead == len(r.rcvBuf) {
		r.rcvBuf, r.rcvRead = r.rcvBuf[:0], 0
	}
	left := r.promised - r.rcvNxt
	free := r.capacity - int64(r.unread())
	return n, left < r.capacity/2 && free >= 2*left && free >= min(r.capacity/2, maxSegment)
}

// dataIn takes the data or the end of a stream.
func (e *endpoint) dataIn(s *segment) {
	e.largest = max(e.largest, len(s.data))
	switch {
	case s.end() <= e.rcvNxt:
		e.again = span{s.seq, s.end()}
		e.acks.Repeated()
		e.ackNow()
	case s.seq >= max(e.promised, e.rcvNxt+1):
		e.ackNow() // beyond the window: it was a probe
	case s.seq > e.rcvNxt:
		e.keepEarly(s)
		e.ackNow()
	default:
		hole := len(e.early) > 0
		e.take(piece{span{s.seq, s.end()}, s.data, s.flags.Has(fin)})
		for len(e.early) > 0 && e.early[0].begin <= e.rcvNxt {
			e.take(e.early[0])
			e.early = slices.Delete(e.early, 0, 1)
		}
		if e.bulk == access.Drain {
			e.rcvBuf = e.rcvBuf[:0]
			e.progress()
		}
		e.notify()
		e.ackSoon(hole)
	}
}

// take appends what is new of a piece whose turn has come.
func (r *receiver) take(p piece) {
	if p.end <= r.rcvNxt {
		return
	}
	if skip := r.rcvNxt - p.begin; skip < int64(len(p.data)) {
		if r.rcvRead > 0 && len(r.rcvBuf)+len(p.data) > cap(r.rcvBuf) {
			r.rcvBuf = r.rcvBuf[:copy(r.rcvBuf, r.rcvBuf[r.rcvRead:])]
			r.rcvRead = 0
		}
		r.rcvBuf = append(r.rcvBuf, p.data[skip:]...)
	}
	r.rcvNxt = p.end
	r.finRcvd = r.finRcvd || p.fin
}

// keepEarly keeps a segment that came before its turn.
func (e *endpoint) keepEarly(s *segment) {
	e.latest = s.seq
	i, _ := slices.BinarySearchFunc(e.early, s.seq, func(p piece, seq int64) int { return int(p.begin - seq) })
	if i < len(e.early) && e.early[i].begin == s.seq && e.early[i].end >= s.end() {
		e.again = span{s.seq, s.end()}
		return
	}
	e.early = slices.Insert(e.early, i, piece{span{s.seq, s.end()}, s.data, s.flags.Has(fin)})
}

// blocks reports what has come early: first a repetition, if there was one, then
// the block that changed last, then others.
func (r *receiver) blocks(s *segment) {
	add := func(b span) {
		if s.sacks < mostSACK {
			s.sack[s.sacks] = b
			s.sacks++
		}
	}
	if r.again.end > r.again.begin {
		add(r.again)
		r.again = span{}
	}
	if len(r.early) == 0 {
		return
	}
	var merged []span
	for _, p := range r.early {
		if k := len(merged); k > 0 && merged[k-1].end >= p.begin {
			merged[k-1].end = max(merged[k-1].end, p.end)
		} else {
			merged = append(merged, p.span)
		}
	}
	newest := func(b span) bool { return b.begin <= r.latest && r.latest < b.end }
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
func (e *endpoint) ackSoon(hole bool) {
	if !hole && e.acks.Waits(e.rcvNxt-e.lastAcked, e.largest, e.finRcvd, e.finSent) {
		e.ackLater()
		return
	}
	e.ackNow()
}

func (e *endpoint) ackLater() {
	if e.ackAt == never {
		e.ackAt = e.host.ends(access.AckDelay)
	}
}

func (e *endpoint) ackNow() { e.emit(ack, e.nxt, nil) }

// emit sends a segment.
func (e *endpoint) emit(f flags, seq int64, data []byte) {
	s := segment{from: e.local, to: e.remote, flags: f, seq: seq, data: data, stamp: e.n.at}
	s.window = e.offer()
	if f.Has(ack) {
		s.ack, s.echo = e.rcvNxt, e.recent
		if !f.Has(syn | rst) {
			e.blocks(&s)
		}
		e.acked(&s)
	}
	e.host.transmit(e.flow, &s)
}

// acked notes that an acknowledgement goes with s.
func (e *endpoint) acked(s *segment) {
	e.ackAt = never
	if s.ack > e.lastAcked {
		e.lastAcked = s.ack
		if e.largest > 0 {
			e.acks.Acked(e.n.at)
		}
	}
	if len(s.data) > 0 {
		e.acks.Sent(e.n.at)
	}
}
