package segment

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// tuple is a connection of the first client.
func tuple() access.Tuple {
	return access.Tuple{Near: access.Client(0), Far: access.Server(), Protocol: access.TCP, NearPort: 5000, FarPort: 7}
}

// A reset that goes up is read back as what it was made of.
func TestRefuse(t *testing.T) {
	syn := Segment{Tuple: tuple(), Segment: access.Segment{Flags: access.Syn, Seq: 99}}
	made, p := Refuse(harness.Down, syn)
	require.Equal(t, access.Segment{Flags: access.Rst | access.Ack, Ack: 100}, made.Segment)
	read, copied := FromBytes(Bytes(p))
	require.NotNil(t, copied)
	require.Equal(t, made, read)
	require.Equal(t, Bytes(p), Bytes(copied))
	ip := header.IPv4(Bytes(p))
	require.True(t, ip.IsChecksumValid())
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(ip.Payload())))
	require.EqualValues(t, 0xffff, header.TCP(ip.Payload()).CalculateChecksum(sum))

	_, down := Refuse(harness.Up, syn)
	_, none := FromBytes(Bytes(down))
	require.Nil(t, none, "it is for the client")
}

func TestTooBig(t *testing.T) {
	syn := Segment{Tuple: tuple()}
	_, p := Refuse(harness.Down, syn)
	_, none := TooBig(syn, p, 1280)
	require.Nil(t, none, "it may be fragmented")

	raw := header.IPv4(Bytes(p))
	raw.SetFlagsFragmentOffset(header.IPv4FlagDontFragment, 0)
	s, answer := TooBig(syn, fromRaw(raw), 1280)
	require.Equal(t, syn.Tuple, s.Tuple)
	ip := header.IPv4(Bytes(answer))
	require.Len(t, ip, s.Size)
	require.Equal(t, access.Router(), ip.SourceAddress().As4())
	require.Equal(t, access.Client(0), ip.DestinationAddress().As4())
	require.EqualValues(t, 1280, header.ICMPv4(ip.Payload()).MTU())
	ip.SetFlagsFragmentOffset(header.IPv4FlagDontFragment, 0)
	_, none = TooBig(s, fromRaw(ip), 1280)
	require.Nil(t, none, "no error is about an error")
}

func TestFlip(t *testing.T) {
	_, p := Refuse(harness.Down, Segment{Tuple: tuple()})
	before := Bytes(p)
	for _, n := range []uint64{0, 9, 1 << 40, 1<<64 - 1} {
		after, changed := Bytes(Flip(Copy(p), n)), 0
		for i := range before {
			changed += bits.OnesCount8(before[i] ^ after[i])
		}
		require.Equal(t, 1, changed)
	}
}

func FuzzTimestamps(f *testing.F) {
	syn := make([]byte, 20)
	n := header.EncodeMSSOption(1460, syn)
	n += header.EncodeSACKPermittedOption(syn[n:])
	n += header.EncodeTSOption(1, 2, syn[n:])
	n += header.EncodeNOP(syn[n:])
	header.EncodeWSOption(7, syn[n:])
	f.Add(syn)
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
