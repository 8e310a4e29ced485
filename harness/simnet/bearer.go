package simnet

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
)

// bearer is one link between two hosts, both directions. That of a client and the
// server has the client at its near end, with the NAT before it.
type bearer struct {
	group *access.Group[*bearer] // that are impaired as this one is
	n     *Network
	near  *host
	far   *host
	up    way
	down  way
	flows []*flow // those with a socket at one end at least, in order of appearance
	count uint64  // flows so far

	retired map[[4]byte]bool // addresses that the client had before
}

// way is one direction of a bearer.
type way struct {
	dir     harness.Direction
	link    *link.Link
	path    harness.Path
	offered int64 // packets so far
	to      *host
}

// flow is one connection, or the datagrams between two ports, as the link sees
// them.
type flow struct {
	id       uint64
	bearer   *bearer
	client   [4]byte // address of the near end
	ends     int     // sockets that have it
	cross    bool
	datagram bool
	ports    [2]uint16 // of datagrams: of the near and of the far end
	refused  bool
	reset    bool
	last     time.Duration // when its last packet was offered
	up, down half

	forgotten bool // the NAT has
	vanished  int  // faults in force that keep its packets from arriving
}

// half is what one end of a flow has sent.
type half struct {
	ordinal  uint64 // packets offered to the link
	syn, fin bool
}

func (f *flow) half(d harness.Direction) *half {
	if d == harness.Up {
		return &f.up
	}
	return &f.down
}

// flight is a packet on its way, over a link or, if it has no flow, within a host.
type flight struct {
	event
	n       *Network
	to      *host
	flow    *flow
	fate    link.Fate
	report  harness.Packet
	seg     segment
	message *message // in place of seg: a datagram or an error of ICMP
	offset  int      // of a fragment in its datagram
}

