package packet

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
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
	seal(ip)
	return ip
}

func TestSYNsAreStampedAnew(t *testing.T) {
	f := newFlow(access.Tuple{})
	stamp := func(d harness.Direction, flags header.TCPFlags, val, ecr uint32, at time.Duration) (gotVal, gotEcr uint32) {
		s, ip := segment{seq: 7, flags: flags}, synPacket(val, ecr)
		f.restamp(d, s, ip, at)
		f.half(d).note(s, f.half(access.Opposite(d)), at)
		tcp := header.TCP(ip.Payload())
		sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(tcp)))
		require.EqualValues(t, 0xffff, tcp.CalculateChecksum(sum), "the checksum is right")
		o := timestamps(tcp.Options())
		return binary.BigEndian.Uint32(o), binary.BigEndian.Uint32(o[4:])
	}
	for _, tc := range []struct {
		name             string
		d                harness.Direction
		flags            header.TCPFlags
		val, ecr         uint32 // as gVisor sends it
		at               time.Duration
		wantVal, wantEcr uint32
	}{
		{"the first SYN", harness.Up, syn, 1000, 0, 5 * time.Second, 1000, 0},
		{"the second", harness.Up, syn, 1000, 0, 6 * time.Second, 2000, 0},
		{"the first answer", harness.Down, syn | ack, 77, 1000, 6100 * time.Millisecond, 77, 1000},
		{"the third SYN", harness.Up, syn, 1000, 0, 8 * time.Second, 4000, 0},
		{"the second answer", harness.Down, syn | ack, 77, 1000, 8100 * time.Millisecond, 2077, 4000},
	} {
		val, ecr := stamp(tc.d, tc.flags, tc.val, tc.ecr, tc.at)
		require.Equal(t, tc.wantVal, val, tc.name)
		require.Equal(t, tc.wantEcr, ecr, tc.name)
	}
}

func FuzzTimestamps(f *testing.F) {
	f.Add(header.TCP(synPacket(1, 2).Payload()).Options())
	f.Add([]byte{header.TCPOptionTS, header.TCPOptionTSLength, 1})
	f.Add([]byte{header.TCPOptionNOP, 200, 0})
	f.Fuzz(func(t *testing.T, options []byte) {
		got := timestamps(options)
		if got == nil {
			return
		}
		require.Len(t, got, 8)
		got[0]++ // it is part of the options
		require.Equal(t, got, timestamps(options))
	})
}
