package linuxtcp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/segment"
)

// synPacket is an IP packet with a SYN as gVisor makes it.
func synPacket(val, ecr uint32) header.IPv4 {
	options := make([]byte, 20)
	n := header.EncodeMSSOption(1460, options)
	n += header.EncodeSACKPermittedOption(options[n:])
	n += header.EncodeTSOption(val, ecr, options[n:])
	n += header.EncodeNOP(options[n:])
	header.EncodeWSOption(7, options[n:])
	ip := make(header.IPv4, header.IPv4MinimumSize+header.TCPMinimumSize+len(options))
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(ip)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 1, 0, 0}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}),
	})
	t := header.TCP(ip.Payload())
	t.Encode(&header.TCPFields{DataOffset: uint8(header.TCPMinimumSize + len(options)), Flags: header.TCPFlagSyn})
	copy(t.Options(), options)
	t.SetChecksum(^t.CalculateChecksum(pseudoHeader(ip)))
	return ip
}

func pseudoHeader(ip header.IPv4) uint16 {
	return header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(ip.Payload())))
}

func TestSYNsAreStampedAnew(t *testing.T) {
	f := NewFlow(access.Tuple{})
	stamp := func(d harness.Direction, flags access.Flags, val, ecr uint32, at time.Duration) (gotVal, gotEcr uint32) {
		s, p := segment.FromBytes(synPacket(val, ecr))
		s.Segment = access.Segment{Seq: 7, Flags: flags}
		if f.Mend(d, &s, at) {
			p = segment.Restamp(p, s.Stamp, s.Echo)
		}
		f.half(d).note(s, f.half(access.Opposite(d)), at)
		ip := header.IPv4(segment.Bytes(p))
		require.EqualValues(t, 0xffff, header.TCP(ip.Payload()).CalculateChecksum(pseudoHeader(ip)), "the checksum is right")
		got, _ := segment.FromBytes(ip)
		require.True(t, got.Stamped)
		return got.Stamp, got.Echo
	}
	for _, tc := range []struct {
		name             string
		d                harness.Direction
		flags            access.Flags
		val, ecr         uint32 // as gVisor sends it
		at               time.Duration
		wantVal, wantEcr uint32
	}{
		{"the first SYN", harness.Up, access.Syn, 1000, 0, 5 * time.Second, 1000, 0},
		{"the second", harness.Up, access.Syn, 1000, 0, 6 * time.Second, 2000, 0},
		{"the first answer", harness.Down, access.Syn | access.Ack, 77, 1000, 6100 * time.Millisecond, 77, 1000},
		{"the third SYN", harness.Up, access.Syn, 1000, 0, 8 * time.Second, 4000, 0},
		{"the second answer", harness.Down, access.Syn | access.Ack, 77, 1000, 8100 * time.Millisecond, 2077, 4000},
	} {
		val, ecr := stamp(tc.d, tc.flags, tc.val, tc.ecr, tc.at)
		require.Equal(t, tc.wantVal, val, tc.name)
		require.Equal(t, tc.wantEcr, ecr, tc.name)
	}
}