func newBearer(g *access.Group[*bearer], near, far *host) *bearer {
	b := &bearer{group: g, n: near.n, near: near, far: far}
	b.up.dir, b.down.dir = harness.Up, harness.Down
	b.up.to, b.down.to = far, near
	for _, w := range b.ways() {
		w.path = g.Profile.Path(w.dir)
		w.link = link.New(b.n.seed, b.id(w.dir), w.path)
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

// id names one direction of it, for random draws.
func (b *bearer) id(d harness.Direction) link.ID {
	return link.ID{Client: b.client(), Link: b.group.Name, Direction: d}
}

// from is the direction of what a host at one of its ends sends.
func (b *bearer) from(h *host) harness.Direction {
	if h == b.near {
		return harness.Up
	}
	return harness.Down
}

func (b *bearer) ways() [2]*way { return [2]*way{&b.up, &b.down} }

func (b *bearer) way(d harness.Direction) *way {
	if d == harness.Up {
		return &b.up
	}
	return &b.down
}

// set takes over the profile of its links, block their outages.
func (b *bearer) set() {
	for _, w := range b.ways() {
		w.path = b.group.Profile.Path(w.dir)
		w.link.Set(w.path)
	}
}

func (b *bearer) block() {
	b.up.link.Block(b.group.Blocked(harness.Up))
	b.down.link.Block(b.group.Blocked(harness.Down))
}

// begin numbers a new flow of an address of the near end.
func (b *bearer) begin(address [4]byte) *flow {
	b.count++
	f := &flow{id: b.count, bearer: b, client: address, forgotten: b.retired[address]}
	b.flows = append(b.flows, f)
	return f
}

// join and leave count the sockets at the ends of a flow.
func (f *flow) join() { f.ends++ }

func (f *flow) leave() {
	if f.ends--; f.ends == 0 {
		if i := slices.Index(f.bearer.flows, f); i >= 0 {
			f.bearer.flows = slices.Delete(f.bearer.flows, i, i+1)
		}
	}
}

// open reports whether a NAT would think that the flow is in use.
func (f *flow) open(now time.Duration) bool {
	if f.datagram {
		return now-f.last <= datagramLife
	}
	return f.up.syn && f.down.syn && !f.reset && (!f.up.fin || !f.down.fin)
}

// note keeps what a NAT would know of a flow when it sees a segment.
func (f *flow) note(d harness.Direction, s *segment) {
	h := f.half(d)
	h.syn = h.syn || s.flags.has(syn)
	h.fin = h.fin || s.flags.has(fin)
	f.reset = f.reset || s.flags.has(rst)
	if s.opens() && d == harness.Up {
		f.forgotten = f.bearer.retired[s.from.ip] // a SYN makes the NAT know it anew
	}
}

// send puts a segment of flow f onto the link in direction d. Again is whether
// its sender has sent its first sequence number before.
func (b *bearer) send(d harness.Direction, f *flow, s *segment, again bool) {
	f.note(d, s)
	fl := b.n.flight()
	fl.seg = *s
	b.offer(d, f, fl, s.size(), again)
}

// offer asks the link for the fate of a packet, and lets it fly.
func (b *bearer) offer(d harness.Direction, f *flow, fl *flight, size int, again bool) {
	w, h, now := b.way(d), f.half(d), b.n.at
	w.offered++
	h.ordinal++
	f.last = now
	fl.to, fl.flow = w.to, f
	fl.report = harness.Packet{
		At: now, Link: b.group.Name, Client: b.client(), Flow: int(f.id), N: w.offered, Direction: d, Size: size,
		Retransmit: again, Cross: f.cross,
	}
	b.capture(d, f, fl)
	fl.fate = b.fate(f, link.Key{Flow: f.id, Ordinal: h.ordinal}, &fl.report)
	fl.report.Drop = fl.fate.Drop
	if fl.fate.Drop != harness.DropNone {
		if fl.fate.Drop == harness.DropMTU && !w.path.MTUBlackhole {
			b.tooBig(fl, w.path.MTU)
		}
		fl.land()
		return
	}
	fl.report.Corrupt = fl.fate.Corrupt != 0
	if fl.fate.Copy > 0 {
		twin := b.n.flight()
		run := twin.run
		*twin = *fl
		twin.run = run
		twin.fate.Arrive, twin.report.Copy = fl.fate.Copy, true
		b.n.push(&twin.event, twin.fate.Arrive)
	}
	b.n.push(&fl.event, fl.fate.Arrive)
}

// fate asks the link. A packet of the near end that does not arrive because of the NAT,
// or because a host is without power, has crossed the link; one of the far end has not.
func (b *bearer) fate(f *flow, k link.Key, p *harness.Packet) link.Fate {
	if b.n.lose != nil {
		if reason := b.n.lose(*p); reason != harness.DropNone {
			return link.Fate{Drop: reason}
		}
	}
	cut := b.near.Dark() || b.far.Dark() || f.forgotten || f.vanished > 0
	if cut && p.Direction == harness.Down {
		return link.Fate{Drop: harness.DropNAT}
	}
	fate := b.way(p.Direction).link.Send(p.At, k, p.Size)
	if cut && fate.Drop == harness.DropNone {
		fate = link.Fate{Drop: harness.DropNAT}
	}
	return fate
}

// slot is how much later than its time an event may be without anyone calling it
// late: events of one instant come a nanosecond after each other.
const slot = time.Microsecond

// land ends a flight: the packet arrives at the host it is for, or is counted as
// lost.
func (fl *flight) land() {
	n, r := fl.n, &fl.report
	if n.stopped && r.Drop == harness.DropNone {
		r.Drop = harness.DropStopped
	}
	if fl.flow != nil {
		if r.Drop == harness.DropNone {
			r.Delay = fl.fate.Arrive - r.At
			if late := n.at - fl.fate.Arrive; late > slot {
				r.Delay, r.Late = r.Delay+late, late
			}
		}
		n.tell(fl.flow.bearer.group, r)
	}
	if r.Drop == harness.DropNone && !r.Corrupt {
		fl.to.receive(fl)
	}
	n.recycle(fl)
}

// flight returns a flight for use. Its rank is the links'.
func (n *Network) flight() *flight {
	if k := len(n.flights); k > 0 {
		fl := n.flights[k-1]
		n.flights = n.flights[:k-1]
		return fl
	}
	fl := &flight{n: n}
	fl.run = fl.land
	return fl
}

func (n *Network) recycle(fl *flight) {
	fl.flow, fl.seg, fl.message, fl.offset, fl.report = nil, segment{}, nil, 0, harness.Packet{}
	n.flights = append(n.flights, fl)
}

// tell passes on what happened to a packet of a link.
func (n *Network) tell(g *access.Group[*bearer], r *harness.Packet) {
	g.Note(r)
	if n.sink != nil {
		n.sink.Packet(*r)
	}
}

func opposite(d harness.Direction) harness.Direction {
	if d == harness.Up {
		return harness.Down
	}
	return harness.Up
}
