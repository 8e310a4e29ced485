package packet_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

func tooBig(p harness.Packet) bool { return p.Drop == harness.DropMTU }

func TestPathMTUDiscovery(t *testing.T) {
	const small = 1300
	for name, tc := range map[string]struct {
		profile harness.Profile
		way     harness.Direction // of the packets that are too big
	}{
		"up":         {harness.Profile{Up: harness.Path{MTU: small}}, harness.Up},
		"down":       {harness.Profile{Down: harness.Path{MTU: small}}, harness.Down},
		"both":       {bench.Both(harness.Path{MTU: small}), harness.DirectionUnknown},
		"with delay": {bench.Both(harness.Path{MTU: small, Delay: 5 * time.Millisecond}), harness.DirectionUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			var l bench.Log
			n := open(t, harness.NetworkConfig{Profile: tc.profile, Packets: &l})
			c := dial(t, n.Client(0), echo(t, n))
			bench.Exchange(t, c, 60_000)
			fits := func(p harness.Packet) bool {
				most := tc.profile.Path(p.Direction).MTU
				return most == 0 || p.Size <= most
			}
			lost := 0
			for _, d := range []harness.Direction{harness.Up, harness.Down} {
				big := l.Count(func(p harness.Packet) bool { return tooBig(p) && p.Direction == d })
				require.Equal(t, tc.way == d || tc.way == harness.DirectionUnknown, big > 0, "%v: the largest segments were tried, so the SYN did not hide the MTU", d)
				lost += big
			}
			require.Zero(t, l.Count(func(p harness.Packet) bool { return tooBig(p) && fits(p) }))
			require.Zero(t, l.Count(func(p harness.Packet) bool { return !tooBig(p) && !fits(p) }))
			require.Equal(t, lost, l.Count(func(p harness.Packet) bool { return p.Size == 576 && p.Flow == 1 }), "one ICMP for each, on the link like the rest")
		})
	}
}

func TestPathMTUBlackhole(t *testing.T) {
	var l bench.Log
	path := harness.Path{MTU: 1300, MTUBlackhole: true}
	n := open(t, harness.NetworkConfig{Profile: bench.Both(path), Packets: &l})
	c := dial(t, n.Client(0), echo(t, n))
	bench.Exchange(t, c, 1248) // and 52 bytes of headers
	_, err := c.Write(make([]byte, 1249))
	require.NoError(t, err)
	silent(t, c)
	require.NotZero(t, l.Count(tooBig))
	require.Zero(t, l.Count(func(p harness.Packet) bool { return p.Size == 576 }))

	n.SetProfile(harness.Profile{})
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadFull(c, make([]byte, 1249))
	require.NoError(t, err, "TCP tries again and again")
}

// TestCorruptPackets has every packet arrive with a flipped bit, for a while.
func TestCorruptPackets(t *testing.T) {
	var l bench.Log
	n := open(t, harness.NetworkConfig{Packets: &l})
	c := dial(t, n.Client(0), echo(t, n))
	bench.Exchange(t, c, 100)
	n.SetProfile(bench.Both(harness.Path{Corrupt: 1}))
	before := l.Len()
	_, err := c.Write(make([]byte, 100))
	require.NoError(t, err)
	silent(t, c)
	broken := l.All(bench.Any)[before:]
	require.NotEmpty(t, broken)
	for _, p := range broken {
		require.True(t, p.Corrupt && p.Drop == harness.DropNone && p.Direction == harness.Up, "it arrives, and is not answered: %+v", p)
	}
	n.SetProfile(harness.Profile{})
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadFull(c, make([]byte, 100))
	require.NoError(t, err)
}
