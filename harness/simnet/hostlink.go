package simnet

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
	"github.com/onebar/onebar/harness/simnet/tcp"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// hostLink is one link between two hosts, both directions. That of a client and the
// server has the client at its near end, with the NAT before it.
type hostLink struct {
	*access.Link[*host, *flow]
	n *Network
}

// flow is one connection, or the datagrams between two ports, as the link sees
// them.
type flow struct {
	access.Flow
	link *hostLink
	ends int // sockets that have it
}

// flight is a packet on its way, over a link or, if it has no flow, within a host.
type flight struct {
	access.Event
	n        *Network
	host     *host // that it is for
	flow     *flow
	from, to wire.Addr
	fate     link.Fate
	report   harness.Packet
	seg      tcp.Segment
	message  *message // in place of seg: a datagram or an error of ICMP
	offset   int      // of a fragment in its datagram
}

func newHostLink(g *access.Group, near, far *host) *hostLink {
	l := &hostLink{access.NewLink[*flow](near.n.seed, g, near, far), near.n}
	l.Lose = near.n.lose
	return l
}

// begin numbers a new flow of a protocol that the near end has at one address and the far
// end at another.
func (l *hostLink) begin(protocol uint16, near, far wire.Addr) *flow {
	f := &flow{Flow: access.Flow{Tuple: tuple(protocol, near, far)}, link: l}
	l.Begin(f)
	return f
}

func tuple(protocol uint16, near, far wire.Addr) access.Tuple {
	return access.Tuple{Near: near.IP, Far: far.IP, Protocol: protocol, NearPort: near.Port, FarPort: far.Port}
}

// join and leave count the sockets at the ends of a flow.
func (f *flow) join() { f.ends++ }

func (f *flow) leave() {
	if f.ends--; f.ends == 0 {
		f.link.Leave(f)
	}
}

// send puts a segment of flow f onto the link in direction d.
func (l *hostLink) send(d harness.Direction, f *flow, fl *flight) {
	l.offer(d, f, fl, access.IPHeader+fl.seg.Size(), l.Observe(f, d, fl.seg.Link()))
}

// offer asks the link for the fate of a packet, and lets it fly.
func (l *hostLink) offer(d harness.Direction, f *flow, fl *flight, size int, again bool) {
	fl.host, fl.flow = l.Far, f
	if d == harness.Down {
		fl.host = l.Near
	}
	fl.report = harness.Packet{At: l.n.loop.At(), Direction: d, Size: size, Retransmit: again}
	fl.fate = l.Offer(f, &fl.report)
	l.capture(d, f, fl)
	if fl.fate.Drop != harness.DropNone {
		if fl.fate.Drop == harness.DropMTU && !l.Path(d).MTUBlackhole {
			l.tooBig(fl, l.Path(d).MTU)
		}
		fl.land()
		return
	}
	if fl.fate.Copy > 0 {
		twin := l.n.flight()
		run := twin.Run
		*twin = *fl
		twin.Run = run
		twin.fate.Arrive, twin.report.Copy = fl.fate.Copy, true
		l.n.loop.Push(&twin.Event, twin.fate.Arrive)
	}
	l.n.loop.Push(&fl.Event, fl.fate.Arrive)
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
			if late := n.loop.At() - fl.fate.Arrive; late > slot {
				r.Delay, r.Late = r.Delay+late, late
			}
		}
		n.tell(fl.flow.link.Group, r)
	}
	if r.Drop == harness.DropNone && !r.Corrupt {
		fl.host.receive(fl)
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
	fl.Run = fl.land
	return fl
}

func (n *Network) recycle(fl *flight) {
	fl.flow, fl.seg, fl.message, fl.offset, fl.report = nil, tcp.Segment{}, nil, 0, harness.Packet{}
	n.flights = append(n.flights, fl)
}

// tell passes on what happened to a packet of a link.
func (n *Network) tell(g *access.Group, r *harness.Packet) {
	g.Count(r)
	if n.sink != nil {
		n.sink.Packet(*r)
	}
}
