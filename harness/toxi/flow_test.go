package toxi

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

const ms = time.Millisecond

const day = int64(24 * time.Hour / time.Millisecond)

// lab is an access link with its settings, in a synctest bubble.
type lab struct {
	start  time.Time
	live   liveSettings
	access *accessLink

	mu      sync.Mutex
	packets []harness.Packet
}

func newLab(seed uint64, p harness.Path) *lab {
	l := &lab{start: time.Now()}
	l.live.set(settings{path: p})
	l.access = newAccessLink(seed, link.ID{Direction: harness.Up}, &l.live)
	return l
}

func (l *lab) set(p harness.Path, holes ...*atomic.Int64) {
	l.live.set(settings{path: p, since: time.Since(l.start), holes: holes})
}

func (l *lab) Packet(p harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, p)
}

// arrival is what came out of a flow.
type arrival struct {
	at   time.Duration
	data []byte // nil is the end of the stream
}

// line is a flow on the lab's access link with both its ends in hand.
type line struct {
	lab  *lab
	in   chan *stream.StreamChunk
	out  chan *stream.StreamChunk
	dead chan struct{}
	over chan struct{}
	stub *toxics.ToxicStub
	flow *flow
}

func (l *lab) open(number int) *line {
	n := &line{
		lab: l, in: make(chan *stream.StreamChunk), out: make(chan *stream.StreamChunk),
		dead: make(chan struct{}), over: make(chan struct{}),
	}
	n.stub = toxics.NewToxicStub(n.in, n.out)
	n.flow = &flow{
		name:   harness.Packet{Flow: number, Direction: harness.Up},
		access: l.access, start: l.start, sink: l, dead: n.dead,
		over: func() { close(n.over) },
	}
	go n.flow.pipe(n.stub)
	return n
}

func (n *line) send(p []byte) {
	n.in <- &stream.StreamChunk{Data: bytes.Clone(p), Timestamp: time.Now()}
}

// recv waits for the next arrival.
func (n *line) recv() arrival {
	c := <-n.out
	a := arrival{at: time.Since(n.lab.start)}
	if c != nil {
		a.data = c.Data
	}
	return a
}

// rest receives up to the end of the stream.
func (n *line) rest() (data []byte, end time.Duration) {
	for {
		a := n.recv()
		if a.data == nil {
			return data, a.at
		}
		data = append(data, a.data...)
	}
}

func TestDelayIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(1, harness.Path{Delay: 300 * ms})
		n := l.open(1)
		go func() {
			n.send([]byte("one"))
			time.Sleep(100 * ms)
			n.send([]byte("two"))
			close(n.in)
		}()
		require.Equal(t, arrival{300 * ms, []byte("one")}, n.recv())
		require.Equal(t, arrival{400 * ms, []byte("two")}, n.recv())
		require.Equal(t, arrival{400 * ms, nil}, n.recv(), "the end travels too")
		<-n.over
		require.Equal(t, []harness.Packet{
			{Flow: 1, Direction: harness.Up, At: 0, Size: 3, Delay: 300 * ms},
			{Flow: 1, Direction: harness.Up, At: 100 * ms, Size: 3, Delay: 300 * ms},
		}, l.packets)
	})
}

func TestJitterKeepsBoundsAndOrderAndRepeats(t *testing.T) {
	run := func(seed uint64) (times []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			n := newLab(seed, harness.Path{Delay: 200 * ms, Jitter: 80 * ms}).open(1)
			const gap = 10 * ms
			go func() {
				for i := range 50 {
					n.send([]byte{byte(i)})
					time.Sleep(gap)
				}
				close(n.in)
			}()
			for i := range 50 {
				a := n.recv()
				require.Equal(t, []byte{byte(i)}, a.data)
				require.GreaterOrEqual(t, a.at-time.Duration(i)*gap, 120*ms)
				require.LessOrEqual(t, a.at, 49*gap+280*ms)
				times = append(times, a.at)
			}
			n.rest()
		})
		return times
	}
	first := run(7)
	require.True(t, slices.IsSorted(first))
	require.Equal(t, first, run(7), "the same seed")
	require.NotEqual(t, first, run(8), "another seed")
}

func TestRateIsInBitsPerSecond(t *testing.T) {
	for name, tc := range map[string]struct {
		rate int64
		size int
		want time.Duration
	}{
		"2G, which is no whole KB/s": {18_000, 2250, time.Second},
		"EDGE":                       {118_000, 14_750, time.Second},
		"fast":                       {100_000_000, 1 << 20, 83_886_080},
		"unlimited":                  {0, 1 << 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newLab(1, harness.Path{Rate: tc.rate}).open(1)
				go func() {
					for chunk := range slices.Chunk(make([]byte, tc.size), 32<<10) {
						n.send(chunk)
					}
					close(n.in)
				}()
				data, last := n.rest()
				require.Len(t, data, tc.size)
				require.InDelta(t, tc.want, last, float64(2*time.Microsecond), "%v", last)
			})
		})
	}
}

func TestConnectionsShareTheAccessLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(1, harness.Path{Rate: 80_000}) // 10 kB/s
		var wg sync.WaitGroup
		ends := make([]time.Duration, 4)
		for i := range ends {
			n := l.open(i + 1)
			wg.Go(func() {
				n.send(make([]byte, 10_000))
				close(n.in)
			})
			wg.Go(func() { _, ends[i] = n.rest() })
		}
		wg.Wait()
		require.InDelta(t, 4*time.Second, slices.Max(ends), float64(ms))
		slices.Sort(ends) // who comes first is the scheduler's choice
		require.Greater(t, ends[1], 1100*time.Millisecond, "at most one has it alone")
	})
}

func TestBlackholeHoldsDataAndTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := harness.Path{Delay: 100 * ms}
		l := newLab(1, path)
		n := l.open(1)
		var first, second atomic.Int64
		go func() {
			n.send([]byte("under way "))
			time.Sleep(50 * ms)
			l.set(path, &first)
			n.send([]byte("held "))
			time.Sleep(time.Second)
			l.set(path, &first, &second)
			time.Sleep(time.Second)
			l.set(path, &second)
			time.Sleep(time.Second)
			l.set(path)
			n.send([]byte("after"))
			l.set(path, &first)
			close(n.in)
			time.Sleep(time.Second)
			l.set(path)
		}()
		const open, end = 3050 * ms, 4050 * ms
		require.Equal(t, arrival{100 * ms, []byte("under way ")}, n.recv(), "accepted before keeps its fate")
		require.Equal(t, arrival{open + 100*ms, []byte("held ")}, n.recv())
		a := n.recv()
		require.Equal(t, "after", string(a.data))
		require.Equal(t, arrival{end + 100*ms, nil}, n.recv(), "the end is held as well")
		require.EqualValues(t, 2, first.Load(), "the chunk, and later the end")
		require.EqualValues(t, 1, second.Load(), "the chunk, while the first was in force too")
		require.Equal(t, open, l.packets[1].At, "nothing is offered in a blackhole")
		require.Equal(t, path.Delay, l.packets[1].Delay)
	})
}

// What queues up behind a chunk held by a blackhole has not entered it either.
func TestNothingIsOfferedInABlackhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(1, harness.Path{})
		n := l.open(1)
		l.set(harness.Path{}, new(atomic.Int64))
		go func() {
			for range 3 {
				n.send([]byte("x"))
			}
			close(n.in)
		}()
		time.AfterFunc(time.Second, func() { l.set(harness.Path{Delay: ms}) })
		n.rest()
		require.Len(t, l.packets, 3)
		for _, p := range l.packets {
			require.Equal(t, time.Second, p.At)
			require.Equal(t, ms, p.Delay)
		}
	})
}

func TestDeadConnectionLosesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(1, harness.Path{Delay: time.Second, Rate: 80_000})
		n := l.open(1)
		n.send(make([]byte, 4000))
		time.Sleep(300 * ms)
		close(n.dead)
		n.send(make([]byte, 100)) // whoever sends is not left waiting
		close(n.in)
		<-n.over
		lost := 0
		for _, p := range l.packets {
			require.Equal(t, harness.DropStopped, p.Drop)
			lost += p.Size
		}
		require.Equal(t, 4100, lost)
		require.Nil(t, <-n.out, "the output is closed")
	})
}

func TestWindowBoundsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newLab(1, harness.Path{Delay: time.Second}).open(1)
		sent := 0
		go func() {
			for range 300 {
				n.send(make([]byte, 32<<10))
				sent += 32 << 10
			}
			close(n.in)
		}()
		time.Sleep(500 * ms)
		synctest.Wait()
		require.InDelta(t, window, sent, 64<<10, "the sender waits")
		data, last := n.rest()
		require.Len(t, data, 300*32<<10)
		require.Equal(t, 3*time.Second, last, "a window a delay")
	})
}

func TestInterruptedFlowGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newLab(1, harness.Path{Delay: time.Second}).open(1)
		n.send([]byte("kept"))
		time.Sleep(500 * ms)
		n.stub.Interrupt <- struct{}{}
		go n.flow.pipe(n.stub)
		require.Equal(t, arrival{time.Second, []byte("kept")}, n.recv())
		close(n.in)
		n.rest()
	})
}

// change is a setting of the link, and how long it lasts.
type change struct {
	path   harness.Path
	outage bool
	lasts  time.Duration
}

func changes() *rapid.Generator[[]change] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) change {
		upTo := func(n int, what string) time.Duration {
			return time.Duration(rapid.IntRange(0, n).Draw(t, what)) * ms
		}
		rate := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(5_000, 10_000_000))
		return change{
			harness.Path{Delay: upTo(500, "delay"), Jitter: upTo(300, "jitter"), Rate: rate.Draw(t, "rate")},
			rapid.Bool().Draw(t, "outage"), upTo(300, "lasts"),
		}
	}), 0, 20)
}

