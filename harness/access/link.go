package access

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// Link is one link between two hosts, both directions, with the table of its flows. On an
// access link the client is at the near end, and a NAT is in the way: it forgets flows. F
// is a pointer to the engine's flow, which embeds Flow, H one to its host. Make a Link with
// NewLink. It is not safe for concurrent use.
type Link[H ends, F flows] struct {
	Group     *Group // that are impaired as this one is
	Near, Far H      // Up is the direction from near to far
	// Lose is NetworkConfig.Lose; nil loses none.
	Lose func(harness.Packet) harness.DropReason

	unpowered bool // an end is without power
	id        link.ID
	ways      [2]way
	table     map[Tuple]F
	count     uint64        // flows so far
	retired   map[Addr]bool // addresses that the client had before
}

// way is one direction of a Link.
type way struct {
	link    *link.Link
	path    harness.Path
	offered int64 // packets so far
}

// ends is pointers to an engine's host.
type ends interface {
	comparable
	number() int
	Unpowered() bool
}

// flows is pointers to an engine's flow.
type flows interface {
	comparable
	flow() *Flow
}

// NewLink returns a link of a group between two hosts.
func NewLink[F flows, H ends](seed uint64, g *Group, near, far H) *Link[H, F] {
	l := &Link[H, F]{Group: g, Near: near, Far: far, id: link.ID{Link: g.Name}, table: make(map[Tuple]F)}
	if g.Name == "" {
		l.id.Client = near.number()
	}
	l.UpdatePower()
	for _, d := range directions() {
		w := l.way(d)
		w.path = g.Profile.Path(d)
		w.link = link.New(seed, l.ID(d), w.path)
	}
	l.Block()
	return l
}

// Ends returns the two hosts.
func (l *Link[H, F]) Ends() (near, far H) { return l.Near, l.Far }

// From is the direction of what a host at one of its ends sends.
func (l *Link[H, F]) From(h H) harness.Direction {
	if h == l.Near {
		return harness.Up
	}
	return harness.Down
}

func directions() [2]harness.Direction { return [2]harness.Direction{harness.Up, harness.Down} }

// Opposite is the other direction.
func Opposite(d harness.Direction) harness.Direction {
	if d == harness.Up {
		return harness.Down
	}
	return harness.Up
}

func (l *Link[H, F]) way(d harness.Direction) *way { return &l.ways[d-harness.Up] }

// ID names direction d of the link, for random draws.
func (l *Link[H, F]) ID(d harness.Direction) link.ID {
	id := l.id
	id.Direction = d
	return id
}

// Path is what packets of direction d meet.
func (l *Link[H, F]) Path(d harness.Direction) *harness.Path { return &l.way(d).path }

// Set replaces the profile of packets offered from now on.
func (l *Link[H, F]) Set(p harness.Profile) {
	for _, d := range directions() {
		w := l.way(d)
		w.path = p.Path(d)
		w.link.Set(w.path)
	}
}

// Block begins or ends outages, as its group has them.
func (l *Link[H, F]) Block() {
	for _, d := range directions() {
		l.way(d).link.Block(l.Group.Blocked(d))
	}
}

// UpdatePower takes over whether the hosts at its ends have power.
func (l *Link[H, F]) UpdatePower() { l.unpowered = l.Near.Unpowered() || l.Far.Unpowered() }

// Offer gives a packet of flow f to the link and returns its fate. P has the packet's At,
// Direction, Size and Retransmit. Offer fills in the rest, except Delay, Late and Copy.
//
// A packet of the near end that does not arrive because of the NAT, or because a host is
// without power, has crossed the link; one of the far end has not.
func (l *Link[H, F]) Offer(f F, p *harness.Packet) (fate link.Fate) {
	w, state := l.way(p.Direction), f.flow()
	w.offered++
	state.last = p.At
	half := state.Half(p.Direction)
	half.Ordinal++
	p.Link, p.Client, p.Flow, p.N, p.Cross = l.id.Link, l.id.Client, int(state.ID), w.offered, state.Cross
	cut := l.unpowered || state.forgotten || state.vanished > 0
	if l.Lose != nil {
		fate.Drop = l.Lose(*p)
	}
	if cut && p.Direction == harness.Down && fate.Drop == harness.DropNone {
		fate.Drop = harness.DropNAT
	}
	if fate.Drop == harness.DropNone {
		fate = w.link.Send(p.At, link.Key{Flow: state.ID, Ordinal: half.Ordinal}, p.Size)
	}
	if cut && fate.Drop == harness.DropNone {
		fate = link.Fate{Drop: harness.DropNAT}
	}
	p.Drop, p.Corrupt = fate.Drop, fate.Corrupt != 0
	return fate
}
