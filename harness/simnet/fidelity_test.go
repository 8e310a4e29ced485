package simnet_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// A table row of measurements is like those of package packet's BenchmarkTCP: what
// every client does at the same time on its own link of 300 ms there and back.
const (
	rowDelay   = 150 * time.Millisecond // each way
	rowMessage = 200                    // bytes of request and of answer
)

// player is one client.
type player struct {
	*simnet.Network
	address string
	client  int
	rounds  int
}

func (p *player) connect() (net.Conn, error) {
	return p.Client(p.client).DialContext(context.Background(), "tcp", p.address)
}

func ask(c net.Conn, size int) (time.Duration, error) {
	begin := time.Now()
	message := make([]byte, size)
	if _, err := c.Write(message); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(c, message)
	return time.Since(begin), err
}

// talk makes a play of exchanges over one connection, with pauses between
// them.
func talk(size int, pause time.Duration) func(*player) ([]time.Duration, error) {
	return func(p *player) (took []time.Duration, err error) {
		c, err := p.connect()
		if err != nil {
			return nil, err
		}
		defer c.Close()
		for range p.rounds {
			t, err := ask(c, size)
			if err != nil {
				return took, err
			}
			took = append(took, t)
			time.Sleep(pause)
		}
		return took, nil
	}
}

