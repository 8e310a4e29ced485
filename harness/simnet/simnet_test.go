package simnet_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
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
