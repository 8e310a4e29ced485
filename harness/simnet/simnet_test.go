package simnet_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(tb testing.TB, g simnet.Engine, c harness.NetworkConfig) *simnet.Network {
	tb.Helper()
	c.Start = time.Now()
	c.Clients = max(1, c.Clients)
	n, err := g.New(c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, n.Close()) })
	return n
}

// echo serves whoever connects to a new listener of the server, until the network
// ends, and returns its address.
func echo(tb testing.TB, n *simnet.Network) string {
	tb.Helper()
	return serve(tb, n, func(c net.Conn) { _, _ = io.Copy(c, c) })
}

// serve is echo with another answer.
func serve(tb testing.TB, n *simnet.Network, each func(net.Conn)) string {
	tb.Helper()
	l, err := n.Server().Listen(context.Background(), "tcp", ":0")
	require.NoError(tb, err)
	go func() { // it ends with the network, at the latest at the end of its bubble
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
				var l bench.Log
				synctest.Test(t, func(t *testing.T) {
					n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: seed, Profile: bench.Both(tc.path), Packets: &l})
					bench.Exchange(t, dial(t, n.Client(0), echo(t, n)), tc.size)
				})
				require.Zero(t, l.Count(func(p harness.Packet) bool { return p.Size > 1500 }))
				if tc.path.Loss.P > 0 || tc.path.Corrupt > 0 {
					require.NotZero(t, l.Count(bench.Retransmitted))
				}
			}
		})
	}
}
