package baseline

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The p values are published ones: the first of golang.org/x/perf, the second of the
// documentation of scipy.stats.mannwhitneyu, the third of R's wilcox.test (Hollander and
// Wolfe 1973, page 69; twice the one-sided 0.1272).
func TestMannWhitneyGivesThePublishedValues(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{2, 1, 3, 5}, []float64{12, 11, 13, 15}, 0.0285714},
		{[]float64{19, 22, 16, 29, 24}, []float64{20, 11, 17, 12}, 0.1111111},
		{[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, []float64{1.15, 0.88, 0.90, 0.74, 1.21}, 0.2544},
		{[]float64{2, 2, 2, 2}, []float64{2, 2, 2}, 1},
	} {
		require.InDelta(t, c.want, mannWhitney(c.x, c.y), 5e-5)
		require.InDelta(t, c.want, mannWhitney(c.y, c.x), 5e-5)
	}
}

// With few different values there are many ties. Every division of the values is counted out.
func TestPropertyMannWhitneyCountsDivisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 4).Draw(t, "v")) }), 1, 6)
		x, y := some.Draw(t, "x"), some.Draw(t, "y")
		all := append(append([]float64{}, x...), y...)
		u := func(in func(i int) bool) (u float64) {
			for i, a := range all {
				for j, b := range all {
					switch {
					case !in(i) || in(j):
					case a > b:
						u++
					case a == b:
						u += 0.5
					}
				}
			}
			return math.Abs(u - float64(len(x)*len(y))/2)
		}
		far := u(func(i int) bool { return i < len(x) })
		beyond, divisions := 0, 0
		for mask := range 1 << len(all) {
			in := func(i int) bool { return mask>>i&1 == 1 }
			size := 0
			for i := range all {
				if in(i) {
					size++
				}
			}
			if size != len(x) {
				continue
			}
			if divisions++; u(in) >= far {
				beyond++
			}
		}
		require.InDelta(t, float64(beyond)/float64(divisions), mannWhitney(x, y), 1e-9)
	})
}

// Beyond 100 values the distribution is taken as normal. Where both are possible they agree.
func TestTheNormalDistributionAgreesWithTheExactOne(t *testing.T) {
	for _, shift := range []float64{0, 1, 2, 4} {
		var x, y []float64
		for i := range 50 {
			x, y = append(x, float64(i*i%17)), append(y, float64(i*i%19)+shift)
		}
		ranks, ties := doubledRanks(x, y)
		sum := 0
		for _, r := range ranks[:50] {
			sum += r
		}
		exact := mannWhitney(x, y)
		require.InDelta(t, exact, normal(math.Abs(float64(sum)/2-50*101/2.0), 50, 50, ties), 0.1*exact, "shift %v", shift)
	}
}

func TestLeastIsWhatBenchstatHas(t *testing.T) {
	for n, want := range map[int]float64{3: 0.1, 4: 0.028571428, 6: 0.0021645021, 9: 4.1135335e-05} {
		require.InDelta(t, want, least(n, n), 1e-8)
	}
	require.Equal(t, 6, enough(1))
	require.Equal(t, 6, enough(23))
	require.Equal(t, 7, enough(24))
	require.Equal(t, 9, enough(1000))
}

// The example is the one of Holm's method in many textbooks: the smallest times four, and so on.
func TestHolm(t *testing.T) {
	ps := []float64{0.01, 0.04, 0.03, 0.005}
	holm(ps)
	require.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, ps, 1e-12)
}
