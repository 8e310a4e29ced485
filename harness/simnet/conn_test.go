package simnet_test

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// pair returns both ends of a connection over a link of 10 ms each way.
func pair(t *testing.T, g simnet.Engine, c harness.NetworkConfig) (n *simnet.Network, client, server net.Conn) {
	t.Helper()
	if c.Profile == (harness.Profile{}) {
		c.Profile = bench.Link(10 * time.Millisecond)
	}
	n = open(t, g, c)
	client, server = connect(t, n)
	return n, client, server
}

// connect dials the server and returns both ends.
func connect(t *testing.T, n *simnet.Network) (client, server net.Conn) {
	t.Helper()
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	client = dial(t, n.Client(0), l.Addr().String())
	server, err = l.Accept()
	require.NoError(t, err)
	return client, server
}

func TestDialIntoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l bench.Log
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Both(loss(1)), Packets: &l})
		begin := time.Now()
		_, err := n.Client(0).DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, syscall.ETIMEDOUT)
		require.InDelta(t, 127, time.Since(begin).Seconds(), 8, "Linux's tcp_syn_retries")
		require.Equal(t, 7, l.Count(func(p harness.Packet) bool { return p.Size == 60 }))
		require.Equal(t, 6, l.Count(bench.Retransmitted))

		begin = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = n.Client(0).DialContext(ctx, "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}

// TestSlowReader has the window close, be probed, and open again.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l bench.Log
		_, client, server := pair(t, simnet.Engine{SendBuffer: 100_000, ReceiveBuffer: 50_000}, harness.NetworkConfig{Packets: &l})
		require.NoError(t, server.(interface{ SetKeepAlive(bool) error }).SetKeepAlive(false))
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err := client.Write(make([]byte, 1_000_000))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 150_000, n, "both buffers are full")
		require.NoError(t, client.SetWriteDeadline(time.Time{}))
		before := l.Len()
		time.Sleep(10 * time.Minute)
		probes := l.Len() - before
		require.Greater(t, probes, 2)
		require.Less(t, probes, 40, "probes back off")
		go func() {
			_, err := client.Write(make([]byte, 1_000_000-n))
			require.NoError(t, err)
			require.NoError(t, client.Close())
		}()
		begin := time.Now()
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.Len(t, got, 1_000_000)
		require.Less(t, time.Since(begin), 5*time.Second, "the reader says that there is room")
		require.Zero(t, l.Count(bench.Retransmitted))
	})
}

func TestKeepAlive(t *testing.T) {
	for name, on := range map[string]bool{"on": true, "off": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l bench.Log
				n, client, server := pair(t, simnet.Engine{}, harness.NetworkConfig{Packets: &l})
				for _, c := range []net.Conn{client, server} {
					require.NoError(t, c.(interface{ SetKeepAlive(bool) error }).SetKeepAlive(on))
				}
				before := l.Len()
				time.Sleep(10 * time.Minute)
				if !on {
					require.Equal(t, before, l.Len())
					return
				}
				require.NotEqual(t, before, l.Len())
				require.Zero(t, l.Count(bench.Retransmitted))
				require.NoError(t, bench.WriteErr(client), "it lives")
				time.Sleep(time.Second)
				_, err := n.Inject(harness.Fault{Action: harness.Blackhole})
				require.NoError(t, err)
				begin := time.Now()
				require.NoError(t, bench.ReadErr(server))
				require.ErrorIs(t, bench.ReadErr(server), syscall.ETIMEDOUT)
				require.InDelta(t, 150, time.Since(begin).Seconds(), 5, "15 s, and nine probes")
			})
		})
	}
}

// TestNobodyAnswers waits until TCP gives up.
func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, client, _ := pair(t, simnet.Engine{}, harness.NetworkConfig{})
		_, err := n.Inject(harness.Fault{Action: harness.Blackhole})
		require.NoError(t, err)
		begin := time.Now()
		require.NoError(t, bench.WriteErr(client))
		require.ErrorIs(t, bench.ReadErr(client), syscall.ETIMEDOUT)
		require.InDelta(t, 925, time.Since(begin).Seconds(), 130, "Linux's tcp_retries2")
	})
}

// TestPortsAreUsedAgain makes more connections than there are ephemeral ports.
func TestPortsAreUsedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{})
		addr := serve(t, n, func(c net.Conn) { _ = bench.ReadErr(c) })
		for range 30_000 {
			c, err := n.Client(0).DialContext(t.Context(), "tcp", addr)
			require.NoError(t, err)
			require.NoError(t, c.Close())
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// TestRealTime is the same outside a bubble.
func TestRealTime(t *testing.T) {
	n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(5 * time.Millisecond)})
	c := dial(t, n.Client(0), echo(t, n))
	for range 3 {
		took := bench.Exchange(t, c, 20_000)
		require.GreaterOrEqual(t, took, 10*time.Millisecond)
		require.Less(t, took, 5*time.Second)
	}
	require.NoError(t, n.Close())
}
