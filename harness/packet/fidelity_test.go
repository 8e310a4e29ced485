package packet

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// bench is two ends joined by links, whatever TCP they have: gVisor's (newStacks)
// or the kernel's (newKernel).
type bench interface {
	// dial connects client i to the address; it and the exchanges over the
	// connection happen in the goroutine that calls.
	dial(ctx context.Context, client int, address string) (net.Conn, error)
	// listen announces on the server.
	listen() (net.Listener, error)
	// block begins or ends an outage of every link, both ways.
	block(on bool)
	close() error
}

// stacks is the bench of this package.
type stacks struct {
	*Network
	heal func() int64
}

func newStacks(tb testing.TB, c harness.NetworkConfig) bench {
	tb.Helper()
	n, err := New(c)
	require.NoError(tb, err)
	return &stacks{Network: n}
}

func (s *stacks) dial(ctx context.Context, client int, address string) (net.Conn, error) {
	return s.Client(client).DialContext(ctx, "tcp", address)
}

func (s *stacks) listen() (net.Listener, error) {
	return s.Server().Listen(context.Background(), "tcp", ":7")
}

func (s *stacks) block(on bool) {
	if !on {
		s.heal()
		return
	}
	s.heal, _ = s.Inject(harness.Fault{Action: harness.Blackhole})
}

func (s *stacks) close() error { return s.Close() }

// traffic is what a link carried, and how late.
type traffic struct {
	packets, again [2]atomic.Int64 // up and down
	arrived        atomic.Int64
	late           atomic.Int64 // sum
}

// Packet implements harness.PacketSink.
func (t *traffic) Packet(p harness.Packet) {
	if p.Drop == harness.DropStopped { // the end of the bench
		return
	}
	t.packets[p.Direction-harness.Up].Add(1)
	if p.Retransmit {
		t.again[p.Direction-harness.Up].Add(1)
	}
	if p.Drop == harness.DropNone {
		t.arrived.Add(1)
		t.late.Add(int64(p.Late))
	}
}

// lateness is the mean of it.
func (t *traffic) lateness() time.Duration {
	return time.Duration(t.late.Load() / max(1, t.arrived.Load()))
}

