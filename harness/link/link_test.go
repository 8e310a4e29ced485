package link_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/link"
)

const ms = time.Millisecond

func up(p harness.Path) *link.Link {
	return link.New(1, link.ID{Client: 3, Direction: harness.Up}, p)
}

func TestSend(t *testing.T) {
	type step struct {
		do   func(*link.Link)
		now  time.Duration
		size int
		want link.Fate
	}
	arrives := func(at time.Duration) link.Fate { return link.Fate{Arrive: at} }
	lost := func(why harness.DropReason) link.Fate { return link.Fate{Drop: why} }
	for name, tc := range map[string]struct {
		path  harness.Path
		steps []step
	}{
		"the zero path is perfect": {
			steps: []step{{now: 7 * ms, size: 1500, want: arrives(7 * ms)}},
		},
		"delay": {
			path:  harness.Path{Delay: 150 * ms},
			steps: []step{{now: 10 * ms, size: 40, want: arrives(160 * ms)}},
		},
		"rate serialises one packet after the other": {
			path: harness.Path{Rate: 80_000}, // 100 B take 10 ms
			steps: []step{
				{now: 0, size: 100, want: arrives(10 * ms)},
				{now: 0, size: 200, want: arrives(30 * ms)},
				{now: 50 * ms, size: 100, want: arrives(60 * ms)},
			},
		},
		"a full queue drops the tail and drains": {
			path: harness.Path{Rate: 80_000, Limit: 250},
			steps: []step{
				{now: 0, size: 100, want: arrives(10 * ms)},
				{now: 0, size: 100, want: arrives(20 * ms)},
				{now: 0, size: 100, want: lost(harness.DropQueue)},
				{now: 0, size: 50, want: arrives(25 * ms)},
				{now: 10 * ms, size: 100, want: arrives(35 * ms)},
			},
		},
		"an idle link takes a packet larger than its queue": {
			path:  harness.Path{Rate: 80_000, Limit: 50},
			steps: []step{{size: 100, want: arrives(10 * ms)}},
		},
		"tunnel": {
			path: harness.Path{Delay: 100 * ms},
			steps: []step{
				{now: 0, size: 40, want: arrives(100 * ms)},
				{now: 10 * ms, size: 40, want: lost(harness.DropOutage), do: func(l *link.Link) { l.Block(true) }},
				{now: 15 * time.Second, size: 40, want: lost(harness.DropOutage)},
				{now: 16 * time.Second, size: 40, want: arrives(16100 * ms), do: func(l *link.Link) { l.Block(false) }},
			},
		},
		"a packet accepted keeps its fate, and is not overtaken": {
			path: harness.Path{Delay: 600 * ms},
			steps: []step{
				{now: 0, size: 40, want: arrives(600 * ms)},
				{now: 100 * ms, size: 40, want: arrives(600 * ms), do: func(l *link.Link) { l.Set(harness.Path{Delay: 50 * ms}) }},
				{now: 590 * ms, size: 40, want: arrives(640 * ms)},
			},
		},
		"a queue built at a slow rate is drained before the fast rate serves": {
			path: harness.Path{Rate: 8_000}, // 100 B take 100 ms
			steps: []step{
				{now: 0, size: 100, want: arrives(100 * ms)},
				{now: 0, size: 100, want: arrives(110 * ms), do: func(l *link.Link) { l.Set(harness.Path{Rate: 80_000}) }},
				{now: 0, size: 100, want: arrives(110 * ms), do: func(l *link.Link) { l.Set(harness.Path{}) }},
			},
		},
		"all is lost at 100 %": {
			path:  harness.Path{Loss: harness.Loss{P: 1}},
			steps: []step{{size: 40, want: lost(harness.DropLoss)}},
		},
		"jitter never makes a delay negative": {
			path:  harness.Path{Jitter: time.Nanosecond},
			steps: []step{{now: ms, size: 40, want: arrives(ms)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := up(tc.path)
			for i, s := range tc.steps {
				if s.do != nil {
					s.do(l)
				}
				got := l.Send(s.now, link.Key{Flow: 1, Ordinal: uint64(i)}, s.size)
				require.Equal(t, s.want, got, "step %d", i)
			}
		})
	}
}

func paths() *rapid.Generator[harness.Path] {
	return rapid.Custom(func(t *rapid.T) harness.Path {
		p := harness.Path{
			Delay:  time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "delay")),
			Jitter: time.Duration(rapid.Int64Range(0, int64(300*ms)).Draw(t, "jitter")),
			Rate:   rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1_000, 50_000_000)).Draw(t, "rate"),
			Limit:  rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(100, 100_000)).Draw(t, "limit"),
		}
		if rapid.Bool().Draw(t, "bursty") {
			probability := rapid.Float64Range(0.01, 1)
			p.Loss.GE = &harness.GEModel{
				P: probability.Draw(t, "p"), R: probability.Draw(t, "r"),
				LossBad: probability.Draw(t, "1-h"), LossGood: rapid.Float64Range(0, 0.2).Draw(t, "1-k"),
			}
		} else {
			p.Loss.P = rapid.Float64Range(0, 1).Draw(t, "loss")
		}
		return p
	})
}

