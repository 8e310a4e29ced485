package packet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/access"
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
	data := segment{seq: 100, payload: 50, flags: ack, stamped: true, stamp: 7}
	server.hear(data)
	require.False(t, server.stale(segment{flags: ack, stamped: true, echo: 7}))
	server.acked = 150

	again := data
	again.stamp = 9
	server.hear(again)
	require.True(t, server.stale(segment{flags: ack, stamped: true, echo: 7}), "the last segment came again: Linux echoes the new timestamp")
	require.False(t, server.stale(segment{flags: ack, stamped: true, echo: 9}))
	require.False(t, server.stale(segment{flags: rst, echo: 7}), "no timestamp to mend")

	for name, s := range map[string]segment{
		"older than the last acknowledgement": {seq: 50, payload: 50, flags: ack, stamped: true, stamp: 20},
		"beyond a hole":                       {seq: 200, payload: 50, flags: ack, stamped: true, stamp: 21},
		"an older timestamp":                  {seq: 150, payload: 50, flags: ack, stamped: true, stamp: 8},
		"without a timestamp":                 {seq: 150, payload: 50, flags: ack, stamp: 22},
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
		h.note(segment{seq: 99, flags: syn}, &peer, time.Second)
		_, ok := h.echoFor(segment{ack: 100, flags: syn | ack, stamped: true, echo: 1000}, 1300*time.Millisecond)
		require.False(t, ok, "the handshake is told as it was")
		require.InDelta(t, 0.3, h.rtt.Mean.Seconds(), 1e-9)
		h.note(segment{seq: 100, payload: 50, flags: ack}, &peer, 1300*time.Millisecond)
		return h
	}
	answer := segment{ack: 150, flags: ack, stamped: true, echo: 1300}

	h := begin()
	echo, ok := h.echoFor(answer, 1600*time.Millisecond)
	require.True(t, ok)
	require.InDelta(t, 0.9, h.told.mean+4*h.told.deviation, 0.01, "Linux's time-out is still that")
	require.NotEqual(t, answer.echo, echo)
	_, ok = h.echoFor(answer, 1610*time.Millisecond)
	require.False(t, ok, "it acknowledges nothing new")

	h = begin()
	h.note(segment{seq: 100, payload: 50, flags: ack}, &half{Half: &access.Half{}}, 2200*time.Millisecond)
	late := answer
	late.echo = 2200
	echo, ok = h.echoFor(late, 2500*time.Millisecond)
	require.True(t, ok)
	require.False(t, access.After(late.echo, echo), "after a retransmission no echo is older than the true one")
}
