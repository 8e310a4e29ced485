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
	"github.com/onebar/onebar/harness/link"
)

// bearer is one link between two hosts: both directions, and the connections on it.
// That of a client and the server has the client at its near end.
type bearer struct {
	group *access.Group[*bearer] // that are impaired as this one is
	n     *Network
	near  *host
	far   *host

	// mu covers everything below, and is never held while a packet is handed
	// to a stack.
	mu    sync.Mutex
	flows map[tuple]*flow
	count uint64 // flows so far
	up    way
	down  way

	retired map[[4]byte]bool // addresses the client had before
	dark    bool             // an end is without power
}

// way is one direction of a bearer.
type way struct {
	dir     harness.Direction
	link    *link.Link
	path    harness.Path
	pieces  map[uint16]tuple // of the datagrams under way in fragments, by id
	to      *card            // the card of the host it leads to
	offered int64            // packets so far; under bearer.mu
	waiting atomic.Int64     // flights in the queue
	landing bool             // a flight that arrived at once is being handed over; under bearer.mu
	behind  []*flight        // those that arrived at once meanwhile; under bearer.mu
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
func newBearer(g *access.Group[*bearer], near, far *host) *bearer {
	b := &bearer{group: g, n: near.n, near: near, far: far, flows: make(map[tuple]*flow), dark: near.Dark() || far.Dark()}
	b.up.dir, b.down.dir = harness.Up, harness.Down
	b.up.to, b.down.to = far.card, near.card
	for _, w := range []*way{&b.up, &b.down} {
		w.path = g.Profile.Path(w.dir)
		w.link = link.New(b.n.seed, link.ID{Client: b.client(), Link: b.group.Name, Direction: w.dir}, w.path)
	}
	b.block()
	return b
}

// client is the number of the client whose access link it is, 0 if it is none.
func (b *bearer) client() int {
	if b.group.Name != "" {
		return 0
	}
	return b.near.Client
}

// Ends implements access.Linked.
func (b *bearer) Ends() (near, far *host) { return b.near, b.far }

// from is the direction of what a host at one of its ends sends.
func (b *bearer) from(h *host) harness.Direction {
	if h == b.near {
		return harness.Up
	}
	return harness.Down
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
		s.tuple = b.way(d).piece(s)
	}
	f := b.flow(d, s)
	mine, peer := f.half(d), f.half(opposite(d))
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
		h.armed, h.held, h.answers = false, nil, 0 // it did not answer in time
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
	w.offered++
	fl := &flight{b: b, way: w, flow: f, pkt: pkt, seg: s}
	fl.report = harness.Packet{
		At: now, Link: b.group.Name, Client: b.client(), Flow: int(f.id), N: w.offered, Direction: d, Size: s.size,
		Retransmit: h.note(s, f.half(opposite(d)), now), Cross: f.cross,
	}
	f.note(s, now)
	b.capture(now, d, pkt)
	fate := b.fate(d, f, link.Key{Flow: f.id, Ordinal: h.ordinal}, fl.report)
	fl.report.Drop, fl.arrive = fate.Drop, fate.Arrive
	if fate.Drop != harness.DropNone {
		if fate.Drop == harness.DropMTU && !w.path.MTUBlackhole {
			b.tooBig(d, f, pkt)
		}
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

// fate asks the link. A packet of the near end that does not arrive because of the NAT,
// or because a host is without power, has crossed the link; one of the far end has not.
func (b *bearer) fate(d harness.Direction, f *flow, k link.Key, p harness.Packet) link.Fate {
	cut := b.dark || f.forgotten || f.vanished > 0
	if cut && d == harness.Down {
		return link.Fate{Drop: harness.DropNAT}
	}
	fate := b.way(d).link.Send(p.At, k, p.Size)
	if cut && fate.Drop == harness.DropNone {
		fate = link.Fate{Drop: harness.DropNAT}
	}
	return fate
}

// capture shows a packet that is being offered to whoever records them.
func (b *bearer) capture(now time.Duration, d harness.Direction, pkt *stack.PacketBuffer) {
	if b.n.capture == nil || b.group.Name != "" {
		return
	}
	payload := pkt.ToBuffer()
	b.n.capture.Capture(now, b.client(), d, payload.Flatten())
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
func (w *way) piece(s segment) tuple {
	if s.later {
		s.tuple = w.pieces[s.id]
	}
	if s.more {
		if w.pieces == nil {
			w.pieces = make(map[uint16]tuple)
		}
		w.pieces[s.id] = s.tuple
	} else {
		delete(w.pieces, s.id)
	}
	return s.tuple
}

// flow finds the connection of s, or numbers a new one.
func (b *bearer) flow(d harness.Direction, s segment) *flow {
	f := b.flows[s.tuple]
	if f != nil {
		h := f.half(d)
		if !s.opens() || !h.started || h.isn == s.seq {
			if s.opens() && d == harness.Up {
				f.forgotten = b.retired[s.client] // a SYN makes the NAT know it anew
			}
			return f
		}
		f.up.release()
		f.down.release()
	}
	f = &flow{tuple: s.tuple, forgotten: b.retired[s.client], cross: b.isCross(s.tuple)}
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
	for _, w := range []*way{&b.up, &b.down} {
		w.path = p.Path(w.dir)
		w.link.Set(w.path)
	}
}

// block begins and ends outages, as its group has them.
func (b *bearer) block() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up.link.Block(b.group.Blocked(harness.Up))
	b.down.link.Block(b.group.Blocked(harness.Down))
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
	b.enter(back, s, encode(back, s))
	return first
}

func opposite(d harness.Direction) harness.Direction {
	if d == harness.Up {
		return harness.Down
	}
	return harness.Up
}
