package simnet_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/simnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tape collects what a network tells of its packets.
type tape struct {
	mu      sync.Mutex
	packets []harness.Packet
}

func (l *tape) Packet(p harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, p)
}

// take returns the packets so far, and forgets them.
func (l *tape) take() []harness.Packet {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.packets
	l.packets = nil
	return taken
}

func (l *tape) count(match func(harness.Packet) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.packets {
		if match(p) {
			n++
		}
	}
	return n
}

func retransmitted(p harness.Packet) bool { return p.Retransmit }
func dropped(p harness.Packet) bool       { return p.Drop != harness.DropNone }

func open(tb testing.TB, g simnet.Engine, c harness.NetworkConfig) *simnet.Network {
	tb.Helper()
	c.Start = time.Now()
	c.Clients = max(1, c.Clients)
	n, err := g.New(c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, n.Close()) })
	return n
}

func symmetric(p harness.Path) harness.Profile { return harness.Profile{Up: p, Down: p} }

func delay(d time.Duration) harness.Profile { return symmetric(harness.Path{Delay: d}) }

// echo serves whoever connects to a new listener of the server, until the network
// ends, and returns its address.
func echo(tb testing.TB, n *simnet.Network) string {
	tb.Helper()
	return serve(tb, n, func(c net.Conn) { _, _ = io.Copy(c, c) })
}

func serve(tb testing.TB, n *simnet.Network, each func(net.Conn)) string {
	tb.Helper()
	l, err := n.Server().Listen(context.Background(), "tcp", ":0")
	require.NoError(tb, err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				each(c)
			}()
		}
	}()
	return l.Addr().String()
}

func dial(tb testing.TB, h harness.Host, addr string) net.Conn {
	tb.Helper()
	c, err := h.DialContext(context.Background(), "tcp", addr)
	require.NoError(tb, err)
	tb.Cleanup(func() { c.Close() })
	return c
}

// exchange sends a request and reads the answer back.
func exchange(tb testing.TB, c net.Conn, size int) time.Duration {
	tb.Helper()
	begin := time.Now()
	want := make([]byte, size)
	for i := range want {
		want[i] = byte(i ^ i>>8)
	}
	_, err := c.Write(want)
	require.NoError(tb, err)
	got := make([]byte, size)
	_, err = io.ReadFull(c, got)
	require.NoError(tb, err)
	require.True(tb, bytes.Equal(want, got))
	return time.Since(begin)
}

func TestTimesAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(150 * time.Millisecond)})
		addr := echo(t, n)
		begin := time.Now()
		c := dial(t, n.Client(0), addr)
		require.InDelta(t, 300*time.Millisecond, time.Since(begin), float64(time.Microsecond))
		for range 5 {
			require.InDelta(t, 300*time.Millisecond, exchange(t, c, 200), float64(time.Microsecond))
			time.Sleep(time.Second)
		}
	})
}

func TestLossRecovers(t *testing.T) {
	for name, tc := range map[string]struct {
		path harness.Path
		size int
	}{
		"loss":      {harness.Path{Delay: 20 * time.Millisecond, Loss: harness.Loss{P: 0.1}}, 300_000},
		"heavy":     {harness.Path{Delay: 20 * time.Millisecond, Loss: harness.Loss{P: 0.3}}, 100_000},
		"bursts":    {harness.Path{Delay: 20 * time.Millisecond, Loss: harness.Loss{GE: &harness.GEModel{P: 0.02, R: 0.2, LossBad: 0.9}}}, 300_000},
		"reorder":   {harness.Path{Delay: 20 * time.Millisecond, Reorder: 0.1}, 300_000},
		"duplicate": {harness.Path{Delay: 20 * time.Millisecond, Duplicate: 0.3}, 300_000},
		"corrupt":   {harness.Path{Delay: 20 * time.Millisecond, Corrupt: 0.05}, 300_000},
		"queue":     {harness.Path{Delay: 20 * time.Millisecond, Rate: 1_000_000, Limit: 10_000}, 300_000},
		"everything": {harness.Path{
			Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Rate: 1_000_000,
			Reorder: 0.05, Duplicate: 0.05, Corrupt: 0.05, Loss: harness.Loss{P: 0.05},
		}, 300_000},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				var l tape
				synctest.Test(t, func(t *testing.T) {
					n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: seed, Profile: symmetric(tc.path), Packets: &l})
					exchange(t, dial(t, n.Client(0), echo(t, n)), tc.size)
				})
				require.Zero(t, l.count(func(p harness.Packet) bool { return p.Size > 1500 }))
				if tc.path.Loss.P > 0 || tc.path.Corrupt > 0 {
					require.NotZero(t, l.count(retransmitted))
				}
			}
		})
	}
}

