package segment

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// Copy returns a packet of the same bytes, which a stack can receive. It borrows p.
func Copy(p *stack.PacketBuffer) *stack.PacketBuffer {
	return stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: p.ToBuffer()})
}

// Bytes returns the bytes of a packet, its headers first. They may be shared with p, which
// it borrows.
func Bytes(p *stack.PacketBuffer) []byte {
	payload := p.ToBuffer()
	defer payload.Release()
	return payload.Flatten()
}

// fromRaw makes a packet of bytes, which it copies.
func fromRaw(raw []byte) *stack.PacketBuffer {
	return stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(raw)})
}

// Flip returns p with one bit flipped: bit n modulo their number, as link.Fate
// says. It takes over p.
func Flip(p *stack.PacketBuffer, n uint64) *stack.PacketBuffer {
	raw := Bytes(p)
	p.DecRef()
	n %= uint64(len(raw)) * 8
	raw[n/8] ^= 1 << (n % 8)
	return fromRaw(raw)
}

// Restamp returns p, a TCP segment, with other timestamps and the checksum to go with them.
// If p has none, nothing changes. It takes over p.
func Restamp(p *stack.PacketBuffer, stamp, echo uint32) *stack.PacketBuffer {
	raw := header.IPv4(Bytes(p))
	p.DecRef()
	if option := timestamps(header.TCP(raw.Payload()).Options()); option != nil {
		binary.BigEndian.PutUint32(option, stamp)
		binary.BigEndian.PutUint32(option[4:], echo)
		seal(raw)
	}
	return fromRaw(raw)
}

// seal sets the TCP checksum of a packet.
func seal(ip header.IPv4) {
	t := header.TCP(ip.Payload())
	t.SetChecksum(0)
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(t)))
	sum = checksum.Checksum(t.Payload(), sum)
	t.SetChecksum(^t.CalculateChecksum(sum))
}

// address makes raw begin with an IP header of a packet from one address to another.
func address(raw []byte, protocol tcpip.TransportProtocolNumber, from, to tcpip.Address) {
	ip := header.IPv4(raw)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(raw)), TTL: 64, Protocol: uint8(protocol), SrcAddr: from, DstAddr: to,
	})
	ip.SetChecksum(^ip.CalculateChecksum())
}

// Refuse answers a SYN that goes in direction d with a reset, as a host does that does not
// listen. The answer goes the other way.
func Refuse(d harness.Direction, syn Segment) (Segment, *stack.PacketBuffer) {
	const size = header.IPv4MinimumSize + header.TCPMinimumSize
	s := Segment{
		Tuple: syn.Tuple, Segment: access.Segment{Flags: access.Rst | access.Ack, Ack: syn.Seq + 1},
		Header: header.TCPMinimumSize, Size: size,
	}
	from, to, fromPort, toPort := s.Far, s.Near, s.FarPort, s.NearPort
	if d == harness.Down {
		from, to, fromPort, toPort = to, from, toPort, fromPort
	}
	raw := make([]byte, size)
	address(raw, header.TCPProtocolNumber, tcpip.AddrFrom4(from), tcpip.AddrFrom4(to))
	header.TCP(raw[header.IPv4MinimumSize:]).Encode(&header.TCPFields{
		SrcPort: fromPort, DstPort: toPort, AckNum: s.Ack,
		DataOffset: header.TCPMinimumSize, Flags: header.TCPFlags(s.Flags),
	})
	seal(raw)
	return s, fromRaw(raw)
}

// TooBig tells the sender of a packet of segment s that the path carries packets of mtu bytes
// only: ICMP "fragmentation needed", RFC 1191. It returns nil if the packet may be
// fragmented, and is lost without a word. It borrows p.
func TooBig(s Segment, p *stack.PacketBuffer, mtu int) (Segment, *stack.PacketBuffer) {
	raw := header.IPv4(Bytes(p))
	if raw.Flags()&header.IPv4FlagDontFragment == 0 || raw.TransportProtocol() == header.ICMPv4ProtocolNumber {
		return Segment{}, nil
	}
	const heads = header.IPv4MinimumSize + header.ICMPv4MinimumSize
	quoted := raw[:min(len(raw), access.MostICMP-heads)]
	out := make([]byte, heads+len(quoted))
	copy(out[heads:], quoted)
	message := header.ICMPv4(out[header.IPv4MinimumSize:])
	message.SetType(header.ICMPv4DstUnreachable)
	message.SetCode(header.ICMPv4FragmentationNeeded)
	message.SetMTU(uint16(mtu))
	message.SetChecksum(^checksum.Checksum(message, 0))
	address(out, header.ICMPv4ProtocolNumber, tcpip.AddrFrom4(access.Router()), raw.SourceAddress())
	return Segment{Tuple: s.Tuple, Size: len(out)}, fromRaw(out)
}

// FromBytes makes a packet for the server of bytes, which it copies, and reads it. What is
// no such packet is nil.
func FromBytes(raw []byte) (Segment, *stack.PacketBuffer) {
	ip := header.IPv4(raw)
	if len(raw) < header.IPv4MinimumSize || raw[0]>>4 != 4 || !ip.IsValid(len(raw)) || ip.DestinationAddress().As4() != access.Server() {
		return Segment{}, nil
	}
	p := fromRaw(raw[:ip.TotalLength()])
	defer p.DecRef()
	_, ok := p.NetworkHeader().Consume(int(ip.HeaderLength()))
	if ok && ip.TransportProtocol() == header.TCPProtocolNumber {
		t := header.TCP(ip.Payload())
		ok = len(t) >= header.TCPMinimumSize && int(t.DataOffset()) >= header.TCPMinimumSize && int(t.DataOffset()) <= len(t)
		if ok {
			_, ok = p.TransportHeader().Consume(int(t.DataOffset()))
		}
	}
	if !ok {
		return Segment{}, nil
	}
	return Parse(p, harness.Up), Copy(p)
}
