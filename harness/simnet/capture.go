package simnet

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// Packets get bytes only if somebody captures them: NetworkConfig.Capture.

// The numbers of flags and options in the bytes of a packet: RFC 791, RFC 7323.
const (
	dontFragment, moreFragments = 0x4000, 0x2000

	windowScale = 7
)

// capture shows a packet that is being offered to whoever records them.
func (l *hostLink) capture(d harness.Direction, f *flow, fl *flight) {
	if l.n.capture != nil && l.Group.Name == "" {
		l.n.capture.Capture(l.n.at, l.Near.Client, d, l.n.encode(d, f, fl))
	}
}

// encode makes the bytes of a packet.
func (n *Network) encode(d harness.Direction, f *flow, fl *flight) []byte {
	m := fl.message
	if m == nil {
		s := &fl.seg
		return seal(ipHead(s.from, s.to, access.TCP, dontFragment, uint16(f.Half(d).Ordinal)),
			n.encodeTCP(d, f, s), 16, s.from, s.to)
	}
	switch m.kind {
	case unreachable, tooBig:
		from := m.from
		body := []byte{3, 3, 0, 0, 0, 0, 0, 0}
		if m.kind == tooBig {
			from = addr{ip: [4]byte{10, 0, 0, 254}} // a router says so
			body[1] = 4
			binary.BigEndian.PutUint16(body[6:], uint16(m.mtu))
		}
		body = append(body, m.quote[:min(len(m.quote), access.MostICMP-ipHeader-icmpHeader)]...)
		binary.BigEndian.PutUint16(body[2:], ^checksum(0, body))
		return append(ipHead(from, m.to, access.ICMP, 0, 0).finish(len(body)), body...)
	case udp:
	}
	whole := make([]byte, udpHeader, udpHeader+len(m.data))
	binary.BigEndian.PutUint16(whole, m.from.port)
	binary.BigEndian.PutUint16(whole[2:], m.to.port)
	binary.BigEndian.PutUint16(whole[4:], uint16(udpHeader+len(m.data)))
	whole = append(whole, m.data...)
	if m.missing == nil {
		return seal(ipHead(m.from, m.to, access.UDP, dontFragment, 0), whole, 6, m.from, m.to)
	}
	datagram := seal(ipHead(m.from, m.to, access.UDP, 0, m.id), whole, 6, m.from, m.to)[ipHeader:]
	end, place := min(fl.offset+fragment, len(datagram)), uint16(fl.offset/8)
	if end < len(datagram) {
		place |= moreFragments
	}
	return append(ipHead(m.from, m.to, access.UDP, place, m.id).finish(end-fl.offset), datagram[fl.offset:end]...)
}

// head is an IP header without its length and checksum.
type head []byte

func ipHead(from, to addr, protocol uint8, fragments, id uint16) head {
	h := make(head, ipHeader, access.MTU)
	h[0], h[8], h[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(h[4:], id)
	binary.BigEndian.PutUint16(h[6:], fragments)
	copy(h[12:], from.ip[:])
	copy(h[16:], to.ip[:])
	return h
}

func (h head) finish(payload int) []byte {
	binary.BigEndian.PutUint16(h[2:], uint16(ipHeader+payload))
	binary.BigEndian.PutUint16(h[10:], ^checksum(0, h))
	return h
}

// seal joins a head and a TCP segment or datagram, whose checksum is at an offset.
func seal(h head, body []byte, at int, from, to addr) []byte {
	var pseudo [12]byte
	copy(pseudo[:], from.ip[:])
	copy(pseudo[4:], to.ip[:])
	pseudo[9] = h[9]
	binary.BigEndian.PutUint16(pseudo[10:], uint16(len(body)))
	binary.BigEndian.PutUint16(body[at:], ^checksum(checksum(0, pseudo[:]), body))
	return append(h.finish(len(body)), body...)
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

// encodeTCP makes the bytes of a segment, checksum 0.
func (n *Network) encodeTCP(d harness.Direction, f *flow, s *segment) []byte {
	b := make([]byte, tcpHeader, s.size()-ipHeader)
	binary.BigEndian.PutUint16(b, s.from.port)
	binary.BigEndian.PutUint16(b[2:], s.to.port)
	mine, peer := n.firstSequence(d, f), n.firstSequence(access.Opposite(d), f)
	binary.BigEndian.PutUint32(b[4:], mine+uint32(s.seq))
	window := s.window >> windowScale
	b[13] = byte(s.flags)
	if len(s.data) > 0 {
		b[13] |= byte(access.Psh)
	}
	if s.flags.Has(ack) {
		binary.BigEndian.PutUint32(b[8:], peer+uint32(s.ack))
	}
	switch {
	case s.flags.Has(syn):
		window = s.window
		b = append(b, 2, 4, byte(mss>>8), mss&0xff, 4, 2) // MSS, SACK permitted
		b = s.stamps(b)
		b = append(b, 1, 3, 3, windowScale)
	case !s.flags.Has(rst):
		b = s.stamps(append(b, 1, 1))
		if s.sacks > 0 {
			b = append(b, 1, 1, 5, byte(2+8*s.sacks))
			for _, block := range s.sack[:s.sacks] {
				b = binary.BigEndian.AppendUint32(b, peer+uint32(block.begin))
				b = binary.BigEndian.AppendUint32(b, peer+uint32(block.end))
			}
		}
	}
	binary.BigEndian.PutUint16(b[14:], uint16(min(window, 1<<16-1)))
	b[12] = byte(len(b)) / 4 << 4
	return append(b, s.data...)
}

// mss is what a SYN offers: the timestamps of each segment come out of it.
const mss = access.MTU - ipHeader - tcpHeader

// stamps appends the timestamps option, in milliseconds.
func (s *segment) stamps(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, 8, 10), uint32(s.stamp/time.Millisecond)+1)
	if !s.flags.Has(ack) {
		return binary.BigEndian.AppendUint32(b, 0)
	}
	return binary.BigEndian.AppendUint32(b, uint32(s.echo/time.Millisecond)+1)
}

// firstSequence is the sequence number of the SYN that goes in direction d.
func (n *Network) firstSequence(d harness.Direction, f *flow) uint32 {
	return rand.New(rand.NewPCG(n.seed^uint64(harness.StreamEngine), uint64(f.link.ID(d).Client)<<32+f.ID<<2+uint64(d))).Uint32()
}
