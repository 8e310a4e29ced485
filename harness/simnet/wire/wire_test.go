package wire_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/tcp"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// sum is the checksum of RFC 1071 over what has its checksum in it: all ones.
func sum(parts ...[]byte) uint16 {
	var total uint32
	for _, b := range parts {
		if len(b)%2 == 1 {
			b = append(slices.Clip(b), 0)
		}
		for ; len(b) > 0; b = b[2:] {
			total += uint32(binary.BigEndian.Uint16(b))
		}
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

func pseudo(ip []byte, length int) []byte {
	return append(append([]byte{}, ip[12:20]...), 0, ip[9], byte(length>>8), byte(length))
}

func packet() wire.Packet {
	return wire.Packet{From: wire.Addr{IP: access.Client(7), Port: 40000}, To: wire.Addr{IP: access.Server(), Port: 443}, ID: 9}
}

// TestChecksums adds up each kind of packet.
func TestChecksums(t *testing.T) {
	for _, tc := range []struct {
		name  string
		bytes []byte
		size  int
		icmp  bool
	}{
		{"SYN", packet().TCP(&tcp.Segment{Flags: access.Syn}, 5, 6), 60, false},
		{"data with SACK", packet().TCP(&tcp.Segment{Flags: access.Ack, Seq: 1, Ack: 1, SACKs: 2, Data: []byte("odd")}, 5, 6), 20 + 32 + 4 + 16 + 3, false},
		{"reset", packet().TCP(&tcp.Segment{Flags: access.Rst}, 5, 6), 40, false},
		{"datagram", packet().UDP([]byte("hello")), 33, false},
		{"closed port", packet().PortUnreachable(make([]byte, 1500)), access.MostICMP, true},
		{"too big", packet().FragmentationNeeded(1280, []byte{1, 2, 3, 4}), 32, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Len(t, tc.bytes, tc.size)
			require.EqualValues(t, tc.size, binary.BigEndian.Uint16(tc.bytes[2:]))
			ip, body := tc.bytes[:20], tc.bytes[20:]
			require.EqualValues(t, 0xffff, sum(ip))
			if tc.icmp {
				require.EqualValues(t, 0xffff, sum(body))
				return
			}
			require.EqualValues(t, 0xffff, sum(pseudo(ip, len(body)), body))
		})
	}
}

// TestFragments puts the fragments of a datagram together.
func TestFragments(t *testing.T) {
	data := make([]byte, 4000)
	for i := range data {
		data[i] = byte(i % 251)
	}
	var whole []byte
	for offset := 0; offset < wire.UDPHeader+len(data); offset += wire.FragmentSize {
		b := packet().Fragment(data, offset)
		require.LessOrEqual(t, len(b), access.MTU)
		require.EqualValues(t, 0xffff, sum(b[:20]))
		field := binary.BigEndian.Uint16(b[6:])
		require.EqualValues(t, offset/8, field&0x1fff)
		require.Equal(t, offset+wire.FragmentSize < wire.UDPHeader+len(data), field&0x2000 != 0)
		whole = append(whole, b[20:]...)
	}
	require.Equal(t, data, whole[wire.UDPHeader:])
	require.EqualValues(t, 0xffff, sum(pseudo(packet().UDP(nil), len(whole)), whole))
}
