package packet

import (
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/linuxtcp"
	"github.com/onebar/onebar/harness/packet/segment"
)

// hostLink is one link between two hosts: both directions, and the connections on it.
// That of a client and the server has the client at its near end.
type hostLink struct {
	n *Network

	// mu covers everything below, and is never held while a packet is handed
	// to a stack.
	mu sync.Mutex
	*access.Link[*host, *linuxtcp.Flow]
	up   way
	down way
}

// way is one direction of a hostLink.
type way struct {
	dir     harness.Direction
	pieces  map[uint16]access.Tuple // of the datagrams under way in fragments, by id
	to      *host                   // where it leads
	waiting atomic.Int64            // flights in the queue
	landing bool                    // a flight that arrived at once is being handed over; under hostLink.mu
	behind  []*flight               // those that arrived at once meanwhile; under hostLink.mu
}

type flight struct {
	link   *hostLink
	way    *way
	flow   *linuxtcp.Flow
	pkt    *stack.PacketBuffer
	seg    segment.Segment
	arrive time.Duration
	report harness.Packet
}

// newHostLink makes a link between two hosts that have stacks. The caller holds n.mu, if
// the network is in use.
func newHostLink(g *access.Group, near, far *host) *hostLink {
	l := &hostLink{n: near.n, Link: access.NewLink[*linuxtcp.Flow](near.n.seed, g, near, far)}
	l.up.dir, l.down.dir = harness.Up, harness.Down
	l.up.to, l.down.to = far, near
	return l
}

func (l *hostLink) way(d harness.Direction) *way {
	if d == harness.Up {
		return &l.up
	}
	return &l.down
}

// send takes a packet from the stack at the beginning of direction d. It
// borrows p.
func (l *hostLink) send(d harness.Direction, p *stack.PacketBuffer) {
	s, pkt := segment.Parse(p, d), segment.Copy(p)
	if s.Stamped {
		l.mu.Lock()
		changed := l.flow(d, s).Mend(d, &s, l.n.now())
		l.mu.Unlock()
		if changed {
			pkt = segment.Restamp(pkt, s.Stamp, s.Echo)
		}
	}
	l.enter(d, s, pkt)
}

// enter puts a packet on the link, or holds it back if it is an acknowledgement
// that can wait. It takes over pkt.
func (l *hostLink) enter(d harness.Direction, s segment.Segment, pkt *stack.PacketBuffer) {
	l.mu.Lock()
	if s.Later || s.More {
		s.Tuple = l.way(d).piece(s)
	}
	f := l.flow(d, s)
	var fl *flight
	held, due := false, time.Duration(0)
	if d == harness.Down || l.Near.tunnel.Load() == nil { // a kernel outside delays its acknowledgements itself
		held, due = f.Hold(d, s, pkt, l.n.now())
	}
	if !held {
		fl = l.offer(d, f, s, pkt)
	} else if due > 0 {
		l.n.queue.Push(due, func() { l.ackDue(d, f) })
	}
	l.mu.Unlock()
	l.landAtOnce(fl)
}

// ackDue sends the acknowledgement that f's sender of direction d has held for
// long enough.
func (l *hostLink) ackDue(d harness.Direction, f *linuxtcp.Flow) {
	if l.n.stopped.Load() { // Close drops what is held
		return
	}
	l.mu.Lock()
	var fl *flight
	s, pkt, again := f.Due(d, l.n.now())
	switch {
	case again > 0:
		l.n.queue.Push(again, func() { l.ackDue(d, f) })
	case pkt != nil:
		fl = l.offer(d, f, s, pkt)
	}
	l.mu.Unlock()
	l.landAtOnce(fl)
}

// landAtOnce lands what offer returned, and after it what arrived at once
// meanwhile: several goroutines send, and the one that goes first may be the last
// to get a processor.
func (l *hostLink) landAtOnce(fl *flight) {
	if fl != nil && fl.report.Drop != harness.DropNone {
		l.n.land(fl) // its end: it is in nobody's way
		return
	}
	for fl != nil {
		l.n.land(fl)
		fl = l.next(fl.way)
	}
}

// next returns the flight that lands after one that arrived at once.
func (l *hostLink) next(w *way) *flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(w.behind) == 0 {
		w.landing = false
		return nil
	}
	fl := w.behind[0]
	w.behind = w.behind[1:]
	return fl
}

