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

// delays sends n packets so far apart that the order clamps nothing, and returns
// the delay of each in seconds.
func delays(p harness.Path, n int) []float64 {
	l := up(p)
	out := make([]float64, n)
	for i := range out {
		now := time.Duration(i) * 20 * time.Second
		out[i] = (l.Send(now, link.Key{Flow: 1, Ordinal: uint64(i)}, 40).Arrive - now).Seconds()
	}
	return out
}

func moments(x []float64) (mean, sd, lag float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	var cov float64
	for i, v := range x {
		sd += (v - mean) * (v - mean)
		if i > 0 {
			cov += (v - mean) * (x[i-1] - mean)
		}
	}
	return mean, math.Sqrt(sd / float64(len(x))), cov / sd
}

func TestJitterDistributions(t *testing.T) {
	const n = 200_000
	for name, tc := range map[string]struct {
		d           harness.Distribution
		correlation float64
	}{
		"uniform": {harness.Uniform, 0}, "uniform correlated": {harness.Uniform, 0.75},
		"normal": {harness.Normal, 0}, "normal correlated": {harness.Normal, 0.75},
		"pareto": {harness.Pareto, 0}, "pareto correlated": {harness.Pareto, 0.75},
	} {
		t.Run(name, func(t *testing.T) {
			p := harness.Path{Delay: time.Second, Jitter: 50 * ms, Distribution: tc.d, Correlation: tc.correlation}
			mean, sd, lag := moments(delays(p, n))
			require.InDelta(t, 1, mean, 0.002)
			spread := 0.03 // of the standard deviation
			if tc.d == harness.Pareto {
				spread = 0.15 // its fourth moment is infinite: the sample's spread converges slowly, and the tail is cut at 20
			}
			require.InEpsilon(t, p.Spread().Seconds(), sd, spread)
			switch {
			case tc.correlation == 0:
				require.InDelta(t, 0, lag, 0.01)
			case tc.d == harness.Normal:
				require.InDelta(t, tc.correlation, lag, 0.01)
			default: // the rank correlation is kept, the linear one only nearly
				require.InDelta(t, tc.correlation, lag, 0.15)
			}
		})
	}
}

func TestDelayNeverNegative(t *testing.T) {
	for _, d := range []harness.Distribution{harness.Uniform, harness.Normal, harness.Pareto} {
		for _, v := range delays(harness.Path{Delay: ms, Jitter: 500 * ms, Distribution: d}, 10_000) {
			require.GreaterOrEqual(t, v, 0.0)
		}
	}
}

func TestReorderOvertakes(t *testing.T) {
	const n = 100_000
	l := up(harness.Path{Delay: 100 * ms, Reorder: 0.25})
	early := 0
	for i := range n {
		now := time.Duration(i) * ms
		f := l.Send(now, link.Key{Flow: 1, Ordinal: uint64(i)}, 40)
		if f.Arrive == now {
			early++
			continue
		}
		require.Equal(t, now+100*ms, f.Arrive, "the others keep delay and order")
	}
	require.Less(t, binomial(early, n, 0.25), 3.3)
}

func TestDuplicateAndCorruptAsAsked(t *testing.T) {
	const n = 100_000
	l := up(harness.Path{Delay: 10 * ms, Duplicate: 0.02, Corrupt: 0.05})
	copies, corrupt, places := 0, 0, map[uint64]bool{}
	for i := range n {
		f := l.Send(time.Duration(i)*ms, link.Key{Flow: 1, Ordinal: uint64(i)}, 40)
		if f.Copy > 0 {
			copies++
			require.GreaterOrEqual(t, f.Copy, f.Arrive)
		}
		if f.Corrupt > 0 {
			corrupt++
			places[f.Corrupt%320] = true
		}
	}
	require.Less(t, binomial(copies, n, 0.02), 3.3)
	require.Less(t, binomial(corrupt, n, 0.05), 3.3)
	require.Len(t, places, 320, "any bit may be hit")
}

func TestCopyTakesItsPlaceInTheQueue(t *testing.T) {
	l := up(harness.Path{Rate: 80_000, Duplicate: 1}) // 100 B take 10 ms
	require.Equal(t, link.Fate{Arrive: 10 * ms, Copy: 20 * ms}, l.Send(0, link.Key{Flow: 1}, 100))
	require.Equal(t, link.Fate{Arrive: 30 * ms, Copy: 40 * ms}, l.Send(0, link.Key{Flow: 1, Ordinal: 1}, 100))
}

