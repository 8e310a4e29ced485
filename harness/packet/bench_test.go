package packet_test

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// road is a way to get a client and a server connected. All of them are
// measured in one run, since only their ratios mean something on a shared
// machine.
type road struct {
	name    string
	connect func(*testing.B) (client, server net.Conn)
}

func roads() []road {
	return []road{{"loopback", direct}, {"toxiproxy", proxied}, {"packet", inProcess}, {"splice", spliced}}
}

func direct(b *testing.B) (client, server net.Conn) {
	b.Helper()
	l := loopback(b)
	return join(b, l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) })
}

func proxied(b *testing.B) (client, server net.Conn) {
	b.Helper()
	l := loopback(b)
	s := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(s, "bench", "127.0.0.1:0", l.Addr().String())
	require.NoError(b, s.Collection.Add(p, true))
	b.Cleanup(func() { _ = s.Collection.Clear() })
	return join(b, l, func() (net.Conn, error) { return net.Dial("tcp", p.Listen) })
}

func inProcess(b *testing.B) (client, server net.Conn) {
	b.Helper()
	n := open(b, harness.NetworkConfig{})
	l, err := n.Server().Listen(b.Context(), "tcp", ":0")
	require.NoError(b, err)
	return join(b, l, func() (net.Conn, error) {
		return n.Client(0).DialContext(b.Context(), "tcp", l.Addr().String())
	})
}

func spliced(b *testing.B) (client, server net.Conn) {
	b.Helper()
	n, l := open(b, harness.NetworkConfig{}), loopback(b)
	addr, err := n.Splice(b.Context(), 0, l.Addr().String())
	require.NoError(b, err)
	return join(b, l, func() (net.Conn, error) { return net.Dial("tcp", addr) })
}

func loopback(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { l.Close() })
	return l
}

func join(b *testing.B, l net.Listener, dial func() (net.Conn, error)) (client, server net.Conn) {
	b.Helper()
	client, err := dial()
	require.NoError(b, err)
	server, err = l.Accept()
	require.NoError(b, err)
	b.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// BenchmarkBulk sends a stream one way over one connection.
func BenchmarkBulk(b *testing.B) {
	for _, r := range roads() {
		b.Run(r.name, func(b *testing.B) {
			client, server := r.connect(b)
			chunk := make([]byte, 64<<10)
			var sent sync.WaitGroup
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			b.ResetTimer()
			sent.Go(func() {
				for range b.N {
					if _, err := client.Write(chunk); err != nil {
						b.Error(err)
						return
					}
				}
			})
			_, err := io.CopyN(io.Discard, server, int64(b.N)*int64(len(chunk)))
			require.NoError(b, err)
			b.StopTimer()
			sent.Wait()
		})
	}
}

// BenchmarkRoundTrip sends 100 bytes there and back over one connection.
func BenchmarkRoundTrip(b *testing.B) {
	for _, r := range roads() {
		b.Run(r.name, func(b *testing.B) {
			client, server := r.connect(b)
			var served sync.WaitGroup
			served.Go(func() { _, _ = io.Copy(server, server) })
			message := make([]byte, 100)
			took := make([]time.Duration, 0, b.N)
			b.ReportAllocs()
			for b.Loop() {
				begin := time.Now()
				if _, err := client.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(client, message); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2])/1e3, "µs-p50")
			client.Close()
			served.Wait()
		})
	}
}

// BenchmarkLateness measures how much later than decided packets arrive over a
// delay, on a machine with nothing else to do.
func BenchmarkLateness(b *testing.B) {
	var l bench.Log
	n := open(b, harness.NetworkConfig{Profile: bench.Both(harness.Path{Delay: 3600 * time.Microsecond}), Packets: &l})
	c := dial(b, n.Client(0), echo(b, n))
	for b.Loop() {
		bench.Exchange(b, c, 100)
	}
	var late []time.Duration
	for _, p := range l.All(bench.Any) {
		late = append(late, p.Late)
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2])/1e3, "µs-late-p50")
	b.ReportMetric(float64(late[len(late)*99/100])/1e3, "µs-late-p99")
}
