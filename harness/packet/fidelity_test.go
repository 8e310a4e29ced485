package packet

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
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

// row is one line of the calibration table: what each of clients does at the
// same time as the others, on its own link of 300 ms there and back.
type row struct {
	name    string
	loss    float64
	rate    int64 // bit/s, 0 is none
	clients int
	// play returns how long each exchange took. A client that fails returns what
	// it has.
	play func(p *player) ([]time.Duration, error)
}

// player is one client of a row.
type player struct {
	bench
	address string
	client  int
	rounds  int
	restore time.Time // when the outage ends, if there is one
}

const (
	rowDelay   = 150 * time.Millisecond // each way
	rowMessage = 200                    // bytes of request and of answer
	rowBulk    = 1_000_000              // bytes
	rowOutage  = 15 * time.Second
)

func (p *player) connect() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := p.dial(ctx, p.client, p.address)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(30 * time.Minute))
	}
	return c, err
}

// ask is one exchange.
func ask(c net.Conn) (time.Duration, error) {
	begin := time.Now()
	message := make([]byte, rowMessage)
	if _, err := c.Write(message); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(c, message)
	return time.Since(begin), err
}

// persistent exchanges over one connection.
func persistent(p *player) (took []time.Duration, err error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range p.rounds {
		t, err := ask(c)
		if err != nil {
			return took, err
		}
		took = append(took, t)
	}
	return took, nil
}

// anew connects for each exchange, which counts.
func anew(p *player) (took []time.Duration, err error) {
	for range p.rounds {
		begin := time.Now()
		c, err := p.connect()
		if err != nil {
			return took, err
		}
		_, err = ask(c)
		c.Close()
		if err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// resume has a request in flight during an outage; what counts is how long after
// its end the answer comes. The first client asks when the outage begins, the
// last when two thirds of it are over, so that all phases of a backed-off timer
// are met.
func resume(p *player) ([]time.Duration, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range 10 {
		if _, err := ask(c); err != nil {
			return nil, err
		}
	}
	begin := p.restore.Add(-rowOutage).Add(rowOutage * 2 / 3 * time.Duration(p.client) / 200)
	time.Sleep(time.Until(begin))
	if _, err := ask(c); err != nil {
		return nil, err
	}
	return []time.Duration{time.Since(p.restore)}, nil
}

// bulk uploads to a server that reads to the end.
func bulk(p *player) ([]time.Duration, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	begin := time.Now()
	if _, err := c.Write(make([]byte, rowBulk)); err != nil {
		return nil, err
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		return nil, err
	}
	return []time.Duration{time.Since(begin)}, nil
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
		t, err := ask(c)
		if err != nil {
			return took, err
		}
		took = append(took, t)
		time.Sleep(time.Duration(r.Int64N(int64(time.Second))))
	}
	return took, nil
}

// chunky exchanges 20 kB at a time over one connection.
func chunky(p *player) (took []time.Duration, err error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	message := make([]byte, 20_000)
	for range p.rounds {
		begin := time.Now()
		if _, err := c.Write(message); err != nil {
			return took, err
		}
		if _, err := io.ReadFull(c, message); err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// rows are those of design section 9, and some between.
func rows() []row {
	return []row{
		{"persistent", 0.01, 0, 200, persistent},
		{"persistent", 0.05, 0, 200, persistent},
		{"persistent", 0.2, 0, 200, persistent},
		{"anew", 0.01, 0, 200, anew},
		{"anew", 0.05, 0, 200, anew},
		{"anew", 0.2, 0, 200, anew},
		{"outage", 0, 0, 200, resume},
		{"bulk", 0, 0, 10, bulk},
		{"bulk", 0.01, 0, 40, bulk},
		{"bulk", 0.05, 0, 40, bulk},
		{"slow", 0, 100_000, 20, chunky},
		{"slow", 0.02, 100_000, 40, chunky},
		{"pauses", 0, 0, 20, pauses},
	}
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
		t.Skip("takes some 15 seconds")
	}
	for name, tc := range map[string]struct {
		row      row
		rounds   int
		mean     float64 // ms
		within   float64 // of the mean
		up, down float64 // packets for each exchange
	}{
		"persistent": {row{"persistent", 0.05, 0, 100, persistent}, 10, 381, 0.15, 1.683, 1.473},
		"lossy":      {row{"persistent", 0.2, 0, 100, persistent}, 6, 954, 0.4, 2.675, 2.283},
		"anew":       {row{"anew", 0.05, 0, 100, anew}, 4, 781, 0.15, 6.285, 4.28},
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
