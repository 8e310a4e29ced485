package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
)

const ms = time.Millisecond

func TestOpportunities(t *testing.T) {
	trace, err := delivery.NewOpportunities("t", []time.Duration{1 * ms, 1 * ms, 5 * ms, 10 * ms})
	require.NoError(t, err)
	require.Equal(t, 10*ms, trace.Period())
	require.EqualValues(t, 4*1500*8*100, trace.Rate())
	for name, tc := range map[string]struct {
		now  []time.Duration
		size []int
		want []time.Duration
	}{
		"each takes the next":           {[]time.Duration{0, 0, 0, 0, 0}, []int{1500, 1500, 1500, 1500, 1500}, []time.Duration{ms, ms, 5 * ms, 10 * ms, 11 * ms}},
		"small ones share":              {[]time.Duration{0, 0, 0, 0}, []int{700, 700, 700, 1500}, []time.Duration{ms, ms, ms, 5 * ms}},
		"a large one takes several":     {[]time.Duration{0, 0}, []int{4000, 500}, []time.Duration{5 * ms, 5 * ms}},
		"what nobody used is gone":      {[]time.Duration{6 * ms, 30 * ms}, []int{100, 100}, []time.Duration{10 * ms, 31 * ms}},
		"spare is gone with its moment": {[]time.Duration{0, 2 * ms}, []int{100, 100}, []time.Duration{ms, 5 * ms}},
		"many rounds later":             {[]time.Duration{95 * ms}, []int{9000}, []time.Duration{110 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			var c delivery.Cursor
			for i := range tc.now {
				require.Equal(t, tc.want[i], trace.Depart(&c, tc.now[i], tc.size[i]), "packet %d", i)
			}
		})
	}
}

func TestRates(t *testing.T) {
	trace, err := delivery.NewRates("t", []delivery.Rate{{0, 8000}, {time.Second, 0}, {2 * time.Second, 80_000}}, 3*time.Second)
	require.NoError(t, err)
	require.EqualValues(t, 88_000/3+0, trace.Rate())
	for name, tc := range map[string]struct {
		now  time.Duration
		size int
		want time.Duration
	}{
		"within a step":            {0, 100, 100 * ms},
		"over the stall":           {900 * ms, 200, 2*time.Second + 10*ms},
		"up to the stall":          {900 * ms, 100, time.Second},
		"in the stall":             {1500 * ms, 100, 2*time.Second + 10*ms},
		"into the next round":      {2990 * ms, 200, 3*time.Second + 100*ms},
		"a whole round":            {0, 11_000, 3 * time.Second},
		"two rounds and something": {0, 22_100, 6*time.Second + 100*ms},
	} {
		t.Run(name, func(t *testing.T) {
			var c delivery.Cursor
			require.InDelta(t, tc.want, trace.Depart(&c, tc.now, tc.size), 2)
		})
	}
}

// Whatever is asked of a trace, it carries in order, never before it is ready,
// and never more over a stretch of time than the trace holds.
func TestPropertyTraceCarriesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := traces().Draw(t, "trace")
		var c delivery.Cursor
		var now, last time.Duration
		bits := 0.0
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now += time.Duration(rapid.Int64Range(0, int64(50*ms)).Draw(t, "gap"))
			size := rapid.IntRange(1, 1500).Draw(t, "size")
			at := trace.Depart(&c, now, size)
			require.GreaterOrEqual(t, at, now)
			require.GreaterOrEqual(t, at, last)
			last = at
			bits += float64(size * 8)
		}
		rounds := float64(last/trace.Period() + 1)
		require.LessOrEqual(t, bits, rounds*float64(trace.Rate()+1)*trace.Period().Seconds()+1)
	})
}

func traces() *rapid.Generator[*delivery.Trace] {
	return rapid.Custom(func(t *rapid.T) *delivery.Trace {
		n := rapid.IntRange(1, 20).Draw(t, "points")
		var at []time.Duration
		var steps []delivery.Rate
		end := time.Duration(0)
		for range n {
			steps = append(steps, delivery.Rate{At: end, Rate: rapid.Int64Range(0, 2_000_000).Draw(t, "rate")})
			end += time.Duration(rapid.IntRange(1, 300).Draw(t, "ms")) * ms
			at = append(at, end)
		}
		steps[0].Rate++
		var trace *delivery.Trace
		var err error
		if rapid.Bool().Draw(t, "opportunities") {
			trace, err = delivery.NewOpportunities("t", at)
		} else {
			trace, err = delivery.NewRates("t", steps, end)
		}
		require.NoError(t, err)
		return trace
	})
}

func TestBadTraces(t *testing.T) {
	_, err := delivery.NewOpportunities("t", nil)
	require.ErrorContains(t, err, "no opportunity")
	_, err = delivery.NewOpportunities("t", []time.Duration{5 * ms, 2 * ms})
	require.ErrorContains(t, err, "opportunity 2 is at 2ms")
	for want, steps := range map[string][]delivery.Rate{
		"never carries":               {},
		"the first step is at 1s":     {{time.Second, 1}},
		"step 2 is at 0s":             {{0, 1}, {0, 2}},
		"step 2 is at 9s: expected a": {{0, 1}, {9 * time.Second, 2}},
		"step 1 has -1 bit/s":         {{0, -1}},
	} {
		_, err := delivery.NewRates("t", steps, 5*time.Second)
		require.ErrorContains(t, err, want)
	}
}

func TestTraceOfAHistoryHasNoRate(t *testing.T) {
	var p harness.Path
	require.NoError(t, json.Unmarshal([]byte(`{"trace": {"name": "bus-up"}}`), &p))
	require.Equal(t, "bus-up", p.Trace.Name)
	require.Zero(t, p.Capacity())
}
