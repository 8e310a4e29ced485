package packet

import (
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// bearer is the link of one client: both directions, and the connections on it.
type bearer struct {
	n      *Network
	client int

	// mu covers everything below, and is never held while a packet is handed
	// to a stack.
	mu    sync.Mutex
	flows map[tuple]*flow
	count uint64 // flows so far
	up    way
	down  way
}

// way is one direction of a bearer.
type way struct {
	dir     harness.Direction
	link    *link.Link
	to      *card        // the card of the host it leads to
	offered int64        // packets so far; under bearer.mu
	waiting atomic.Int64 // flights in the queue
}

// flight is a packet on its way.
type flight struct {
	b      *bearer
	way    *way
	flow   *flow
	pkt    *stack.PacketBuffer
	syn    bool // it asks for a connection
	arrive time.Duration
	report harness.Packet
}

func newBearer(n *Network, client int, profile harness.Profile) *bearer {
	b := &bearer{n: n, client: client, flows: make(map[tuple]*flow)}
	b.up.dir, b.down.dir = harness.Up, harness.Down
	for _, w := range []*way{&b.up, &b.down} {
		w.link = link.New(n.seed, link.ID{Client: client, Direction: w.dir}, profile.Path(w.dir))
	}
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
	if s.flags.Contains(header.TCPFlagSyn) {
		raw := payload.Flatten()
		payload.Release()
		b.mu.Lock()
		b.flow(d, s).restamp(d, s, raw, b.n.now())
		b.mu.Unlock()
		payload = buffer.MakeWithData(raw)
	}
	b.enter(d, s, stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: payload}))
}

// enter puts a packet on the link, or holds it back if it is an acknowledgement
// that can wait. It takes over pkt.
func (b *bearer) enter(d harness.Direction, s segment, pkt *stack.PacketBuffer) {
	b.mu.Lock()
	f := b.flow(d, s)
	mine, peer := f.half(d), f.half(opposite(d))
	if mine.delays(s, peer) {
		mine.hold(pkt, s, b.n.now())
		if !mine.armed {
			mine.armed = true
			b.n.queue.push(mine.due, func() { b.ackDue(d, f) })
		}
		b.mu.Unlock()
		return
	}
	mine.release()
	fl := b.offer(d, f, s, pkt)
	b.mu.Unlock()
	if fl != nil {
		b.n.land(fl)
	}
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
		h.armed, h.held, h.answers = false, nil, 0 // it did not answer in time
		fl = b.offer(d, f, h.heldSeg, pkt)
	}
	b.mu.Unlock()
	if fl != nil {
		b.n.land(fl)
	}
}

// offer gives a packet to the link. It returns the flight if its end is known
// already: lost, or arrived at once. Otherwise it is in the queue, as is the copy
// the link may have made.
func (b *bearer) offer(d harness.Direction, f *flow, s segment, pkt *stack.PacketBuffer) *flight {
	w, h, now := b.way(d), f.half(d), b.n.now()
	w.offered++
	fl := &flight{b: b, way: w, flow: f, pkt: pkt, syn: s.opens()}
	fl.report = harness.Packet{
		At: now, Client: b.client, Flow: int(f.id), N: w.offered, Direction: d, Size: s.size,
		Retransmit: h.note(s, f.half(opposite(d)), now),
	}
	fate := w.link.Send(now, link.Key{Flow: f.id, Ordinal: h.ordinal}, s.size)
	fl.report.Drop, fl.arrive = fate.Drop, fate.Arrive
	if fate.Drop != harness.DropNone {
		return fl
	}
	if fate.Corrupt != 0 {
		fl.pkt = flip(fl.pkt, fate.Corrupt)
		fl.report.Corrupt = true
	}
	if fate.Copy > 0 {
		twin := *fl
		twin.pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: fl.pkt.ToBuffer()})
		twin.arrive, twin.report.Copy = fate.Copy, true
		w.later(&twin)
	}
	if fate.Arrive <= now && w.waiting.Load() == 0 {
		return fl
	}
	w.later(fl)
	return nil
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

// flow finds the connection of s, or numbers a new one.
func (b *bearer) flow(d harness.Direction, s segment) *flow {
	f := b.flows[s.tuple]
	if f != nil {
		h := f.half(d)
		if !s.opens() || !h.started || h.isn == s.seq {
			return f
		}
		f.up.release()
		f.down.release()
	}
	f = &flow{tuple: s.tuple}
	if s.tuple != (tuple{}) {
		b.count++
		f.id = b.count
	}
	b.flows[s.tuple] = f
	return f
}

// set replaces the profile.
func (b *bearer) set(p harness.Profile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up.link.Set(p.Up)
	b.down.link.Set(p.Down)
}

// block begins and ends outages.
func (b *bearer) block(up, down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up.link.Block(up)
	b.down.link.Block(down)
}

// release frees what is held back, after the stacks have ended.
func (b *bearer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.flows {
		f.up.release()
		f.down.release()
	}
}

// refuse answers a request for a connection with a reset, as a host does that
// does not listen. It reports whether it is the first answer to it.
func (b *bearer) refuse(fl *flight) (first bool) {
	back := opposite(fl.way.dir)
	b.mu.Lock()
	asked := fl.flow.half(fl.way.dir).isn
	first = !fl.flow.refused
	fl.flow.refused = true
	b.mu.Unlock()
	s := segment{
		tuple: fl.flow.tuple, ack: asked + 1, flags: header.TCPFlagRst | header.TCPFlagAck,
		header: header.TCPMinimumSize, size: header.IPv4MinimumSize + header.TCPMinimumSize,
	}
	b.enter(back, s, b.n.encode(b.client, back, s))
	return first
}

func opposite(d harness.Direction) harness.Direction {
	if d == harness.Up {
		return harness.Down
	}
	return harness.Up
}
