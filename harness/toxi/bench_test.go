package toxi_test

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/toxi"
)

// ways are three ways to a server on this machine.
func ways() map[string]func(testing.TB, net.Listener) net.Conn {
	return map[string]func(testing.TB, net.Listener) net.Conn{
		"direct": func(tb testing.TB, l net.Listener) net.Conn {
			tb.Helper()
			return connect(tb, l.Addr().String())
		},
		"toxiproxy": func(tb testing.TB, l net.Listener) net.Conn {
			tb.Helper()
			s := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
			p := toxiproxy.NewProxy(s, "bench", "127.0.0.1:0", l.Addr().String())
			require.NoError(tb, s.Collection.Add(p, true))
			tb.Cleanup(func() { require.NoError(tb, s.Collection.Clear()) })
			return connect(tb, p.Listen)
		},
		"onebar": func(tb testing.TB, l net.Listener) net.Conn {
			tb.Helper()
			n, err := toxi.Engine{}.Open(tb.Context(), harness.NetworkConfig{Start: time.Now(), Clients: 1})
			require.NoError(tb, err)
			tb.Cleanup(func() { require.NoError(tb, n.Close()) })
			c, err := n.Client(0).DialContext(tb.Context(), "tcp", l.Addr().String())
			require.NoError(tb, err)
			return c
		},
	}
}

func connect(tb testing.TB, address string) net.Conn {
	tb.Helper()
	var d net.Dialer
	c, err := d.DialContext(tb.Context(), "tcp", address)
	require.NoError(tb, err)
	return c
}

// serve listens and hands every connection to f.
func serve(tb testing.TB, f func(net.Conn)) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	return l
}

// A round trip of 100 bytes, without impairment.
func BenchmarkRoundTrip(b *testing.B) {
	for name, way := range ways() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c := way(b, serve(b, func(c net.Conn) { _, _ = io.Copy(c, c) }))
			defer c.Close()
			buf := make([]byte, 100)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				_, err := c.Write(buf)
				require.NoError(b, err)
				_, err = io.ReadFull(c, buf)
				require.NoError(b, err)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns/op")
		})
	}
}

// A bulk upload, without impairment.
func BenchmarkBulk(b *testing.B) {
	for name, way := range ways() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			const size = 1 << 20
			c := way(b, serve(b, func(c net.Conn) {
				buf := make([]byte, size)
				for {
					if _, err := io.ReadFull(c, buf); err != nil {
						return
					}
					if _, err := c.Write(buf[:1]); err != nil {
						return
					}
				}
			}))
			defer c.Close()
			buf := make([]byte, size)
			b.SetBytes(size)
			for b.Loop() {
				_, err := c.Write(buf)
				require.NoError(b, err)
				_, err = io.ReadFull(c, buf[:1])
				require.NoError(b, err)
			}
		})
	}
}

// A connection of one round trip.
func BenchmarkDial(b *testing.B) {
	b.ReportAllocs()
	l := serve(b, func(c net.Conn) { _, _ = io.Copy(c, c) })
	n, err := toxi.Engine{}.Open(b.Context(), harness.NetworkConfig{Start: time.Now(), Clients: 1})
	require.NoError(b, err)
	defer n.Close()
	for b.Loop() {
		c, err := n.Client(0).DialContext(b.Context(), "tcp", l.Addr().String())
		require.NoError(b, err)
		require.NoError(b, bench.Finish(c, []byte("x")))
		_, err = io.ReadAll(c)
		require.NoError(b, err)
		c.Close()
	}
}