// anew connects for each exchange, which counts.
func anew(p *player) (took []time.Duration, err error) {
	for range p.rounds {
		begin := time.Now()
		c, err := p.connect()
		if err != nil {
			return took, err
		}
		_, err = ask(c, rowMessage)
		c.Close()
		if err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// pauses exchanges with pauses of up to a second: what counts is the packets.
func pauses(p *player) (took []time.Duration, err error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := rand.New(rand.NewPCG(uint64(p.client), 0))
	for range p.rounds {
		t, err := ask(c, rowMessage)
		if err != nil {
			return took, err
		}
		took = append(took, t)
		time.Sleep(time.Duration(r.Int64N(int64(time.Second))))
	}
	return took, nil
}

// dialAndUpload uploads a megabyte; the handshake counts.
func dialAndUpload(p *player) ([]time.Duration, error) {
	begin := time.Now()
	_, err := bulk(p)
	return []time.Duration{time.Since(begin)}, err
}

// bulk uploads a megabyte; the handshake does not count.
func bulk(p *player) ([]time.Duration, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	begin := time.Now()
	if _, err := c.Write(make([]byte, 1_000_000)); err != nil {
		return nil, err
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return nil, err
	}
	_, err = io.ReadAll(c)
	return []time.Duration{time.Since(begin)}, err
}

// resume has a request in flight during an outage of 15 s that begins after 8 s;
// what counts is how long after its end the answer comes.
func resume(p *player) ([]time.Duration, error) {
	const outage = 15 * time.Second
	begin := time.Now()
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range 10 {
		if _, err := ask(c, rowMessage); err != nil {
			return nil, err
		}
	}
	time.Sleep(8*time.Second + outage*2/3*time.Duration(p.client)/200 - time.Since(begin))
	_, err = ask(c, rowMessage)
	return []time.Duration{time.Since(begin) - 8*time.Second - outage}, err
}

type row struct {
	path    harness.Path
	clients int
	rounds  int
	play    func(*player) ([]time.Duration, error)
	outage  bool
	sink    bool
}

type outcome struct {
	bench.Log
	took   []time.Duration // sorted
	failed int
}

func (o *outcome) mean() time.Duration {
	var sum time.Duration
	for _, t := range o.took {
		sum += t
	}
	return sum / time.Duration(max(1, len(o.took)))
}

func (o *outcome) quantile(q float64) time.Duration {
	if len(o.took) == 0 {
		return 0
	}
	return o.took[int(q*float64(len(o.took)-1)+0.5)]
}

// sent counts the packets of a direction.
func (o *outcome) sent(d harness.Direction) int {
	return o.Count(func(p harness.Packet) bool { return p.Direction == d && p.Drop != harness.DropStopped })
}

// measure plays a row. Tb is not that of the bubble, which must not be used where
// there is no test, as in a benchmark.
func (r row) measure(tb testing.TB) *outcome {
	tb.Helper()
	var o outcome
	synctest.Test(new(testing.T), func(*testing.T) {
		path := r.path
		path.Delay = rowDelay
		n, err := simnet.Engine{}.New(harness.NetworkConfig{
			Seed: 1, Start: time.Now(), Clients: r.clients, Packets: &o.Log, Profile: bench.Both(path),
		})
		require.NoError(tb, err)
		address := echo(tb, n)
		if r.sink {
			address = serve(tb, n, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		}
		var mu sync.Mutex
		var playing sync.WaitGroup
		for i := range r.clients {
			playing.Go(func() {
				took, err := r.play(&player{n, address, i, r.rounds})
				mu.Lock()
				defer mu.Unlock()
				o.took = append(o.took, took...)
				if err != nil {
					o.failed++
				}
			})
		}
		if r.outage {
			time.Sleep(8 * time.Second)
			end, err := n.Inject(harness.Fault{Action: harness.Blackhole})
			require.NoError(tb, err)
			time.Sleep(15 * time.Second)
			end()
		}
		playing.Wait()
		time.Sleep(time.Minute) // for the ends of the connections
		require.NoError(tb, n.Close())
	})
	slices.Sort(o.took)
	return &o
}

func loss(p float64) harness.Path { return harness.Path{Loss: harness.Loss{P: p}} }

// TestLikeLinux holds completion times to those of Linux 6.1 over kernel netem,
// measured in an emulated machine that adds some ms to each exchange.
func TestLikeLinux(t *testing.T) {
	plain := talk(rowMessage, 0)
	for name, tc := range map[string]struct {
		row
		mean, p95 float64 // ms of Linux, 0 is not known
	}{
		"persistent 1%":  {row{path: loss(0.01), clients: 100, rounds: 100, play: plain}, 316, 313},
		"persistent 5%":  {row{path: loss(0.05), clients: 100, rounds: 100, play: plain}, 371, 843},
		"persistent 20%": {row{path: loss(0.2), clients: 100, rounds: 100, play: plain}, 816, 2420},
		// Four packets of each exchange matter, so the 95th percentile lies where
		// the first retransmissions begin, and says nothing.
		"anew 1%": {row{path: loss(0.01), clients: 100, rounds: 50, play: anew}, 664, 0},
		"anew 5%": {row{path: loss(0.05), clients: 100, rounds: 50, play: anew}, 793, 1625},
		"bulk":    {row{clients: 1, play: dialAndUpload, sink: true}, 2400, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := tc.measure(t)
			ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
			t.Logf("mean %.0f p50 %.0f p90 %.0f p95 %.0f p99 %.0f", ms(o.mean()), ms(o.quantile(0.5)),
				ms(o.quantile(0.9)), ms(o.quantile(0.95)), ms(o.quantile(0.99)))
			require.Zero(t, o.failed)
			require.InEpsilon(t, tc.mean, ms(o.mean()), 0.05)
			if tc.p95 > 0 {
				require.InEpsilon(t, tc.p95, ms(o.quantile(0.95)), 0.15)
			}
		})
	}
}

// TestAfterAnOutage has one request in flight through an outage of 15 s. Linux 6.1
// resumed 2.3 to 2.8 s after its end; a time-out doubled to 16 s decides.
func TestAfterAnOutage(t *testing.T) {
	o := row{clients: 1, play: resume, outage: true}.measure(t)
	require.Zero(t, o.failed)
	require.InDelta(t, 2.55, o.mean().Seconds(), 0.5)
}

// TestPacketsOfExchanges counts what 50 exchanges with pauses take: as many as Linux
// on the same links, see docs/fidelity.md.
func TestPacketsOfExchanges(t *testing.T) {
	o := row{clients: 1, rounds: 50, play: talk(rowMessage, 500*time.Millisecond)}.measure(t)
	require.Equal(t, 104, o.sent(harness.Up))
	require.Equal(t, 53, o.sent(harness.Down))
	bytes := map[harness.Direction]int{}
	for _, p := range o.All(bench.Any) {
		bytes[p.Direction] += p.Size
	}
	require.Equal(t, 60+103*52+50*rowMessage, bytes[harness.Up])
	require.Equal(t, 60+52*52+50*rowMessage, bytes[harness.Down])
}

// BenchmarkTCP measures the rows of package packet's BenchmarkTCP and
// BenchmarkKernelTCP, the calibration table of docs/fidelity.md: the same clients,
// links and seed. The unit of b.N is a round of every client.
func BenchmarkTCP(b *testing.B) {
	plain, slow := talk(rowMessage, 0), talk(20_000, 0)
	for _, r := range []struct {
		name string
		row
	}{
		{"persistent", row{path: loss(0.01), clients: 200, play: plain}},
		{"persistent", row{path: loss(0.05), clients: 200, play: plain}},
		{"persistent", row{path: loss(0.2), clients: 200, play: plain}},
		{"anew", row{path: loss(0.01), clients: 200, play: anew}},
		{"anew", row{path: loss(0.05), clients: 200, play: anew}},
		{"anew", row{path: loss(0.2), clients: 200, play: anew}},
		{"outage", row{clients: 200, play: resume, outage: true}},
		{"bulk", row{clients: 10, play: bulk, sink: true}},
		{"bulk", row{path: loss(0.01), clients: 40, play: bulk, sink: true}},
		{"bulk", row{path: loss(0.05), clients: 40, play: bulk, sink: true}},
		{"slow", row{path: harness.Path{Rate: 100_000}, clients: 20, play: slow}},
		{"slow", row{path: harness.Path{Rate: 100_000, Loss: harness.Loss{P: 0.02}}, clients: 40, play: slow}},
		{"pauses", row{clients: 20, play: pauses}},
	} {
		b.Run(fmt.Sprintf("%s/loss=%g%%", r.name, 100*r.path.Loss.P), func(b *testing.B) {
			r.rounds = b.N
			o := r.measure(b)
			b.ReportMetric(0, "ns/op")
			for _, q := range []float64{0.5, 0.9, 0.95, 0.99} {
				b.ReportMetric(float64(o.quantile(q))/1e6, fmt.Sprintf("p%g-ms", 100*q))
			}
			b.ReportMetric(float64(o.mean())/1e6, "mean-ms")
			b.ReportMetric(float64(len(o.took)), "exchanges")
			for _, d := range []harness.Direction{harness.Up, harness.Down} {
				n := float64(max(1, len(o.took)))
				b.ReportMetric(float64(o.sent(d))/n, d.String()+"-packets")
				again := o.Count(func(p harness.Packet) bool { return p.Direction == d && p.Retransmit })
				b.ReportMetric(float64(again)/n, d.String()+"-again")
			}
		})
	}
}

// TestHandshakeBeyondASecond connects over round trips of 1.3 s, so that the SYN
// goes twice for nothing. Linux on the same links took 1.68 answers more than
// needed, and sent one acknowledgement of them.
func TestHandshakeBeyondASecond(t *testing.T) {
	const clients = 200
	synctest.Test(t, func(t *testing.T) {
		var l bench.Log
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Clients: clients, Profile: bench.Link(650 * time.Millisecond), Packets: &l})
		address := echo(t, n)
		for i := range clients {
			time.Sleep(3 * time.Millisecond) // timers end on grids of some 32 ms
			go dial(t, n.Client(i), address)
		}
		time.Sleep(5 * time.Second)
		each := func(d harness.Direction, size int) float64 {
			return float64(l.Count(func(p harness.Packet) bool { return p.Direction == d && p.Size == size })) / clients
		}
		require.InDelta(t, 2, each(harness.Up, 60), 0)
		require.InDelta(t, 1+1.68, each(harness.Down, 60), 0.3)
		require.InDelta(t, 1+1, each(harness.Up, 52), 0)
	})
}