type offer struct {
	now  time.Duration
	key  link.Key
	size int
}

func offers() *rapid.Generator[[]offer] {
	return rapid.Custom(func(t *rapid.T) []offer {
		gap := rapid.Int64Range(0, int64(20*ms))
		list := make([]offer, rapid.IntRange(1, 300).Draw(t, "packets"))
		now := time.Duration(0)
		for i := range list {
			now += time.Duration(gap.Draw(t, "gap"))
			list[i] = offer{now, link.Key{Flow: uint64(i % 3), Ordinal: uint64(i / 3)}, rapid.IntRange(40, 1500).Draw(t, "size")}
		}
		return list
	})
}

// Every packet offered has exactly one fate, arrives after it departed and no
// earlier than one accepted before it, and is never early.
func TestPropertyFateAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := paths().Draw(t, "path")
		l := up(path)
		var last time.Duration
		for _, o := range offers().Draw(t, "offers") {
			f := l.Send(o.now, o.key, o.size)
			if f.Drop != harness.DropNone {
				require.Zero(t, f.Arrive)
				continue
			}
			require.GreaterOrEqual(t, f.Arrive, last, "overtaken")
			require.GreaterOrEqual(t, f.Arrive, o.now+max(0, path.Delay-path.Jitter), "early")
			last = f.Arrive
		}
	})
}

// Over every window, no more bits depart than the rate allows and one packet;
// the jitter can only press arrivals together by its own width.
func TestPropertyRateBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := paths().Draw(t, "path")
		path.Rate = rapid.Int64Range(1_000, 50_000_000).Draw(t, "rate")
		l := up(path)
		type arrival struct {
			at   time.Duration
			bits float64
		}
		var got []arrival
		for _, o := range offers().Draw(t, "offers") {
			if f := l.Send(o.now, o.key, o.size); f.Drop == harness.DropNone {
				got = append(got, arrival{f.Arrive, float64(8 * o.size)})
			}
		}
		for i := range got {
			bits := 0.0
			for _, a := range got[i:] {
				bits += a.bits
				window := (a.at - got[i].at + 2*path.Jitter).Seconds() + 1e-6
				require.LessOrEqual(t, bits, float64(path.Rate)*window+1500*8)
			}
		}
	})
}

// The bytes that wait never exceed the limit, but for one packet on an idle
// link: seen from outside, a packet is never delayed by more than the limit
// takes to send.
func TestPropertyQueueLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(8_000, 1_000_000).Draw(t, "rate")
		limit := rapid.Int64Range(1500, 20_000).Draw(t, "limit")
		l := up(harness.Path{Rate: rate, Limit: limit})
		longest := time.Duration(float64(limit*8)/float64(rate)*float64(time.Second)) + 1
		dropped := 0
		for _, o := range offers().Draw(t, "offers") {
			f := l.Send(o.now, o.key, o.size)
			if f.Drop == harness.DropQueue {
				dropped++
				continue
			}
			require.LessOrEqual(t, f.Arrive-o.now, longest)
		}
	})
}

// The same seed takes the same decisions, whatever order the flows come in; a
// different seed, client or direction takes others.
func TestPropertySameSeedSameDecisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := harness.Path{Delay: 300 * ms, Jitter: 100 * ms, Loss: harness.Loss{P: 0.5}}
		seed := rapid.Uint64().Draw(t, "seed")
		fates := func(id link.ID, seed uint64, flows ...uint64) map[link.Key]harness.DropReason {
			l := link.New(seed, id, path)
			out := map[link.Key]harness.DropReason{}
			for n := range uint64(64) {
				for _, f := range flows {
					k := link.Key{Flow: f, Ordinal: n}
					out[k] = l.Send(0, k, 40).Drop
				}
			}
			return out
		}
		id := link.ID{Client: 1, Direction: harness.Up}
		want := fates(id, seed, 1, 2, 3)
		require.Equal(t, want, fates(id, seed, 3, 1, 2))
		require.NotEqual(t, want, fates(id, seed+1, 1, 2, 3))
		require.NotEqual(t, want, fates(link.ID{Client: 1, Direction: harness.Down}, seed, 1, 2, 3))
		require.NotEqual(t, want, fates(link.ID{Client: 2, Direction: harness.Up}, seed, 1, 2, 3))
	})
}

