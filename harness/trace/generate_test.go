package trace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/trace"
)

func generate(t require.TestingT, r trace.Recipe) trace.Series {
	s, err := trace.Generate(r)
	require.NoError(t, err)
	return s
}

// A day of each kind has the statistics its comment derives.
func TestADayIsAsMeasured(t *testing.T) {
	type want struct {
		perMinute, median, share float64 // of stalls over 1 s; of the time in those over 0.5 s
		longest                  time.Duration
	}
	for kind, w := range map[string]want{
		"bus":       {1.31, 2.34, 0.077, 12 * time.Second},
		"metro":     {3.45, 1.34, 0.215, 30 * time.Second},
		"rural":     {2.51, 1.78, 0.122, 12 * time.Second},
		"satellite": {0, 0, 0, 50 * time.Millisecond},
	} {
		t.Run(kind, func(t *testing.T) {
			const day = 24 * time.Hour
			s := generate(t, trace.Recipe{Kind: kind, Seed: 7, Direction: harness.Up, Length: day})
			long := s.Stalls(time.Second)
			require.InDelta(t, w.perMinute, float64(long.Count)/day.Minutes(), 0.01)
			require.InDelta(t, w.median, long.Median.Seconds(), 0.01)
			require.InDelta(t, w.share, s.Stalls(500*time.Millisecond).Total.Seconds()/day.Seconds(), 0.001)
			require.Equal(t, w.longest, s.Stalls(0).Longest)
		})
	}
}

// The time between stalls of a Poisson process has a standard deviation as large
// as its mean, and all stalls do not stand in one place.
func TestStallsComeAtRandom(t *testing.T) {
	s := generate(t, trace.Recipe{Kind: "bus", Seed: 3, Direction: harness.Up, Length: 24 * time.Hour})
	var last, from time.Duration
	var gaps []float64
	for _, r := range s.Rates {
		if r.Rate == 0 {
			from = r.At
			gaps = append(gaps, (from - last).Seconds())
			last = from
		}
	}
	mean, square := 0.0, 0.0
	for _, g := range gaps {
		mean += g / float64(len(gaps))
		square += g * g / float64(len(gaps))
	}
	require.InDelta(t, 30, mean, 0.5)
	require.InDelta(t, 2, square/(mean*mean), 0.2, "1 for a clock, 2 for Poisson")
}

func TestPropertyGenerated(t *testing.T) {
	means := map[string][2]float64{"bus": {943, 2020}, "metro": {1910, 4560}, "rural": {843, 521}, "satellite": {10_000, 100_000}}
	require.Len(t, means, len(trace.Kinds()))
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(trace.Kinds()).Draw(t, "kind")[0]
		r := trace.Recipe{Kind: kind, Seed: rapid.Uint64().Draw(t, "seed"), Direction: harness.Up}
		r.Length = time.Duration(rapid.IntRange(300, 4000).Draw(t, "seconds")) * time.Second
		up := generate(t, r)
		require.Equal(t, up, generate(t, r), "the same recipe, the same trace")
		r.Direction = harness.Down
		down := generate(t, r)
		for i, s := range []trace.Series{up, down} {
			again, err := trace.Parse(s.Text())
			require.NoError(t, err)
			require.Equal(t, s, again)
			made, err := s.Trace(kind)
			require.NoError(t, err)
			require.Equal(t, r.Length, made.Period())
			require.InEpsilon(t, means[kind][i], float64(made.Rate())/1e3, 0.02)
		}
		require.Equal(t, up.Stalls(0), down.Stalls(0), "gone both ways")
		r.Seed++
		require.NotEqual(t, down, generate(t, r))
	})
}

func TestGenerateRefuses(t *testing.T) {
	good := trace.Recipe{Kind: "bus", Direction: harness.Up, Length: 5 * time.Minute}
	generate(t, good)
	for want, change := range map[string]func(*trace.Recipe){
		`no kind of trace is named "boat"`:                           func(r *trace.Recipe) { r.Kind = "boat" },
		"direction unknown: expected up or down":                     func(r *trace.Recipe) { r.Direction = harness.DirectionUnknown },
		"length 1m0s: expected whole seconds from 5m0s to 24h0m0s":   func(r *trace.Recipe) { r.Length = time.Minute },
		"length 25h0m0s: expected whole seconds from":                func(r *trace.Recipe) { r.Length = 25 * time.Hour },
		"length 5m0.5s: expected whole seconds from 5m0s to 24h0m0s": func(r *trace.Recipe) { r.Length = 300_500 * time.Millisecond },
	} {
		bad := good
		change(&bad)
		s, err := trace.Generate(bad)
		require.ErrorContains(t, err, want)
		require.Zero(t, s)
	}
}
