package packet

import (
	"encoding/binary"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// segment is what the link reads in a packet.
type segment struct {
	access.Tuple
	size int // bytes with the IP header

	// TCP.
	seq, ack uint32
	flags    header.TCPFlags
	header   int // bytes of TCP header
	payload  int // bytes
	stamped  bool
	stamp    uint32 // TSval, if stamped
	echo     uint32 // TSecr, if stamped

	foreign bool // a kernel's, which delays its acknowledgements itself

	// UDP in fragments. A later fragment has no ports, hence no tuple.
	id          uint16 // of the datagram
	more, later bool
}

// parse reads a packet that a stack of dir's sender hands to its card. ICMP
// belongs to the connection it is about.
func parse(p *stack.PacketBuffer, dir harness.Direction) segment {
	s := segment{size: p.Size()}
	ip := header.IPv4(p.NetworkHeader().Slice())
	h := p.TransportHeader().Slice()
	switch ip.TransportProtocol() {
	case header.TCPProtocolNumber:
		if len(h) < header.TCPMinimumSize {
			return s
		}
		t := header.TCP(h)
		s.seq, s.ack, s.flags = t.SequenceNumber(), t.AckNumber(), t.Flags()
		s.header, s.payload = int(t.DataOffset()), p.Data().Size()
		s.readStamps(t)
	case header.UDPProtocolNumber:
		s.id, s.more, s.later = ip.ID(), ip.More(), ip.FragmentOffset() > 0
		if s.later {
			return s
		}
		if len(h) == 0 { // the first fragment
			h, _ = p.Data().PullUp(header.UDPMinimumSize)
		}
	case header.ICMPv4ProtocolNumber:
		// It quotes the packet it is about, which went the other way.
		dir = access.Opposite(dir)
		quoted, _ := p.Data().PullUp(header.IPv4MinimumSize + 4)
		if len(quoted) == 0 {
			return s
		}
		ip, h = header.IPv4(quoted), quoted[header.IPv4MinimumSize:]
	default:
		return s
	}
	if len(h) >= 4 {
		s.Tuple = tupleOf(ip, h, dir)
	}
	return s
}

// tupleOf names the connection of a packet that goes in direction dir. Ports are
// the first four bytes behind its IP header.
func tupleOf(ip header.IPv4, ports []byte, dir harness.Direction) access.Tuple {
	from, to := binary.BigEndian.Uint16(ports), binary.BigEndian.Uint16(ports[2:])
	if dir == harness.Down {
		return access.Tuple{Near: ip.DestinationAddress().As4(), Far: ip.SourceAddress().As4(), Protocol: uint16(ip.Protocol()), NearPort: to, FarPort: from}
	}
	return access.Tuple{Near: ip.SourceAddress().As4(), Far: ip.DestinationAddress().As4(), Protocol: uint16(ip.Protocol()), NearPort: from, FarPort: to}
}

// tcp is what the table of flows reads in the segment.
func (s segment) tcp() access.Segment {
	return access.Segment{Flags: access.Flags(s.flags), Seq: s.seq, Ack: s.ack, Payload: s.payload}
}

// pureAck reports whether the segment says nothing but "received".
func (s segment) pureAck() bool {
	return s.payload == 0 && s.flags&^header.TCPFlagPsh == header.TCPFlagAck
}

// flow is one connection as the link sees it.
type flow struct {
	access.Flow
	up   half
	down half
}

func newFlow(t access.Tuple) *flow {
	f := &flow{Flow: access.Flow{Tuple: t}}
	f.up.Half, f.down.Half = &f.Up, &f.Down
	return f
}

func (f *flow) half(d harness.Direction) *half {
	if d == harness.Up {
		return &f.up
	}
	return &f.down
}

// half is what one end of a flow has sent, and what the link makes up for in its TCP.
type half struct {
	*access.Half
	syn     synStamps
	hears   bool       // it has got a timestamp
	recent  uint32     // the one it would echo, were it Linux
	rtt     access.RTT // what Linux would think of its round trips
	told    told       // what it thinks
	sampled uint32     // the highest acknowledgement it has had, if rtt has begun

	// The delayed acknowledgement of Linux, which gVisor lacks: it acknowledges every
	// wake-up of the receiver at once, which would carry twice the packets on the
	// downlink and falsify the energy figure.
	acks   access.Acks
	acking bool   // it has acknowledged something
	acked  uint32 // the highest acknowledgement offered to the link

	held    *stack.PacketBuffer // an acknowledgement that waits, nil if none
	heldSeg segment
	due     time.Duration // when held must go
	armed   bool          // an event for it is in the queue
}

// noteAck takes the acknowledgement of a segment about to be offered to the link. The
// peer is the other half.
func (h *half) noteAck(s segment, peer *half, now time.Duration) {
	if !s.flags.Contains(header.TCPFlagAck) {
		return
	}
	switch {
	case !h.acking || access.After(s.ack, h.acked):
		h.acking, h.acked = true, s.ack
		if peer.Largest > 0 {
			h.acks.Acked(now)
		}
	case s.pureAck() && s.seq == h.High: // it has got something twice
		h.acks.Repeated()
	}
	if s.payload > 0 {
		h.acks.Sent(now)
	}
}

// delays reports whether the host that sends s would, were it Linux, wait with
// it for something to send it along with. The peer is the other half.
func (h *half) delays(s segment, peer *half) bool {
	const plainHeader = header.TCPMinimumSize + 12 // with timestamps; longer has SACK blocks
	switch {
	case !s.pureAck() || !h.acking || !h.Started:
		return false
	case s.seq != h.High: // a keepalive or window probe
		return false
	case !access.After(s.ack, h.acked), h.held != nil && !access.After(s.ack, h.heldSeg.ack): // a duplicate or a window update
		return false
	case s.header > plainHeader: // reports a hole
		return false
	}
	return h.acks.Waits(int64(s.ack-h.acked), peer.Largest, peer.Fin && s.ack == peer.High, h.Fin)
}

// hold keeps the acknowledgement p back. It takes over p, and drops the one held
// before, which p makes superfluous.
func (h *half) hold(p *stack.PacketBuffer, s segment, now time.Duration) {
	if h.held == nil {
		h.due = now + access.AckDelay
	} else {
		h.held.DecRef()
	}
	h.held, h.heldSeg = p, s
}

// release drops the acknowledgement held, since a packet that says as much is
// being sent.
func (h *half) release() {
	if h.held != nil {
		h.held.DecRef()
		h.held = nil
	}
}
