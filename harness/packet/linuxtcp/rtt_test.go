package linuxtcp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/segment"
)

// TestToldTimes has gVisor's estimator follow Linux's on steady links, and after
// one long round trip.
func TestToldTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rtt := rapid.Float64Range(0.1, 10).Draw(t, "rtt")
		packets := rapid.IntRange(1, 4).Draw(t, "packets")
		var e access.RTT
		var g told
		tell := func(sample float64) {
			first := e.Mean == 0
			e.Sample(time.Duration(sample*float64(time.Second)), 2, 1) // each in a round of its own
			if !first {
				sample = g.choose(&e, packets)
			}
			g.add(sample, packets)
		}
		follows := func() {
			require.InEpsilon(t, e.Timeout().Seconds(), g.mean+4*g.deviation, 0.1, "time-out")
			require.Greater(t, 2*g.mean, rtt, "no probe for one of several packets before its acknowledgement")
			require.Less(t, 2*g.mean+floor, e.Timeout().Seconds()+probeMargin.Seconds()+rtt/8+0.02, "probe")
		}
		for range 400 {
			tell(rtt)
			require.GreaterOrEqual(t, g.mean+4*g.deviation, rtt+0.05, "the time-out is never too early")
		}
		follows()
		tell(rtt + 1)
		require.InEpsilon(t, e.Timeout().Seconds(), g.mean+4*g.deviation, 0.1)
		for range 400 {
			tell(rtt)
		}
		follows()
	})
}

// TestEchoes is about the timestamps a host has heard, and what it would echo.
func TestEchoes(t *testing.T) {
	server := half{Half: &access.Half{}, acking: true, acked: 100}
	data := segment.Segment{Segment: access.Segment{Seq: 100, Payload: 50, Flags: access.Ack}, Stamped: true, Stamp: 7}
	server.hear(data)
	require.False(t, server.stale(segment.Segment{Segment: access.Segment{Flags: access.Ack}, Stamped: true, Echo: 7}))
	server.acked = 150

	again := data
	again.Stamp = 9
	server.hear(again)
	require.True(t, server.stale(segment.Segment{Segment: access.Segment{Flags: access.Ack}, Stamped: true, Echo: 7}), "the last segment came again: Linux echoes the new timestamp")
	require.False(t, server.stale(segment.Segment{Segment: access.Segment{Flags: access.Ack}, Stamped: true, Echo: 9}))
	require.False(t, server.stale(segment.Segment{Segment: access.Segment{Flags: access.Rst}, Echo: 7}), "no timestamp to mend")

	for name, s := range map[string]segment.Segment{
		"older than the last acknowledgement": {Segment: access.Segment{Seq: 50, Payload: 50, Flags: access.Ack}, Stamped: true, Stamp: 20},
		"beyond a hole":                       {Segment: access.Segment{Seq: 200, Payload: 50, Flags: access.Ack}, Stamped: true, Stamp: 21},
		"an older timestamp":                  {Segment: access.Segment{Seq: 150, Payload: 50, Flags: access.Ack}, Stamped: true, Stamp: 8},
		"without a timestamp":                 {Segment: access.Segment{Seq: 150, Payload: 50, Flags: access.Ack}, Stamp: 22},
	} {
		server.hear(s)
		require.EqualValues(t, 9, server.recent, name)
	}
}

// TestEchoFor is about which segments tell a host of a round trip.
func TestEchoFor(t *testing.T) {
	begin := func() *half {
		h := &half{Half: &access.Half{}, syn: synStamps{at: time.Second, first: 1000}}
		peer := half{Half: &access.Half{}}
		h.note(segment.Segment{Segment: access.Segment{Seq: 99, Flags: access.Syn}}, &peer, time.Second)
		_, ok := h.echoFor(segment.Segment{Segment: access.Segment{Ack: 100, Flags: access.Syn | access.Ack}, Stamped: true, Echo: 1000}, 1300*time.Millisecond)
		require.False(t, ok, "the handshake is told as it was")
		require.InDelta(t, 0.3, h.rtt.Mean.Seconds(), 1e-9)
		h.note(segment.Segment{Segment: access.Segment{Seq: 100, Payload: 50, Flags: access.Ack}}, &peer, 1300*time.Millisecond)
		return h
	}
	answer := segment.Segment{Segment: access.Segment{Ack: 150, Flags: access.Ack}, Stamped: true, Echo: 1300}

	h := begin()
	echo, ok := h.echoFor(answer, 1600*time.Millisecond)
	require.True(t, ok)
	require.InDelta(t, 0.9, h.told.mean+4*h.told.deviation, 0.01, "Linux's time-out is still that")
	require.NotEqual(t, answer.Echo, echo)
	_, ok = h.echoFor(answer, 1610*time.Millisecond)
	require.False(t, ok, "it acknowledges nothing new")

	h = begin()
	h.note(segment.Segment{Segment: access.Segment{Seq: 100, Payload: 50, Flags: access.Ack}}, &half{Half: &access.Half{}}, 2200*time.Millisecond)
	late := answer
	late.Echo = 2200
	echo, ok = h.echoFor(late, 2500*time.Millisecond)
	require.True(t, ok)
	require.False(t, access.After(late.Echo, echo), "after a retransmission no echo is older than the true one")
}
