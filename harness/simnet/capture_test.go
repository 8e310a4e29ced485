package simnet_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// film judges what it is shown, and puts a stream together again.
type film struct {
	t       *testing.T
	packets int
	bytes   int
	stream  []byte // up, by sequence number
	isn     uint32
	quoted  int
	pieces  int
}

// The offsets of fields: RFC 791, RFC 9293.
const (
	fieldProtocol = 9
	fieldTCP      = 20
	fieldSequence = fieldTCP + 4
	fieldHeader   = fieldTCP + 12
	fieldFlags    = fieldTCP + 13
)

// Capture implements harness.PacketCapture.
func (f *film) Capture(_ time.Duration, _ int, d harness.Direction, raw []byte) {
	f.packets++
	f.bytes += len(raw)
	require.EqualValues(f.t, 0x45, raw[0])
	require.EqualValues(f.t, len(raw), binary.BigEndian.Uint16(raw[2:]))
	require.EqualValues(f.t, 0xffff, sum(raw[:20]))
	switch raw[fieldProtocol] {
	case 6:
		pseudo := append(append([]byte{}, raw[12:20]...), 0, 6, 0, 0)
		binary.BigEndian.PutUint16(pseudo[10:], uint16(len(raw)-20))
		require.EqualValues(f.t, 0xffff, sum(append(pseudo, raw[fieldTCP:]...)))
		if d == harness.Up {
			f.put(raw)
		}
	case 17:
		f.pieces++
	case 1:
		require.EqualValues(f.t, 0xffff, sum(raw[20:]))
		require.EqualValues(f.t, 0xffff, sum(raw[28:48]), "it quotes a packet")
		f.quoted++
	default:
		require.Fail(f.t, "unknown protocol")
	}
}

// put takes the data of a segment.
func (f *film) put(raw []byte) {
	const synFlag = 2
	sequence := binary.BigEndian.Uint32(raw[fieldSequence:])
	if raw[fieldFlags]&synFlag != 0 {
		f.isn = sequence
		return
	}
	if data := raw[fieldTCP+int(raw[fieldHeader]>>4)*4:]; len(data) > 0 {
		at := int(sequence - f.isn - 1)
		f.stream = append(f.stream, make([]byte, max(0, at+len(data)-len(f.stream)))...)
		copy(f.stream[at:], data)
	}
}

// sum is the checksum of RFC 1071; over a field that makes it right it is 0xffff.
func sum(b []byte) uint16 {
	total := 0
	for i, c := range b {
		total += int(c) << (8 * (1 - i%2))
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

// TestCapture has every packet shown, as long as the sink says, with the bytes that
// were written.
func TestCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l bench.Log
		f := &film{t: t}
		path := harness.Path{Delay: 20 * time.Millisecond, Loss: harness.Loss{P: 0.05}, MTU: 1400}
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: 4, Profile: bench.Both(path), Packets: &l, Capture: f})
		c := dial(t, n.Client(0), echo(t, n))
		bench.Exchange(t, c, 100_000)
		require.NoError(t, c.Close())
		require.True(t, string(bench.Noise(100_000, 100_000)) == string(f.stream))
		require.NotZero(t, f.quoted)

		d, err := n.Client(0).DialContext(t.Context(), "udp", "10.0.0.1:7")
		require.NoError(t, err)
		before := f.quoted
		for _, size := range []int{100, 1460, 5000} {
			if _, err := d.Write(make([]byte, size)); err != nil { // of the one before: nobody listens
				_, err = d.Write(make([]byte, size))
				require.NoError(t, err)
			}
			time.Sleep(time.Second)
		}
		require.NoError(t, d.Close())
		require.Equal(t, 1+1+4, f.pieces)
		require.Greater(t, f.quoted, before, "nobody listens, and too large")
		time.Sleep(5 * time.Minute)
		packets, bytes := 0, 0
		for _, p := range l.Take() {
			packets, bytes = packets+1, bytes+p.Size
		}
		require.Equal(t, packets, f.packets)
		require.Equal(t, bytes, f.bytes)
	})
}