// TestEachWriteIsAPacket writes twice and closes at one instant, as to Linux with
// TCP_NODELAY, which is package net's default; what has to wait goes together.
func TestEachWriteIsAPacket(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(net.Conn) error
		want []int // sizes of the packets up after the handshake
	}{
		"close":         {net.Conn.Close, []int{52 + 100, 52 + 10, 52}},
		"reset":         {func(c net.Conn) error { return c.(interface{ SetLinger(int) error }).SetLinger(0) }, []int{52 + 100, 52 + 10, 40}},
		"window filled": {func(c net.Conn) error { _, err := c.Write(make([]byte, 8*1448)); return err }, slices.Concat([]int{52 + 100, 52 + 10}, slices.Repeat([]int{1500}, 8))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l bench.Log
				_, client, _ := pair(t, simnet.Engine{}, harness.NetworkConfig{Packets: &l})
				time.Sleep(time.Second)
				l.Take()
				for _, size := range []int{100, 10} {
					_, err := client.Write(make([]byte, size))
					require.NoError(t, err)
				}
				require.NoError(t, tc.end(client))
				if name == "reset" {
					require.NoError(t, client.Close())
				}
				if name == "window filled" { // ten segments are out: the rest waits and goes together
					for range 10 {
						require.NoError(t, bench.WriteErr(client))
					}
					tc.want = append(tc.want, 52+10)
				}
				time.Sleep(time.Second)
				var sizes []int
				for _, p := range l.Take() {
					if p.Direction == harness.Up {
						sizes = append(sizes, p.Size)
					}
				}
				require.Equal(t, tc.want, sizes[:min(len(tc.want), len(sizes))])
			})
		})
	}
}
