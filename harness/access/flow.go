package access

import (
	"iter"
	"maps"
	"time"

	"github.com/onebar/onebar/harness"
)

// DatagramLife is how long a NAT remembers a flow of datagrams at least, RFC 4787 REQ-5.
const DatagramLife = 2 * time.Minute

// The numbers of protocols of IP.
const (
	ICMP = 1
	TCP  = 6
	UDP  = 17
)

// Tuple names a connection on a link. Datagrams between the same two ports are a
// connection, too. The zero Tuple is of packets that belong to none.
type Tuple struct {
	Near, Far         Addr
	Protocol          uint16 // of IP; two bytes, so that no byte of a Tuple is padding: maps hash it at once
	NearPort, FarPort uint16
}

// Flags are flags of TCP, as they are on the wire (RFC 9293).
type Flags uint8

// The flags.
const (
	Fin Flags = 1 << iota
	Syn
	Rst
	Psh
	Ack
)

// Has reports whether f has one of g.
func (f Flags) Has(g Flags) bool { return f&g != 0 }

// Segment is what a link reads in a TCP segment. Of another packet it is zero.
type Segment struct {
	Flags    Flags
	Seq, Ack uint32
	Payload  int // bytes
}

// Length is how many sequence numbers the segment takes.
func (s Segment) Length() uint32 {
	n := uint32(s.Payload)
	if s.Flags.Has(Syn) {
		n++
	}
	if s.Flags.Has(Fin) {
		n++
	}
	return n
}

// Opens reports whether the segment is the first of a connection.
func (s Segment) Opens() bool { return s.Flags&(Syn|Ack) == Syn }

// After reports whether sequence number a comes after b, modulo 2^32.
func After(a, b uint32) bool { return int32(a-b) > 0 }

// Flow is one connection as the link and the NAT see it.
type Flow struct {
	Tuple
	ID       uint64 // from 1 in order of appearance; 0 of packets that belong to none
	Cross    bool   // it is cross traffic
	Refused  bool   // its request for a connection has been refused
	Up, Down Half

	reset     bool          // it has ended by a reset
	last      time.Duration // when its last packet was offered
	forgotten bool          // the NAT has
	vanished  int           // faults in force that keep its packets from arriving
}

func (f *Flow) flow() *Flow { return f }

// Half returns what is known of the sender of direction d.
func (f *Flow) Half(d harness.Direction) *Half {
	if d == harness.Up {
		return &f.Up
	}
	return &f.Down
}

// Half is what one end of a flow has sent.
type Half struct {
	Ordinal  uint64 // packets offered to the link
	Started  bool   // it has sent a sequence number
	First    uint32 // sequence number of the first segment
	High     uint32 // the sequence number after the last one sent
	Fin      bool   // it has ended its stream; High counts the FIN
	Largest  int    // payload of a segment, bytes
	Repeated uint32 // the sequence number after its last retransmission
}

// Restart is another end taking the place of the one before: its sequence numbers begin
// anew.
func (h *Half) Restart() { *h = Half{Ordinal: h.Ordinal} }

// Observe takes a segment about to be offered to the link and reports whether its sender has
// sent its first sequence number before. Acknowledgements, keepalive probes and probes of
// a closed window take no sequence number and are never retransmissions.
func (h *Half) Observe(s Segment) (retransmit bool) {
	n := s.Length()
	if n == 0 {
		return false
	}
	if !h.Started {
		h.Started, h.First, h.High, h.Repeated = true, s.Seq, s.Seq, s.Seq
	}
	if retransmit = After(h.High, s.Seq); retransmit {
		h.Repeated = s.Seq + n
	}
	if After(s.Seq+n, h.High) {
		h.High = s.Seq + n
		h.Fin = h.Fin || s.Flags.Has(Fin)
	}
	h.Largest = max(h.Largest, s.Payload)
	return retransmit
}

// open reports whether a NAT would think that the flow is in use.
func (f *Flow) open(now time.Duration) bool {
	switch f.Protocol {
	case TCP:
		return f.Up.Started && f.Down.Started && !f.reset && (!f.Up.Fin || !f.Down.Fin)
	case UDP:
		return now-f.last <= DatagramLife
	default:
		return false
	}
}

// Flow returns the flow of a tuple, nil if there is none.
func (l *Link[H, F]) Flow(t Tuple) F { return l.table[t] }

// Flows returns the flows of the table, in no order.
func (l *Link[H, F]) Flows() iter.Seq[F] { return maps.Values(l.table) }

// Begin puts a new flow into the table and numbers it. It replaces an older flow with the
// same tuple.
func (l *Link[H, F]) Begin(f F) {
	state := f.flow()
	state.forgotten = l.retired[state.Near]
	if state.Tuple != (Tuple{}) {
		l.count++
		state.ID = l.count
	}
	l.table[state.Tuple] = f
}

// Leave takes a flow out of the table, unless another one has its place.
func (l *Link[H, F]) Leave(f F) {
	if t := f.flow().Tuple; l.table[t] == f {
		delete(l.table, t)
	}
}

// Observe is told of a segment of a flow about to be offered in direction d, and reports
// whether it is a retransmission, see Half.Observe. A SYN makes the NAT know the flow anew.
func (l *Link[H, F]) Observe(f F, d harness.Direction, s Segment) (retransmit bool) {
	state := f.flow()
	state.reset = state.reset || s.Flags.Has(Rst)
	if s.Opens() && d == harness.Up {
		state.forgotten = l.retired[state.Near]
	}
	return state.Half(d).Observe(s)
}

// Forget makes the NAT forget the flows of a client that had the address was and has the
// address is, and returns how many of them were open.
func (l *Link[H, F]) Forget(was, is Addr, now time.Duration) (open int64) {
	for _, f := range l.table {
		state := f.flow()
		if state.Near == was && !state.forgotten {
			state.forgotten = true
			if state.open(now) {
				open++
			}
		}
	}
	if was != is {
		if l.retired == nil {
			l.retired = make(map[Addr]bool)
		}
		l.retired[was] = true
		delete(l.retired, is)
	}
	return open
}

// Vanish keeps the packets of every flow there is from arriving until end, and returns how
// many of them are open.
func (l *Link[H, F]) Vanish(now time.Duration) (end func(), open int64) {
	var gone []*Flow
	for _, f := range l.table {
		state := f.flow()
		state.vanished++
		gone = append(gone, state)
		if state.open(now) {
			open++
		}
	}
	return func() {
		for _, state := range gone {
			state.vanished--
		}
	}, open
}
