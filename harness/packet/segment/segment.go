// Package segment reads the IP packets that cross a link of package packet, and makes and
// changes them.
//
// [Parse] reads a packet. The link makes packets of its own: [Refuse] answers a SYN with a
// reset, [TooBig] tells a sender of the path's MTU, [FromBytes] takes what a machine outside
// has sent. It changes packets: [Flip] corrupts one, [Restamp] gives one other timestamps.
// A packet is a PacketBuffer of gVisor, whose references are counted: each function says
// whether it takes over its packet or borrows it.
package segment

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// Segment is what the link reads in a packet. The fields of TCP are zero in others.
type Segment struct {
	access.Tuple
	access.Segment     // of TCP
	Size           int // bytes with the IP header
	Header         int // bytes of TCP header

	Stamped bool   // it has the timestamps of RFC 7323
	Stamp   uint32 // TSval
	Echo    uint32 // TSecr

	// Of datagrams in fragments. A later fragment has no ports, hence no tuple.
	ID          uint16 // of the datagram
	More, Later bool   // fragments come after it, before it
}

// PureAck reports whether the segment says nothing but "received".
func (s Segment) PureAck() bool {
	return s.Payload == 0 && s.Flags&^access.Psh == access.Ack
}

// Parse reads a packet whose headers gVisor knows, as those are that a stack sends. It goes
// in direction d. ICMP belongs to the connection it is about. It borrows p.
func Parse(p *stack.PacketBuffer, d harness.Direction) Segment {
	s := Segment{Size: p.Size()}
	ip := header.IPv4(p.NetworkHeader().Slice())
	h := p.TransportHeader().Slice()
	switch ip.TransportProtocol() {
	case header.TCPProtocolNumber:
		if len(h) < header.TCPMinimumSize {
			return s
		}
		t := header.TCP(h)
		s.Segment = access.Segment{
			Flags: access.Flags(t.Flags()), Seq: t.SequenceNumber(), Ack: t.AckNumber(), Payload: p.Data().Size(),
		}
		s.Header = int(t.DataOffset())
		if o := timestamps(t.Options()); o != nil {
			s.Stamped, s.Stamp, s.Echo = true, binary.BigEndian.Uint32(o), binary.BigEndian.Uint32(o[4:])
		}
	case header.UDPProtocolNumber:
		s.ID, s.More, s.Later = ip.ID(), ip.More(), ip.FragmentOffset() > 0
		if s.Later {
			return s
		}
		if len(h) == 0 { // the first fragment
			h, _ = p.Data().PullUp(header.UDPMinimumSize)
		}
	case header.ICMPv4ProtocolNumber:
		// It quotes the packet it is about, which went the other way.
		d = access.Opposite(d)
		quoted, _ := p.Data().PullUp(header.IPv4MinimumSize + 4)
		if len(quoted) == 0 {
			return s
		}
		ip, h = header.IPv4(quoted), quoted[header.IPv4MinimumSize:]
	default:
		return s
	}
	if len(h) >= 4 {
		s.Tuple = tupleOf(ip, h, d)
	}
	return s
}

// tupleOf names the connection of a packet that goes in direction d. Ports are
// the first four bytes behind its IP header.
func tupleOf(ip header.IPv4, ports []byte, d harness.Direction) access.Tuple {
	from, to := binary.BigEndian.Uint16(ports), binary.BigEndian.Uint16(ports[2:])
	if d == harness.Down {
		return access.Tuple{Near: ip.DestinationAddress().As4(), Far: ip.SourceAddress().As4(), Protocol: uint16(ip.Protocol()), NearPort: to, FarPort: from}
	}
	return access.Tuple{Near: ip.SourceAddress().As4(), Far: ip.DestinationAddress().As4(), Protocol: uint16(ip.Protocol()), NearPort: from, FarPort: to}
}

// timestamps returns the eight bytes of the timestamps option among the options
// of a TCP header, TSval and TSecr of RFC 7323, or nil.
func timestamps(o []byte) []byte {
	for len(o) > 0 && o[0] != header.TCPOptionEOL {
		switch {
		case o[0] == header.TCPOptionNOP:
			o = o[1:]
		case len(o) < 2 || o[1] < 2 || int(o[1]) > len(o):
			return nil
		case o[0] == header.TCPOptionTS && o[1] == header.TCPOptionTSLength:
			return o[2:header.TCPOptionTSLength]
		default:
			o = o[o[1]:]
		}
	}
	return nil
}