// outcome is what a row came to.
type outcome struct {
	took   []time.Duration // sorted
	failed int             // clients
	first  error           // of one of them
	traffic
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

// measure plays a row, rounds exchanges for each client.
func measure(tb testing.TB, open func(testing.TB, harness.NetworkConfig) bench, r row, rounds int) *outcome {
	tb.Helper()
	var o outcome
	path := harness.Path{Delay: rowDelay, Rate: r.rate, Loss: harness.Loss{P: r.loss}}
	b := open(tb, harness.NetworkConfig{
		Seed: 1, Start: time.Now(), Clients: r.clients, Packets: &o.traffic,
		Profile: harness.Profile{Up: path, Down: path},
	})
	l, err := b.listen()
	require.NoError(tb, err)
	server := &echoes{Listener: l, sink: r.name == "bulk"}
	server.serving.Go(server.serve)
	restore := time.Now().Add(8*time.Second + rowOutage)
	if r.name == "outage" {
		from := time.AfterFunc(time.Until(restore)-rowOutage, func() { b.block(true) })
		to := time.AfterFunc(time.Until(restore), func() { b.block(false) })
		defer from.Stop()
		defer to.Stop()
	}
	var mu sync.Mutex
	var playing sync.WaitGroup
	for i := range r.clients {
		playing.Go(func() {
			time.Sleep(time.Duration(i) * 600 * time.Millisecond / time.Duration(r.clients))
			took, err := r.play(&player{b, l.Addr().String(), i, rounds, restore})
			mu.Lock()
			defer mu.Unlock()
			o.took = append(o.took, took...)
			if err != nil {
				o.failed++
				o.first = err
			}
		})
	}
	playing.Wait()
	server.stop()
	require.NoError(tb, b.close())
	slices.Sort(o.took)
	return &o
}

// echoes is a server that sends back what it gets, or keeps it.
type echoes struct {
	net.Listener
	sink    bool
	serving sync.WaitGroup
	mu      sync.Mutex
	conns   []net.Conn
	stopped bool
}

func (e *echoes) serve() {
	for {
		c, err := e.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		e.conns = append(e.conns, c)
		stopped := e.stopped
		e.mu.Unlock()
		if stopped {
			c.Close()
			return
		}
		e.serving.Go(func() {
			defer c.Close()
			var to io.Writer = c
			if e.sink {
				to = io.Discard
			}
			_, _ = io.Copy(to, c)
		})
	}
}

// stop also ends the connections whose clients have gone unheard.
func (e *echoes) stop() {
	e.Close()
	e.mu.Lock()
	e.stopped = true
	for _, c := range e.conns {
		c.Close()
	}
	e.mu.Unlock()
	e.serving.Wait()
}

// TestLikeTheKernel holds this TCP to what Linux's did on the same links
// (BenchmarkKernelTCP, docs/fidelity.md), with bounds wide enough for few
// exchanges.
func TestLikeTheKernel(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some 8 seconds")
	}
	for name, tc := range map[string]struct {
		row      row
		rounds   int
		mean     float64 // ms
		within   float64 // of the mean
		up, down float64 // packets for each exchange
	}{
		"persistent": {row{"persistent", 0.05, 0, 100, persistent}, 10, 381, 0.2, 1.683, 1.473},
		"lossy":      {row{"persistent", 0.1, 0, 100, persistent}, 4, 503, 0.25, 2.645, 2.13},
		"anew":       {row{"anew", 0.05, 0, 100, anew}, 4, 781, 0.2, 6.285, 4.28},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := measure(t, newStacks, tc.row, tc.rounds)
			if o.lateness() > 2*time.Millisecond {
				t.Skipf("the machine is busy: packets are %v late", o.lateness())
			}
			require.Zero(t, o.failed, "one client: %v", o.first)
			require.InEpsilon(t, tc.mean, float64(o.mean())/1e6, tc.within)
			n := float64(len(o.took))
			require.InEpsilon(t, tc.up, float64(o.packets[0].Load())/n, 0.15, "packets up")
			require.InEpsilon(t, tc.down, float64(o.packets[1].Load())/n, 0.15, "packets down")
		})
	}
}

// tabulate measures every row on a bench. The unit of b.N is a round of every
// client.
func tabulate(b *testing.B, open func(testing.TB, harness.NetworkConfig) bench) {
	b.Helper()
	for _, r := range rows() {
		b.Run(fmt.Sprintf("%s/loss=%g%%", r.name, 100*r.loss), func(b *testing.B) {
			o := measure(b, open, r, b.N)
			b.ReportMetric(0, "ns/op")
			for _, q := range []float64{0.5, 0.9, 0.95, 0.99} {
				b.ReportMetric(float64(o.quantile(q))/1e6, fmt.Sprintf("p%g-ms", 100*q))
			}
			b.ReportMetric(float64(o.mean())/1e6, "mean-ms")
			b.ReportMetric(float64(len(o.took)), "exchanges")
			b.ReportMetric(float64(o.lateness())/1e6, "late-ms")
			for i, d := range []string{"up", "down"} {
				n := float64(max(1, len(o.took)))
				b.ReportMetric(float64(o.packets[i].Load())/n, d+"-packets")
				b.ReportMetric(float64(o.again[i].Load())/n, d+"-again")
			}
			if o.failed > 0 {
				b.Logf("%d clients gave up, one with: %v", o.failed, o.first)
			}
		})
	}
}

// BenchmarkTCP is half of the calibration table of docs/fidelity.md, which says
// how to repeat it. BenchmarkKernelTCP is the other.
func BenchmarkTCP(b *testing.B) { tabulate(b, newStacks) }