// Whatever is set while it is under way, a stream arrives whole and in order,
// and all of it is accounted for.
func TestPropertyAnyChangeKeepsTheStream(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := noise(rapid.IntRange(1, 200_000).Draw(rt, "size"))
		chunk := rapid.IntRange(100, 32<<10).Draw(rt, "chunk")
		script := changes().Draw(rt, "changes")
		var got []byte
		var packets []harness.Packet
		synctest.Test(t, func(*testing.T) {
			l := newLab(1, harness.Path{Rate: 1_000_000})
			n := l.open(1)
			go func() {
				for c := range slices.Chunk(data, chunk) {
					n.send(c)
				}
				close(n.in)
			}()
			var player sync.WaitGroup
			player.Go(func() {
				var hits atomic.Int64
				for _, c := range script {
					var holes []*atomic.Int64
					if c.outage {
						holes = append(holes, &hits)
					}
					l.set(c.path, holes...)
					time.Sleep(c.lasts)
				}
				l.set(harness.Path{Rate: 1_000_000})
			})
			got, _ = n.rest()
			player.Wait()
			packets = l.packets
		})
		require.True(rt, bytes.Equal(data, got))
		sum := 0
		for _, p := range packets {
			require.Equal(rt, harness.DropNone, p.Drop)
			require.GreaterOrEqual(rt, p.Delay, time.Duration(0))
			require.Zero(rt, p.Late)
			sum += p.Size
		}
		require.Equal(rt, len(data), sum)
	})
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func TestDialCrossesTheLink(t *testing.T) {
	cross := func(l *lab, ctx context.Context) (time.Duration, error) {
		err := l.access.cross(ctx, l.start, link.Key{Flow: 1})
		return time.Since(l.start), err
	}
	synctest.Test(t, func(t *testing.T) {
		took, err := cross(newLab(1, harness.Path{Delay: 300 * ms}), t.Context())
		require.NoError(t, err)
		require.Equal(t, 300*ms, took)
	})
	synctest.Test(t, func(t *testing.T) {
		var hits atomic.Int64
		l := newLab(1, harness.Path{})
		l.set(harness.Path{}, &hits)
		time.AfterFunc(5*time.Second, func() { l.set(harness.Path{Delay: ms}) })
		took, err := cross(l, t.Context())
		require.NoError(t, err)
		require.Equal(t, 5001*ms, took)
		require.EqualValues(t, 1, hits.Load())
	})
	synctest.Test(t, func(t *testing.T) {
		l := newLab(1, harness.Path{})
		l.set(harness.Path{}, new(atomic.Int64))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		took, err := cross(l, ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, took)
	})
}

func TestStreamToxicsEndWhenTheConnectionDoes(t *testing.T) {
	for name, s := range map[string]harness.Toxic{
		"reset_peer": {Type: "reset_peer", Attributes: map[string]int64{"timeout": day}},
		"slow_close": {Type: "slow_close", Attributes: map[string]int64{"delay": day}},
		"timeout":    {Type: "timeout", Attributes: map[string]int64{"timeout": day}},
		"for ever":   {Type: "timeout"},
		"slicer":     {Type: "slicer", Attributes: map[string]int64{"average_size": 1, "delay": day * 1000}},
		"limit_data": {Type: "limit_data", Attributes: map[string]int64{"bytes": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dead, over := make(chan struct{}), make(chan struct{})
				h, err := (&toxicInForce{Toxic: s}).hold(dead, func() { close(over) })
				require.NoError(t, err)
				in, out := make(chan *stream.StreamChunk), make(chan *stream.StreamChunk)
				go h.pipe(toxics.NewToxicStub(in, out))
				go func() {
					for range out { // as the sink does
					}
				}()
				in <- &stream.StreamChunk{Data: []byte("stop me")}
				go func() {
					time.Sleep(time.Minute)
					close(dead)
					close(in)
				}()
				<-over
				require.Less(t, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), time.Hour)
			})
		})
	}
}

// BenchmarkChunk is the way of a chunk through our toxic: in, onto the link,
// out. The chunk itself is toxiproxy's.
func BenchmarkChunk(b *testing.B) {
	b.ReportAllocs()
	n := newLab(1, harness.Path{}).open(1)
	n.flow.sink = nil
	c := &stream.StreamChunk{Data: make([]byte, 1448), Timestamp: time.Now()}
	for b.Loop() {
		n.in <- c
		<-n.out
	}
	close(n.in)
	n.rest()
}

// BenchmarkOffer is the decision for one piece.
func BenchmarkOffer(b *testing.B) {
	b.ReportAllocs()
	l := newLab(1, harness.Path{Delay: 100 * ms, Jitter: 20 * ms, Rate: 1_000_000_000})
	now := time.Duration(0)
	for i := uint64(0); b.Loop(); i++ {
		now += 100 * time.Microsecond
		l.access.offer(now, now, link.Key{Flow: 1, Ordinal: i}, 1448)
	}
}
