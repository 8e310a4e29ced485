package packet

import (
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// hostLink is one link between two hosts: both directions, and the connections on it.
// That of a client and the server has the client at its near end.
type hostLink struct {
	n *Network

	// mu covers everything below, and is never held while a packet is handed
	// to a stack.
	mu sync.Mutex
	*access.Link[*host, *flow]
	up   way
	down way
}

// way is one direction of a hostLink.
type way struct {
	dir     harness.Direction
	pieces  map[uint16]access.Tuple // of the datagrams under way in fragments, by id
	to      *card                   // the card of the host it leads to
	waiting atomic.Int64            // flights in the queue
	landing bool                    // a flight that arrived at once is being handed over; under hostLink.mu
	behind  []*flight               // those that arrived at once meanwhile; under hostLink.mu
}

// flight is a packet on its way.
type flight struct {
	link   *hostLink
	way    *way
	flow   *flow
	pkt    *stack.PacketBuffer
	seg    segment
	arrive time.Duration
	report harness.Packet
}

// newHostLink makes a link between two hosts that have cards. The caller holds n.mu, if
// the network is in use.
func newHostLink(g *access.Group, near, far *host) *hostLink {
	l := &hostLink{n: near.n, Link: access.NewLink[*flow](near.n.seed, g, near, far)}
	l.up.dir, l.down.dir = harness.Up, harness.Down
	l.up.to, l.down.to = far.card, near.card
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
	s, payload := parse(p, d), p.ToBuffer()
	if s.stamped {
		l.mu.Lock()
		payload = l.flow(d, s).mend(d, &s, payload, l.n.now())
		l.mu.Unlock()
	}
	l.enter(d, s, stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: payload}))
}

// enter puts a packet on the link, or holds it back if it is an acknowledgement
// that can wait. It takes over pkt.
func (l *hostLink) enter(d harness.Direction, s segment, pkt *stack.PacketBuffer) {
	l.mu.Lock()
	if s.later || s.more {
		s.Tuple = l.way(d).piece(s)
	}
	f := l.flow(d, s)
	mine, peer := f.half(d), f.half(access.Opposite(d))
	if !s.foreign && mine.delays(s, peer) {
		mine.hold(pkt, s, l.n.now())
		if !mine.armed {
			mine.armed = true
			l.n.queue.Push(mine.due, func() { l.ackDue(d, f) })
		}
		l.mu.Unlock()
		return
	}
	if s.flags != 0 { // TCP
		mine.release()
	}
	fl := l.offer(d, f, s, pkt)
	l.mu.Unlock()
	l.landAtOnce(fl)
}

// ackDue sends the acknowledgement that f's sender of direction d has held for
// long enough.
func (l *hostLink) ackDue(d harness.Direction, f *flow) {
	l.mu.Lock()
	h := f.half(d)
	var fl *flight
	switch {
	case h.held == nil || l.n.stopped.Load():
		h.release()
		h.armed = false
	case h.due > l.n.now():
		l.n.queue.Push(h.due, func() { l.ackDue(d, f) })
	default:
		pkt := h.held
		h.armed, h.held = false, nil
		h.acks.Late()
		fl = l.offer(d, f, h.heldSeg, pkt)
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
func (l *hostLink) offer(d harness.Direction, f *flow, s segment, pkt *stack.PacketBuffer) *flight {
	w, h, now := l.way(d), f.half(d), l.n.now()
	h.noteAck(s, f.half(access.Opposite(d)), now)
	fl := &flight{link: l, way: w, flow: f, pkt: pkt, seg: s}
	fl.report = harness.Packet{At: now, Direction: d, Size: s.size, Retransmit: l.Observe(f, d, s.tcp())}
	l.capture(now, d, pkt)
	fate := l.Offer(f, &fl.report)
	fl.arrive = fate.Arrive
	if fate.Drop != harness.DropNone {
		if fate.Drop == harness.DropMTU && !l.Path(d).MTUBlackhole {
			l.tooBig(d, f, pkt)
		}
		return fl
	}
	if fate.Corrupt != 0 {
		fl.pkt = flip(fl.pkt, fate.Corrupt)
	}
	if fate.Copy > 0 {
		twin := *fl
		twin.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: fl.pkt.ToBuffer()})
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

// capture shows a packet that is being offered to whoever records them.
func (l *hostLink) capture(now time.Duration, d harness.Direction, pkt *stack.PacketBuffer) {
	if l.n.capture == nil || l.Group.Name != "" {
		return
	}
	payload := pkt.ToBuffer()
	l.n.capture.Capture(now, l.Near.Client, d, payload.Flatten())
	payload.Release()
}

// later puts a flight into the queue.
func (w *way) later(fl *flight) {
	w.waiting.Add(1)
	fl.link.n.queue.Push(fl.arrive, func() {
		fl.link.n.land(fl)
		w.waiting.Add(-1)
	})
}

// flip returns p with one bit flipped: bit n modulo their number, as link.Fate
// says. It takes over p.
func flip(p *stack.PacketBuffer, n uint64) *stack.PacketBuffer {
	payload := p.ToBuffer()
	raw := payload.Flatten()
	payload.Release()
	p.DecRef()
	n %= uint64(len(raw)) * 8
	raw[n/8] ^= 1 << (n % 8)
	return stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(raw)})
}

// piece finds the tuple of a fragment. The fragments of a datagram come in order,
// each datagram with an id of its own.
func (w *way) piece(s segment) access.Tuple {
	if s.later {
		s.Tuple = w.pieces[s.id]
	}
	if s.more {
		if w.pieces == nil {
			w.pieces = make(map[uint16]access.Tuple)
		}
		w.pieces[s.id] = s.Tuple
	} else {
		delete(w.pieces, s.id)
	}
	return s.Tuple
}

// flow finds the connection of s, or numbers a new one.
func (l *hostLink) flow(d harness.Direction, s segment) *flow {
	if f := l.Flow(s.Tuple); f != nil {
		if h := f.half(d); !s.tcp().Opens() || !h.Started || h.First == s.seq {
			return f
		}
		f.up.release()
		f.down.release()
	}
	f := newFlow(s.Tuple)
	f.Cross = l.isCross(s.Tuple)
	l.Begin(f)
	return f
}

// set replaces the profile.
func (l *hostLink) set(p harness.Profile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Set(p)
}

// block begins and ends outages, as its group has them.
func (l *hostLink) block() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Block()
}

// release frees what is held back, after the stacks have ended.
func (l *hostLink) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := range l.Flows() {
		f.up.release()
		f.down.release()
	}
}

// refuse answers a request for a connection with a reset, as a host does that
// does not listen. It reports whether it is the first answer to it.
func (l *hostLink) refuse(fl *flight) (first bool) {
	back := access.Opposite(fl.way.dir)
	l.mu.Lock()
	asked := fl.flow.half(fl.way.dir).First
	first = !fl.flow.Refused
	fl.flow.Refused = true
	l.mu.Unlock()
	s := segment{
		Tuple: fl.flow.Tuple, ack: asked + 1, flags: header.TCPFlagRst | header.TCPFlagAck,
		header: header.TCPMinimumSize, size: header.IPv4MinimumSize + header.TCPMinimumSize,
	}
	l.enter(back, s, encode(back, s))
	return first
}
