package packet

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// tooBig tells the sender of a packet that went in direction d that the path
// carries smaller ones only: ICMP "fragmentation needed", RFC 1191. It crosses the
// link like any other packet, is counted, and may be lost. Packets that may be
// fragmented are lost without a word. It borrows pkt; the caller holds l.mu.
func (l *hostLink) tooBig(d harness.Direction, f *flow, pkt *stack.PacketBuffer) {
	payload := pkt.ToBuffer()
	raw := header.IPv4(payload.Flatten())
	payload.Release()
	if raw.Flags()&header.IPv4FlagDontFragment == 0 || raw.TransportProtocol() == header.ICMPv4ProtocolNumber {
		return
	}
	const heads = header.IPv4MinimumSize + header.ICMPv4MinimumSize
	quoted := raw[:min(len(raw), access.MostICMP-heads)]
	out := make([]byte, heads+len(quoted))
	copy(out[heads:], quoted)
	message := header.ICMPv4(out[header.IPv4MinimumSize:])
	message.SetType(header.ICMPv4DstUnreachable)
	message.SetCode(header.ICMPv4FragmentationNeeded)
	message.SetMTU(uint16(l.Path(d).MTU))
	message.SetChecksum(^checksum.Checksum(message, 0))
	ip := header.IPv4(out)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(out)), TTL: 64, Protocol: uint8(header.ICMPv4ProtocolNumber),
		SrcAddr: tcpip.AddrFrom4(access.Router()), DstAddr: raw.SourceAddress(),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	s := segment{Tuple: f.Tuple, size: len(out)}
	answer := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(out)})
	// The sender holds the lock of its connection now, which the answer needs.
	l.n.queue.Push(l.n.now(), func() { l.enter(access.Opposite(d), s, answer) })
}
