package packet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

func TestCrossTraffic(t *testing.T) {
	for name, tc := range map[string]struct {
		direction harness.Direction
		flows     int // of each client
		up, down  bool
	}{
		"down": {harness.Down, 1, false, true},
		"up":   {harness.Up, 1, true, false},
		"both": {harness.DirectionUnknown, 2, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			var l bench.Log
			path := harness.Path{Delay: 5 * time.Millisecond, Rate: 4_000_000}
			n := open(t, harness.NetworkConfig{Clients: 2, Profile: bench.Both(path), Packets: &l})
			c := dial(t, n.Client(0), echo(t, n))
			end, err := n.Inject(harness.Fault{Action: harness.CrossTraffic, Direction: tc.direction})
			require.NoError(t, err)
			full := func(d harness.Direction, client int) int {
				return l.Count(func(p harness.Packet) bool {
					return p.Cross && p.Direction == d && p.Size > 1400 && p.Client == client
				})
			}
			require.Eventually(t, func() bool {
				for client := range 2 {
					if tc.up && full(harness.Up, client) < 50 || tc.down && full(harness.Down, client) < 50 {
						return false
					}
				}
				return true
			}, patience, time.Millisecond)
			bench.Exchange(t, c, 300)
			hits := end()
			arrived := l.Count(func(p harness.Packet) bool { return p.Cross && p.Drop == harness.DropNone })
			require.Positive(t, hits)
			require.LessOrEqual(t, hits, int64(arrived))
			if !tc.up {
				require.Zero(t, full(harness.Up, 0))
			}
			if !tc.down {
				require.Zero(t, full(harness.Down, 0))
			}
			flows := map[[2]int]bool{}
			for _, p := range l.All(bench.Any) {
				if p.Cross {
					flows[[2]int{p.Client, p.Flow}] = true
				}
				require.True(t, p.Cross || p.Size < 1400, "a payment's packets are not marked")
			}
			require.Len(t, flows, 2*tc.flows)
			require.False(t, flows[[2]int{0, 1}], "the first flow is the payment's")

			// Once the queue has drained nothing more comes.
			require.Eventually(t, func() bool {
				before := l.Count(func(p harness.Packet) bool { return p.Cross })
				time.Sleep(300 * time.Millisecond)
				return l.Count(func(p harness.Packet) bool { return p.Cross }) == before
			}, patience, time.Millisecond)
		})
	}
}

// TestBufferbloat fills a queue that takes 0.6 s to empty.
func TestBufferbloat(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for seconds")
	}
	const rate, limit = 4_000_000, 300_000
	const full = time.Second * limit * 8 / rate
	var l bench.Log
	path := harness.Path{Delay: 10 * time.Millisecond, Rate: rate, Limit: limit}
	n := open(t, harness.NetworkConfig{Profile: bench.Both(path), Packets: &l})
	c := dial(t, n.Client(0), echo(t, n))
	idle := bench.Exchange(t, c, 200)
	end, err := n.Inject(harness.Fault{Action: harness.CrossTraffic, Direction: harness.Down})
	require.NoError(t, err)
	var worst time.Duration
	require.Eventually(t, func() bool {
		worst = max(worst, bench.Exchange(t, c, 200))
		return worst >= full*8/10
	}, 2*patience, time.Millisecond)
	require.NotZero(t, end())
	t.Logf("round trip %v idle, %v with a full queue of %v", idle, worst, full)
	var waited time.Duration
	for _, p := range l.All(bench.Any) {
		if p.Drop == harness.DropNone {
			waited = max(waited, p.Delay-p.Late)
		}
	}
	require.LessOrEqual(t, waited, full+50*time.Millisecond, "no packet waits longer than the queue is")
}

// TestCrossTrafficBeginsAgain breaks the transfer.
func TestCrossTrafficBeginsAgain(t *testing.T) {
	var l bench.Log
	n := open(t, harness.NetworkConfig{Profile: bench.Both(harness.Path{Rate: 2_000_000}), Packets: &l})
	endless, err := n.Inject(harness.Fault{Action: harness.CrossTraffic, Direction: harness.Down})
	require.NoError(t, err)
	flow := func(want int) func() bool {
		return func() bool {
			return l.Count(func(p harness.Packet) bool { return p.Cross && p.Flow == want && p.Size > 1400 }) > 10
		}
	}
	require.Eventually(t, flow(1), patience, time.Millisecond)
	end, err := n.Inject(harness.Fault{Action: harness.Reset})
	require.NoError(t, err)
	require.EqualValues(t, 1, end())
	require.Eventually(t, flow(2), patience, time.Millisecond)
	require.NotZero(t, endless())
}
