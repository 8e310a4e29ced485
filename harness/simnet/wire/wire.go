// Package wire makes the bytes of packets, for captures: IPv4 with TCP, UDP or ICMP, with
// all checksums. Begin with [Packet]. It also has the addresses of sockets, [Addr].
package wire

import (
	"encoding/binary"
	"time"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/tcp"
)

// The sizes of headers beside access.IPHeader, bytes.
const (
	UDPHeader  = 8
	ICMPHeader = 8
)

// FragmentSize is the most payload that an IP fragment of a datagram has, bytes: a multiple
// of 8, as RFC 791 asks.
const FragmentSize = access.MTU - access.IPHeader

// windowScale is the shift of the window scale option of RFC 7323.
const windowScale = 7

// The flags of the fragment field of RFC 791.
const dontFragment, moreFragments = 0x4000, 0x2000

// Packet is what the packets that a host sends have in common. ICMP has no ports.
type Packet struct {
	From, To Addr
	ID       uint16 // of the IP header
}

// TCP makes the bytes of a segment. Mine and peer are the sequence numbers of the SYNs of the
// sender and of its peer.
func (p Packet) TCP(s *tcp.Segment, mine, peer uint32) []byte {
	b := make([]byte, tcp.Header, s.Size())
	binary.BigEndian.PutUint16(b, p.From.Port)
	binary.BigEndian.PutUint16(b[2:], p.To.Port)
	binary.BigEndian.PutUint32(b[4:], mine+uint32(s.Seq))
	window := s.Window >> windowScale
	b[13] = byte(s.Flags)
	if len(s.Data) > 0 {
		b[13] |= byte(access.Psh)
	}
	if s.Flags.Has(access.Ack) {
		binary.BigEndian.PutUint32(b[8:], peer+uint32(s.Ack))
	}
	switch {
	case s.Flags.Has(access.Syn):
		window = s.Window
		b = append(b, 2, 4, byte(tcp.OfferedMSS>>8), tcp.OfferedMSS&0xff, 4, 2) // MSS, SACK permitted
		b = stamps(b, s)
		b = append(b, 1, 3, 3, windowScale)
	case !s.Flags.Has(access.Rst):
		b = stamps(append(b, 1, 1), s)
		if s.SACKs > 0 {
			b = append(b, 1, 1, 5, byte(2+8*s.SACKs))
			for _, block := range s.SACK[:s.SACKs] {
				b = binary.BigEndian.AppendUint32(b, peer+uint32(block.Begin))
				b = binary.BigEndian.AppendUint32(b, peer+uint32(block.End))
			}
		}
	}
	binary.BigEndian.PutUint16(b[14:], uint16(min(window, 1<<16-1)))
	b[12] = byte(len(b)) / 4 << 4
	b = p.sum(append(b, s.Data...), 16, access.TCP)
	return append(p.head(access.TCP, dontFragment, len(b)), b...)
}

// stamps appends the timestamps option of RFC 7323, in milliseconds.
func stamps(b []byte, s *tcp.Segment) []byte {
	b = binary.BigEndian.AppendUint32(append(b, 8, 10), uint32(s.Stamp/time.Millisecond)+1)
	if !s.Flags.Has(access.Ack) {
		return binary.BigEndian.AppendUint32(b, 0)
	}
	return binary.BigEndian.AppendUint32(b, uint32(s.Echo/time.Millisecond)+1)
}

// UDP makes the bytes of a datagram that is one packet.
func (p Packet) UDP(data []byte) []byte {
	b := p.datagram(data)
	return append(p.head(access.UDP, dontFragment, len(b)), b...)
}

// Fragment makes the bytes of the fragment of a datagram that begins at an offset, a
// multiple of FragmentSize.
func (p Packet) Fragment(data []byte, offset int) []byte {
	b := p.datagram(data)
	end, place := min(offset+FragmentSize, len(b)), uint16(offset/8)
	if end < len(b) {
		place |= moreFragments
	}
	return append(p.head(access.UDP, place, end-offset), b[offset:end]...)
}

func (p Packet) datagram(data []byte) []byte {
	b := make([]byte, UDPHeader, UDPHeader+len(data))
	binary.BigEndian.PutUint16(b, p.From.Port)
	binary.BigEndian.PutUint16(b[2:], p.To.Port)
	binary.BigEndian.PutUint16(b[4:], uint16(UDPHeader+len(data)))
	return p.sum(append(b, data...), 6, access.UDP)
}

// PortUnreachable makes the bytes of the ICMP error of RFC 792 that answers a packet.
func (p Packet) PortUnreachable(quote []byte) []byte {
	return p.unreachable([]byte{3, 3, 0, 0, 0, 0, 0, 0}, quote)
}

// FragmentationNeeded makes the bytes of the ICMP error of RFC 1191 that answers a packet
// which is larger than mtu, bytes. It comes from a router.
func (p Packet) FragmentationNeeded(mtu int, quote []byte) []byte {
	p.From.IP = access.Router()
	return p.unreachable([]byte{3, 4, 0, 0, 0, 0, byte(mtu >> 8), byte(mtu)}, quote)
}

func (p Packet) unreachable(body, quote []byte) []byte {
	body = append(body, quote[:min(len(quote), access.MostICMP-access.IPHeader-ICMPHeader)]...)
	binary.BigEndian.PutUint16(body[2:], ^checksum(0, body))
	return append(p.head(access.ICMP, 0, len(body)), body...)
}

// head makes an IP header for a payload of so many bytes.
func (p Packet) head(protocol uint8, fragments uint16, payload int) []byte {
	h := make([]byte, access.IPHeader, access.IPHeader+payload)
	h[0], h[8], h[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(h[2:], uint16(access.IPHeader+payload))
	binary.BigEndian.PutUint16(h[4:], p.ID)
	binary.BigEndian.PutUint16(h[6:], fragments)
	copy(h[12:], p.From.IP[:])
	copy(h[16:], p.To.IP[:])
	binary.BigEndian.PutUint16(h[10:], ^checksum(0, h))
	return h
}

// sum puts the checksum of a TCP segment or datagram at an offset of it.
func (p Packet) sum(b []byte, at int, protocol uint8) []byte {
	var pseudo [12]byte
	copy(pseudo[:], p.From.IP[:])
	copy(pseudo[4:], p.To.IP[:])
	pseudo[9] = protocol
	binary.BigEndian.PutUint16(pseudo[10:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[at:], ^checksum(checksum(0, pseudo[:]), b))
	return b
}

// checksum adds to a checksum of the internet, RFC 1071.
func checksum(sum uint16, b []byte) uint16 {
	total := uint32(sum)
	for ; len(b) > 1; b = b[2:] {
		total += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		total += uint32(b[0]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