// binomial returns how far k losses in n lie from p, in standard deviations.
func binomial(k, n int, p float64) float64 {
	return math.Abs(float64(k)-float64(n)*p) / math.Sqrt(float64(n)*p*(1-p))
}

func TestBernoulliLossIsAsAsked(t *testing.T) {
	const n = 1_000_000
	for _, p := range []float64{0.001, 0.01, 0.05, 0.2} {
		l := up(harness.Path{Loss: harness.Loss{P: p}})
		lost := 0
		for i := range n {
			if l.Send(0, link.Key{Flow: uint64(i % 100), Ordinal: uint64(i / 100)}, 40).Drop != harness.DropNone {
				lost++
			}
		}
		require.Less(t, binomial(lost, n, p), 3.3, "loss %v: %d of %d", p, lost, n)
	}
}

// Loss and mean burst length against the closed forms: the mean stay in the bad
// state is 1/r packets (tc-netem(8), Gilbert 1960).
func TestGilbertElliottIsAsAsked(t *testing.T) {
	const n = 1_000_000
	for name, ge := range map[string]harness.GEModel{
		"wifi":        {P: 0.005, R: 0.5, LossBad: 1},
		"satellite":   {P: 0.01, R: 1.0 / 3, LossBad: 1},
		"congested":   {P: 0.05, R: 0.5, LossBad: 1},
		"all four":    {P: 0.02, R: 0.25, LossBad: 0.8, LossGood: 0.01},
		"long bursts": {P: 0.01, R: 0.05, LossBad: 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := up(harness.Path{Loss: harness.Loss{GE: &ge}})
			lost, bursts, previous := 0, 0, false
			for i := range n {
				now := l.Send(0, link.Key{Flow: 1, Ordinal: uint64(i)}, 40).Drop != harness.DropNone
				if now {
					lost++
					if !previous {
						bursts++
					}
				}
				previous = now
			}
			require.InEpsilon(t, ge.Mean(), float64(lost)/n, 0.05, "mean loss")
			if ge.LossBad == 1 && ge.LossGood == 0 {
				require.InEpsilon(t, 1/ge.R, float64(lost)/float64(bursts), 0.05, "mean burst")
			}
		})
	}
}

// A short-lived link must not be luckier than a long-lived one: the chain starts
// in its stationary distribution.
func TestGilbertElliottStartsStationary(t *testing.T) {
	ge := harness.GEModel{P: 0.02, R: 0.02, LossBad: 1}
	const links = 20_000
	lost := 0
	for c := range links {
		l := link.New(9, link.ID{Client: c, Direction: harness.Up}, harness.Path{Loss: harness.Loss{GE: &ge}})
		if l.Send(0, link.Key{Flow: 1}, 40).Drop != harness.DropNone {
			lost++
		}
	}
	require.Less(t, binomial(lost, links, ge.Mean()), 3.3)
}

func TestJitterIsUniform(t *testing.T) {
	const n = 100_000
	l := up(harness.Path{Delay: 100 * ms, Jitter: 40 * ms})
	var sum, sq float64
	for i := range n {
		now := time.Duration(i) * time.Second // far apart: the order clamps nothing
		d := (l.Send(now, link.Key{Flow: 1, Ordinal: uint64(i)}, 40).Arrive - now).Seconds()
		require.True(t, d >= 0.060 && d < 0.140)
		sum += d
		sq += d * d
	}
	mean := sum / n
	require.InDelta(t, 0.100, mean, 0.0005)
	require.InEpsilon(t, 0.080/math.Sqrt(12), math.Sqrt(sq/n-mean*mean), 0.01)
}

func BenchmarkSend(b *testing.B) {
	ge := &harness.GEModel{P: 0.01, R: 0.5, LossBad: 1}
	var at []time.Duration
	for i := range 20_000 {
		at = append(at, time.Duration(i/3+1)*6*ms)
	}
	trace, err := delivery.NewOpportunities("trace", at)
	require.NoError(b, err)
	typical := harness.Path{Delay: 150 * ms, Jitter: 30 * ms, Rate: 10_000_000, Limit: 64 << 10, Loss: harness.Loss{GE: ge}}
	everything := typical
	everything.Rate, everything.Trace = 0, trace
	everything.Distribution, everything.Correlation = harness.Pareto, 0.5
	everything.Reorder, everything.Duplicate, everything.Corrupt, everything.MTU = 0.01, 0.01, 0.01, 1500
	for name, p := range map[string]harness.Path{"perfect": {}, "typical": typical, "everything": everything} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			l := up(p)
			i := uint64(0)
			for b.Loop() {
				i++
				l.Send(time.Duration(i)*2*ms, link.Key{Flow: i & 7, Ordinal: i >> 3}, 1200)
			}
		})
	}
}