func TestNoLossNoRetransmission(t *testing.T) {
	var l tape
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(100 * time.Millisecond), Packets: &l})
		c := dial(t, n.Client(0), echo(t, n))
		for _, size := range []int{1, 1448, 1449, 100_000} {
			exchange(t, c, size)
		}
	})
	require.Zero(t, l.count(func(p harness.Packet) bool { return dropped(p) && p.Drop != harness.DropStopped }))
	require.Zero(t, l.count(retransmitted))
}

func TestBlackhole(t *testing.T) {
	for _, d := range []harness.Direction{harness.DirectionUnknown, harness.Up, harness.Down} {
		t.Run(d.String(), func(t *testing.T) {
			var l tape
			synctest.Test(t, func(t *testing.T) {
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(150 * time.Millisecond), Packets: &l})
				c := dial(t, n.Client(0), echo(t, n))
				exchange(t, c, 100)
				end, err := n.Inject(harness.Fault{Action: harness.Blackhole, Direction: d})
				require.NoError(t, err)
				_, err = c.Write(make([]byte, 100))
				require.NoError(t, err)
				require.NoError(t, c.SetReadDeadline(time.Now().Add(15*time.Second)))
				_, err = c.Read(make([]byte, 100))
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				require.True(t, timeout.Timeout())
				hits := end()
				require.Positive(t, hits)
				require.EqualValues(t, l.count(func(p harness.Packet) bool { return p.Drop == harness.DropOutage }), hits)
				require.Zero(t, l.count(func(p harness.Packet) bool {
					return p.Drop == harness.DropOutage && d != harness.DirectionUnknown && p.Direction != d
				}))
				back := time.Now()
				require.NoError(t, c.SetReadDeadline(time.Time{}))
				_, err = io.ReadFull(c, make([]byte, 100))
				require.NoError(t, err, "the request gets through once the link is back")
				t.Logf("resumed after %v", time.Since(back))
				require.Less(t, time.Since(back), 16*time.Second, "time-outs double")
			})
		})
	}
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Clients: 2, Profile: delay(20 * time.Millisecond)})
		l, err := n.Server().Listen(t.Context(), "tcp", ":0")
		require.NoError(t, err)
		var ends []net.Conn
		for i := range 2 {
			client := dial(t, n.Client(i), l.Addr().String())
			server, err := l.Accept()
			require.NoError(t, err)
			ends = append(ends, client, server)
		}
		got := make(chan error, len(ends))
		for _, c := range ends {
			go func() {
				_, err := c.Read(make([]byte, 1))
				got <- err
			}()
		}
		end, err := n.Inject(harness.Fault{Action: harness.Reset})
		require.NoError(t, err)
		require.EqualValues(t, 2, end())
		for range ends {
			require.ErrorIs(t, <-got, syscall.ECONNRESET)
		}
		for _, c := range ends {
			_, err := c.Write([]byte("x"))
			require.ErrorIs(t, err, syscall.ECONNRESET, "and by whoever asks later")
		}
	})
}

func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(5 * time.Millisecond)})
		addr := echo(t, n)
		before := dial(t, n.Client(0), addr)
		end, err := n.Inject(harness.Fault{Action: harness.Refuse})
		require.NoError(t, err)
		for range 3 {
			_, err := n.Client(0).DialContext(t.Context(), "tcp", addr)
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
		exchange(t, before, 100)
		require.EqualValues(t, 3, end())
		exchange(t, dial(t, n.Client(0), addr), 100)
	})
}
