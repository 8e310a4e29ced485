package pcap

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// LinkType is how the packets of a capture begin, by its number in
// draft-ietf-opsawg-pcaplinktype.
type LinkType uint16

// The link types that Decode knows.
const (
	Null         LinkType = 0   // BSD loopback, address family in the capturer's byte order
	Ethernet     LinkType = 1   //
	RawBSD       LinkType = 12  // raw IP, as FreeBSD numbers it
	RawOpenBSD   LinkType = 14  // raw IP, as OpenBSD numbers it
	Raw          LinkType = 101 // raw IP
	Loop         LinkType = 108 // OpenBSD loopback, address family in network byte order
	LinuxCooked  LinkType = 113 // tcpdump -i any
	IPv4         LinkType = 228 //
	IPv6         LinkType = 229 //
	LinuxCooked2 LinkType = 276 // tcpdump -i any, since libpcap 1.10
)

func (l LinkType) known() bool {
	switch l {
	case Null, Ethernet, RawBSD, RawOpenBSD, Raw, Loop, LinuxCooked, IPv4, IPv6, LinuxCooked2:
		return true
	}
	return false
}

func (l LinkType) complaint() string {
	return fmt.Sprintf("link type %d is not known; expected Ethernet (1), raw IP (12, 14, 101, 228, 229), Linux cooked (113, 276) or BSD loopback (0, 108)", uint16(l))
}

// Sent says whether the capturing machine sent a frame.
type Sent uint8

// What a frame tells about its sender. Only Linux cooked frames tell anything.
const (
	SentUnknown Sent = iota
	SentByUs         // packet type 4
	SentToUs         // packet types 0 (to us), 1 (broadcast) and 2 (multicast)
	SentByOther      // packet type 3: between other machines
)

// Frame is what Decode finds in a packet.
type Frame struct {
	Sent     Sent
	Length   int        // bytes of the IP packet with its header
	Src, Dst netip.Addr // not valid if it is no IP packet
	Protocol uint8      // 6 is TCP, 17 is UDP; 0 for a later fragment
	Opens    bool       // the sender opens a conversation: a SYN, or UDP to a port below 1024 from one above
}

// IP reports whether the frame holds an IP packet.
func (f Frame) IP() bool { return f.Src.IsValid() }

// Decode finds the IP packet. A frame that holds none, such as ARP, or whose
// captured bytes end before the IP addresses, gives a Frame without addresses
// whose Length is the wire length without the link header.
//
// Length is what the IP header says, not what lies in the frame: Ethernet pads
// short packets. Where the header says nothing (segmentation offload writes 0)
// it is the wire length without the link header.
func (p Packet) Decode() Frame {
	var f Frame
	var head int
	b := p.Data
	kind := etherIPv4 // by the link layer; the version in the packet decides between 4 and 6
	switch p.LinkType {
	case Ethernet:
		head, kind = ethernet(b)
	case LinuxCooked:
		head = 16
		if len(b) >= head {
			f.Sent, kind = sentBy(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint16(b[14:])
		}
		head, kind = tags(b, head, kind)
	case LinuxCooked2:
		head = 20
		if len(b) >= head {
			f.Sent, kind = sentBy(uint16(b[10])), binary.BigEndian.Uint16(b)
		}
		head, kind = tags(b, head, kind)
	case Null, Loop:
		head = 4
	case Raw, RawBSD, RawOpenBSD, IPv4, IPv6:
	}
	f.Length = max(p.Wire-head, 0)
	if (kind == etherIPv4 || kind == etherIPv6) && len(b) > head {
		f.ip(b[head:])
	}
	return f
}

const (
	etherIPv4 uint16 = 0x0800
	etherIPv6 uint16 = 0x86dd
	etherVLAN uint16 = 0x8100
	etherQinQ uint16 = 0x88a8
)

func ethernet(b []byte) (head int, kind uint16) {
	if len(b) < 14 {
		return 14, 0
	}
	return tags(b, 14, binary.BigEndian.Uint16(b[12:]))
}

func tags(b []byte, head int, kind uint16) (int, uint16) {
	for kind == etherVLAN || kind == etherQinQ {
		if len(b) < head+4 {
			return head, 0
		}
		kind = binary.BigEndian.Uint16(b[head+2:])
		head += 4
	}
	return head, kind
}

func sentBy(packetType uint16) Sent {
	switch packetType {
	case 0, 1, 2:
		return SentToUs
	case 3:
		return SentByOther
	case 4:
		return SentByUs
	}
	return SentUnknown
}

func (f *Frame) ip(b []byte) {
	var payload []byte
	switch {
	case b[0]>>4 == 4 && len(b) >= 20:
		if total := int(binary.BigEndian.Uint16(b[2:])); total >= 20 {
			f.Length = min(f.Length, total)
		}
		f.Src, f.Dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		if size := int(b[0]&15) * 4; binary.BigEndian.Uint16(b[6:])&0x1fff == 0 && size >= 20 && size <= len(b) {
			f.Protocol, payload = b[9], b[size:]
		}
	case b[0]>>4 == 6 && len(b) >= 40:
		if total := int(binary.BigEndian.Uint16(b[4:])); total > 0 {
			f.Length = min(f.Length, 40+total)
		}
		f.Src, f.Dst = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		f.Protocol, payload = b[6], b[40:]
	default:
		return
	}
	const tcp, udp, synAndAck, syn, reserved = 6, 17, 0x12, 0x02, 1024
	switch {
	case f.Protocol == tcp && len(payload) >= 14:
		f.Opens = payload[13]&synAndAck == syn
	case f.Protocol == udp && len(payload) >= 4:
		f.Opens = binary.BigEndian.Uint16(payload) >= reserved && binary.BigEndian.Uint16(payload[2:]) < reserved
	}
}
