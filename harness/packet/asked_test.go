package packet

import (
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// carried sends n datagrams of size bytes, IP header included, every so often
// over a link and returns what became of each, in order.
func carried(tb testing.TB, path harness.Path, n, size int, every time.Duration) []harness.Packet {
	tb.Helper()
	var l counts
	nw, err := New(harness.NetworkConfig{Seed: 1, Clients: 1, Profile: harness.Profile{Up: path}, Packets: &l})
	require.NoError(tb, err)
	server, err := nw.hosts.Server.ListenPacket(tb.Context(), "udp", ":7")
	require.NoError(tb, err)
	var draining sync.WaitGroup
	draining.Go(func() {
		b := make([]byte, access.MTU)
		for err := error(nil); err == nil; {
			_, _, err = server.ReadFrom(b)
		}
	})
	client, err := nw.Client(0).DialContext(tb.Context(), "udp", server.LocalAddr().String())
	require.NoError(tb, err)
	send(tb, client, n, size-28, every)
	require.Eventually(tb, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.packets) >= n
	}, time.Minute, time.Millisecond)
	client.Close()
	server.Close()
	require.NoError(tb, nw.Close())
	draining.Wait()
	slices.SortFunc(l.packets, func(a, b harness.Packet) int { return int(a.N - b.N) })
	require.Len(tb, l.packets, n)
	return l.packets
}

func send(tb testing.TB, c net.Conn, n, size int, every time.Duration) {
	tb.Helper()
	b, begin := make([]byte, size), time.Now()
	for i := range n {
		if every > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * every)))
		}
		_, err := c.Write(b)
		require.NoError(tb, err)
	}
}

// delays sends enough to say what a delay was.
func delays(tb testing.TB, delay time.Duration) []harness.Packet {
	tb.Helper()
	return carried(tb, harness.Path{Delay: delay}, 500, 100, 2*time.Millisecond)
}

// rates keeps a link busy for some seconds, or for 40 packets if that is more.
func rates(tb testing.TB, rate int64, seconds float64) []harness.Packet {
	tb.Helper()
	size := min(1500, max(228, int(rate/1000)))
	n := max(40, int(seconds*float64(rate)/float64(8*size)))
	return carried(tb, harness.Path{Rate: rate, Limit: 1 << 40}, n, size, 0)
}

// through is the rate between the arrivals of the first and the last packet,
// by the clock or, if decided, as the link meant it.
func through(packets []harness.Packet, decided bool) float64 {
	at := func(p harness.Packet) time.Duration {
		if decided {
			return p.At + p.Delay - p.Late
		}
		return p.At + p.Delay
	}
	last := len(packets) - 1
	return float64(8*packets[0].Size*last) / (at(packets[last]) - at(packets[0])).Seconds()
}

// lossOf counts what was lost, and in how many bursts.
func lossOf(packets []harness.Packet) (lost, bursts int) {
	before := false
	for _, p := range packets {
		now := p.Drop != harness.DropNone
		if now {
			lost++
			if !before {
				bursts++
			}
		}
		before = now
	}
	return lost, bursts
}

// sigmas is how many standard deviations k of n is away from probability p.
func sigmas(k, n int, p float64) float64 {
	return (float64(k) - float64(n)*p) / math.Sqrt(float64(n)*p*(1-p))
}

func TestDelayIsAsAsked(t *testing.T) {
	for _, delay := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			var late []time.Duration
			for _, p := range delays(t, delay) {
				require.GreaterOrEqual(t, p.Delay, delay)
				require.Equal(t, delay, p.Delay-p.Late)
				late = append(late, p.Late)
			}
			slices.Sort(late)
			require.Less(t, late[len(late)/2], 50*time.Millisecond, "even on a busy machine")
		})
	}
}

func TestRateIsAsAsked(t *testing.T) {
	for _, rate := range []int64{250_000, 20_000_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			packets := rates(t, rate, 0.5)
			require.InEpsilon(t, float64(rate), through(packets, true), 0.001)
			require.InEpsilon(t, float64(rate), through(packets, false), 0.25, "even on a busy machine")
		})
	}
}

func TestLossIsAsAsked(t *testing.T) {
	const n = 30_000
	for _, p := range []float64{0.001, 0.01, 0.05, 0.2} {
		lost, _ := lossOf(carried(t, harness.Path{Loss: harness.Loss{P: p}}, n, 100, 0))
		require.Less(t, math.Abs(sigmas(lost, n, p)), 2.58, "%g: %d of %d", p, lost, n)
	}
}

// BenchmarkAsked is the table of docs/fidelity.md about links: what was asked of
// the engine, and what its packets met by the clock.
func BenchmarkAsked(b *testing.B) {
	for _, ms := range []int{1, 5, 20, 75, 150, 300, 600} {
		delay := time.Duration(ms) * time.Millisecond
		b.Run("delay="+delay.String(), func(b *testing.B) {
			var sum, worst time.Duration
			n := 0
			for b.Loop() {
				for _, p := range delays(b, delay) {
					sum += p.Delay
					worst = max(worst, p.Late)
					n++
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(sum)/float64(n)/1e6, "mean-ms")
			b.ReportMetric(float64(sum)/float64(n)/1e6-float64(delay)/1e6, "error-ms")
			b.ReportMetric(float64(worst)/1e6, "worst-ms")
		})
	}
	for _, rate := range []int64{9_600, 64_000, 236_800, 1_000_000, 5_000_000, 20_000_000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			got := through(rates(b, rate, 5), false)
			b.ReportMetric(got, "bit/s")
			b.ReportMetric(100*(got/float64(rate)-1), "error-%")
		})
	}
	for _, p := range []float64{0.001, 0.01, 0.05, 0.2} {
		b.Run(fmt.Sprintf("loss=%g%%", 100*p), func(b *testing.B) {
			const n = 200_000
			lost, _ := lossOf(carried(b, harness.Path{Loss: harness.Loss{P: p}}, n, 100, 0))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(100*float64(lost)/n, "loss-%")
			b.ReportMetric(sigmas(lost, n, p), "sigmas")
		})
	}
	for _, burst := range []float64{2, 4, 20} {
		b.Run(fmt.Sprintf("burst=%g", burst), func(b *testing.B) {
			const n = 1_000_000
			ge := harness.GEModel{P: 0.01, R: 1 / burst, LossBad: 1}
			lost, bursts := lossOf(carried(b, harness.Path{Loss: harness.Loss{GE: &ge}}, n, 100, 0))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(lost)/float64(bursts), "packets")
			b.ReportMetric(100*(float64(lost)/float64(bursts)/burst-1), "error-%")
			b.ReportMetric(100*(float64(lost)/n/ge.Mean()-1), "loss-error-%")
		})
	}
}