func TestMTU(t *testing.T) {
	l := up(harness.Path{MTU: 1280})
	require.Equal(t, harness.DropMTU, l.Send(0, link.Key{}, 1281).Drop)
	require.Equal(t, harness.DropNone, l.Send(0, link.Key{}, 1280).Drop)
}

func TestLimitTime(t *testing.T) {
	l := up(harness.Path{Rate: 80_000, LimitTime: 25 * ms}) // 100 B take 10 ms
	var got []harness.DropReason
	for i := range uint64(5) {
		got = append(got, l.Send(0, link.Key{Ordinal: i}, 100).Drop)
	}
	require.Equal(t, []harness.DropReason{0, 0, 0, harness.DropQueue, harness.DropQueue}, got)
}

func TestTraceCarries(t *testing.T) {
	stall, err := delivery.NewRates("stall", []delivery.Rate{{At: 0, Rate: 80_000}, {At: time.Second, Rate: 0}}, 4*time.Second)
	require.NoError(t, err)
	longest, bytes := time.Duration(0), 0
	l := up(harness.Path{Trace: stall, LimitTime: 10 * time.Second})
	const span = 400 * time.Second
	for now := time.Duration(0); now < span; now += 50 * ms {
		f := l.Send(now, link.Key{Ordinal: uint64(now)}, 120)
		require.Equal(t, harness.DropNone, f.Drop)
		longest = max(longest, f.Arrive-now)
		bytes += 120
	}
	require.Greater(t, longest, 2900*ms, "the stall is felt") // but for a packet that comes just as it begins
	require.Less(t, longest, 4*time.Second)

	// Loaded to the full, it carries what it holds, wherever it began.
	for client := range 5 {
		l := link.New(1, link.ID{Client: client, Direction: harness.Down}, harness.Path{Trace: stall, LimitTime: time.Second})
		carried := 0
		for now := time.Duration(0); now < span; now += 5 * ms {
			if f := l.Send(now, link.Key{Ordinal: uint64(now)}, 120); f.Drop == harness.DropNone && f.Arrive < span {
				carried += 120
			}
		}
		require.InEpsilon(t, float64(stall.Rate())*span.Seconds()/8, float64(carried), 0.02)
	}
}

func TestEachLinkBeginsElsewhereInItsTrace(t *testing.T) {
	trace, err := delivery.NewRates("t", []delivery.Rate{{At: 0, Rate: 8_000}, {At: time.Second, Rate: 16_000}}, 2*time.Second)
	require.NoError(t, err)
	fates := map[link.Fate]bool{}
	for client := range 20 {
		l := link.New(1, link.ID{Client: client, Direction: harness.Up}, harness.Path{Trace: trace})
		up := l.Send(0, link.Key{}, 1500)
		fates[up] = true
		down := link.New(1, link.ID{Client: client, Direction: harness.Down}, harness.Path{Trace: trace})
		require.Equal(t, up, down.Send(0, link.Key{}, 1500), "both directions are at the same place")
	}
	require.Greater(t, len(fates), 10)
}

// All parameters may change while packets are under way: those accepted keep
// their fate, and the order holds.
func TestPropertyChangesKeepOrder(t *testing.T) {
	trace, err := delivery.NewOpportunities("t", []time.Duration{ms, 3 * ms, 3 * ms, 40 * ms})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		l := up(harness.Path{})
		var last time.Duration
		for _, o := range offers().Draw(t, "offers") {
			if rapid.IntRange(0, 9).Draw(t, "change") == 0 {
				p := paths().Draw(t, "path")
				if rapid.Bool().Draw(t, "traced") {
					p.Trace = trace
				}
				p.Distribution = harness.Distribution(rapid.IntRange(0, 2).Draw(t, "distribution"))
				p.Duplicate = rapid.Float64Range(0, 1).Draw(t, "duplicate")
				l.Set(p)
			}
			f := l.Send(o.now, o.key, o.size)
			if f.Drop != harness.DropNone {
				require.Equal(t, link.Fate{Drop: f.Drop}, f)
				continue
			}
			require.GreaterOrEqual(t, f.Arrive, last)
			require.GreaterOrEqual(t, f.Arrive, o.now)
			last = max(f.Arrive, f.Copy)
		}
	})
}