// offer gives a packet to the link. It returns the flight if its end is known
// already: lost, or arrived at once with none before it that is still being handed
// over. Otherwise it is in the queue, as is the copy the link may have made.
func (l *hostLink) offer(d harness.Direction, f *linuxtcp.Flow, s segment.Segment, pkt *stack.PacketBuffer) *flight {
	w, now := l.way(d), l.n.now()
	f.Offer(d, s, now)
	fl := &flight{link: l, way: w, flow: f, pkt: pkt, seg: s}
	fl.report = harness.Packet{At: now, Direction: d, Size: s.Size, Retransmit: l.Observe(f, d, s.Segment)}
	if l.n.capture != nil && l.Group.Name == "" {
		l.n.capture.Capture(now, l.Near.Client, d, segment.Bytes(pkt))
	}
	fate := l.Offer(f, &fl.report)
	fl.arrive = fate.Arrive
	if fate.Drop != harness.DropNone {
		if fate.Drop == harness.DropMTU && !l.Path(d).MTUBlackhole {
			l.tooBig(d, s, pkt)
		}
		return fl
	}
	if fate.Corrupt != 0 {
		fl.pkt = segment.Flip(fl.pkt, fate.Corrupt)
	}
	if fate.Copy > 0 {
		twin := *fl
		twin.pkt = segment.Copy(fl.pkt)
		twin.arrive, twin.report.Copy = fate.Copy, true
		w.later(&twin)
	}
	switch {
	case fate.Arrive > now || w.waiting.Load() > 0:
		w.later(fl)
	case w.landing:
		w.behind = append(w.behind, fl)
	default:
		w.landing = true
		return fl
	}
	return nil
}

func (w *way) later(fl *flight) {
	w.waiting.Add(1)
	fl.link.n.queue.Push(fl.arrive, func() {
		fl.link.n.land(fl)
		w.waiting.Add(-1)
	})
}

// piece finds the tuple of a fragment. The fragments of a datagram come in order,
// each datagram with an id of its own.
func (w *way) piece(s segment.Segment) access.Tuple {
	if s.Later {
		s.Tuple = w.pieces[s.ID]
	}
	if s.More {
		if w.pieces == nil {
			w.pieces = make(map[uint16]access.Tuple)
		}
		w.pieces[s.ID] = s.Tuple
	} else {
		delete(w.pieces, s.ID)
	}
	return s.Tuple
}

// flow finds the connection of s, or numbers a new one.
func (l *hostLink) flow(d harness.Direction, s segment.Segment) *linuxtcp.Flow {
	if f := l.Flow(s.Tuple); f != nil {
		if h := f.Half(d); !s.Opens() || !h.Started || h.First == s.Seq {
			return f
		}
		f.Release()
	}
	f := linuxtcp.NewFlow(s.Tuple)
	f.Cross = l.isCross(s.Tuple)
	l.Begin(f)
	return f
}

func (l *hostLink) locked(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// release frees what is held back, after the stacks have ended. The caller holds l.mu.
func (l *hostLink) release() {
	for f := range l.Flows() {
		f.Release()
	}
}

// refuse answers a request for a connection with a reset, as a host does that
// does not listen. It reports whether it is the first answer to it.
func (l *hostLink) refuse(fl *flight) (first bool) {
	l.locked(func() { first, fl.flow.Refused = !fl.flow.Refused, true })
	s, pkt := segment.Refuse(fl.way.dir, fl.seg)
	l.enter(access.Opposite(fl.way.dir), s, pkt)
	return first
}

// tooBig tells the sender of a packet that went in direction d that the path
// carries smaller ones only. The answer crosses the link like any other packet, is
// counted, and may be lost. It borrows pkt; the caller holds l.mu.
func (l *hostLink) tooBig(d harness.Direction, s segment.Segment, pkt *stack.PacketBuffer) {
	// The sender holds the lock of its connection now, which the answer needs.
	if s, answer := segment.TooBig(s, pkt, l.Path(d).MTU); answer != nil {
		l.n.queue.Push(l.n.now(), func() { l.enter(access.Opposite(d), s, answer) })
	}
}

// hear is told of a packet that arrives, and returns it as the stack is to see
// it. It takes over fl.pkt.
func (l *hostLink) hear(fl *flight) *stack.PacketBuffer {
	s := fl.seg
	if !s.Stamped || fl.report.Corrupt {
		return fl.pkt
	}
	l.mu.Lock()
	echo, ok := fl.flow.Hear(fl.way.dir, s, l.n.now())
	l.mu.Unlock()
	if !ok {
		return fl.pkt
	}
	return segment.Restamp(fl.pkt, s.Stamp, echo)
}
