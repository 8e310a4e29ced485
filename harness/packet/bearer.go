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

// bearer is one link between two hosts: both directions, and the connections on it.
// That of a client and the server has the client at its near end.
type bearer struct {
	n *Network

	// mu covers everything below, and is never held while a packet is handed
	// to a stack.
	mu sync.Mutex
	*access.Link[*host, *flow]
	up   way
	down way
}

// way is one direction of a bearer.
type way struct {
	dir     harness.Direction
	pieces  map[uint16]access.Tuple // of the datagrams under way in fragments, by id
	to      *card                   // the card of the host it leads to
	waiting atomic.Int64            // flights in the queue
	landing bool                    // a flight that arrived at once is being handed over; under bearer.mu
	behind  []*flight               // those that arrived at once meanwhile; under bearer.mu
}

// flight is a packet on its way.
type flight struct {
	b      *bearer
	way    *way
	flow   *flow
	pkt    *stack.PacketBuffer
	seg    segment
	arrive time.Duration
	report harness.Packet
}

// newBearer makes a link between two hosts that have cards. The caller holds n.mu, if
// the network is in use.
func newBearer(g *access.Group, near, far *host) *bearer {
	b := &bearer{n: near.n, Link: access.NewLink[*flow](near.n.seed, g, near, far)}
	b.up.dir, b.down.dir = harness.Up, harness.Down
	b.up.to, b.down.to = far.card, near.card
	return b
}

func (b *bearer) way(d harness.Direction) *way {
	if d == harness.Up {
		return &b.up
	}
	return &b.down
}

// send takes a packet from the stack at the beginning of direction d. It
// borrows p.
func (b *bearer) send(d harness.Direction, p *stack.PacketBuffer) {
	s, payload := parse(p, d), p.ToBuffer()
	if s.stamped {
		b.mu.Lock()
		payload = b.flow(d, s).mend(d, &s, payload, b.n.now())
		b.mu.Unlock()
	}
	b.enter(d, s, stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: payload}))
}

// enter puts a packet on the link, or holds it back if it is an acknowledgement
// that can wait. It takes over pkt.
func (b *bearer) enter(d harness.Direction, s segment, pkt *stack.PacketBuffer) {
	b.mu.Lock()
	if s.later || s.more {
		s.Tuple = b.way(d).piece(s)
	}
	f := b.flow(d, s)
	mine, peer := f.half(d), f.half(access.Opposite(d))
	if !s.foreign && mine.delays(s, peer) {
		mine.hold(pkt, s, b.n.now())
		if !mine.armed {
			mine.armed = true
			b.n.queue.push(mine.due, func() { b.ackDue(d, f) })
		}
		b.mu.Unlock()
		return
	}
	if s.flags != 0 { // TCP
		mine.release()
	}
	fl := b.offer(d, f, s, pkt)
	b.mu.Unlock()
	b.landAtOnce(fl)
}

// ackDue sends the acknowledgement that f's sender of direction d has held for
// long enough.
func (b *bearer) ackDue(d harness.Direction, f *flow) {
	b.mu.Lock()
	h := f.half(d)
	var fl *flight
	switch {
	case h.held == nil || b.n.stopped.Load():
		h.release()
		h.armed = false
	case h.due > b.n.now():
		b.n.queue.push(h.due, func() { b.ackDue(d, f) })
	default:
		pkt := h.held
		h.armed, h.held = false, nil
		h.acks.Late()
		fl = b.offer(d, f, h.heldSeg, pkt)
	}
	b.mu.Unlock()
	b.landAtOnce(fl)
}

// landAtOnce lands what offer returned, and after it what arrived at once
// meanwhile: several goroutines send, and the one that goes first may be the last
// to get a processor.
func (b *bearer) landAtOnce(fl *flight) {
	if fl != nil && fl.report.Drop != harness.DropNone {
		b.n.land(fl) // its end: it is in nobody's way
		return
	}
	for fl != nil {
		b.n.land(fl)
		fl = b.next(fl.way)
	}
}

// next returns the flight that lands after one that arrived at once.
func (b *bearer) next(w *way) *flight {
	b.mu.Lock()
	defer b.mu.Unlock()
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
func (b *bearer) offer(d harness.Direction, f *flow, s segment, pkt *stack.PacketBuffer) *flight {
	w, h, now := b.way(d), f.half(d), b.n.now()
	h.noteAck(s, f.half(access.Opposite(d)), now)
	fl := &flight{b: b, way: w, flow: f, pkt: pkt, seg: s}
	fl.report = harness.Packet{At: now, Direction: d, Size: s.size, Retransmit: b.See(f, d, s.tcp())}
	b.capture(now, d, pkt)
	fate := b.Offer(f, &fl.report)
	fl.arrive = fate.Arrive
	if fate.Drop != harness.DropNone {
		if fate.Drop == harness.DropMTU && !b.Path(d).MTUBlackhole {
			b.tooBig(d, f, pkt)
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
func (b *bearer) capture(now time.Duration, d harness.Direction, pkt *stack.PacketBuffer) {
	if b.n.capture == nil || b.Group.Name != "" {
		return
	}
	payload := pkt.ToBuffer()
	b.n.capture.Capture(now, b.Near.Client, d, payload.Flatten())
	payload.Release()
}

// later puts a flight into the queue.
func (w *way) later(fl *flight) {
	w.waiting.Add(1)
	fl.b.n.queue.push(fl.arrive, func() {
		fl.b.n.land(fl)
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
func (b *bearer) flow(d harness.Direction, s segment) *flow {
	if f := b.Flow(s.Tuple); f != nil {
		if h := f.half(d); !s.tcp().Opens() || !h.Started || h.First == s.seq {
			return f
		}
		f.up.release()
		f.down.release()
	}
	f := newFlow(s.Tuple)
	f.Cross = b.isCross(s.Tuple)
	b.Begin(f)
	return f
}

// set replaces the profile.
func (b *bearer) set(p harness.Profile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Set(p)
}

// block begins and ends outages, as its group has them.
func (b *bearer) block() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Block()
}

// release frees what is held back, after the stacks have ended.
func (b *bearer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range b.Flows() {
		f.up.release()
		f.down.release()
	}
}

// refuse answers a request for a connection with a reset, as a host does that
// does not listen. It reports whether it is the first answer to it.
func (b *bearer) refuse(fl *flight) (first bool) {
	back := access.Opposite(fl.way.dir)
	b.mu.Lock()
	asked := fl.flow.half(fl.way.dir).First
	first = !fl.flow.Refused
	fl.flow.Refused = true
	b.mu.Unlock()
	s := segment{
		Tuple: fl.flow.Tuple, ack: asked + 1, flags: header.TCPFlagRst | header.TCPFlagAck,
		header: header.TCPMinimumSize, size: header.IPv4MinimumSize + header.TCPMinimumSize,
	}
	b.enter(back, s, encode(back, s))
	return first
}
