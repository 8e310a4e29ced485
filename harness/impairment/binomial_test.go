package impairment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
)

// The tail is what adding up the whole distribution gives, built by adding one
// packet after another.
func TestPropertyTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
		k := rapid.IntRange(0, n).Draw(t, "k")
		dist := make([]float64, n+1)
		dist[0] = 1
		for range n {
			for i := n; i > 0; i-- {
				dist[i] = dist[i]*(1-p) + dist[i-1]*p
			}
			dist[0] *= 1 - p
		}
		want := 0.0
		for i, q := range dist {
			if above := float64(k) > float64(n)*p; above && i >= k || !above && i <= k {
				want += q
			}
		}
		require.InDelta(t, 1, (tail(int64(k), int64(n), p)+1e-280)/(want+1e-280), 1e-9)
	})
}

func TestImplausible(t *testing.T) {
	for name, tc := range map[string]struct {
		k, n int64
		p    float64
		want bool
	}{
		"nothing offered":         {0, 0, 0.5, false},
		"none asked, none lost":   {0, 100, 0, false},
		"none asked, one lost":    {1, 100, 0, true},
		"all asked, all lost":     {100, 100, 1, false},
		"all asked, one through":  {99, 100, 1, true},
		"as expected":             {10, 1000, 0.01, false},
		"none of ten":             {0, 1000, 0.01, true},
		"none of one":             {0, 100, 0.01, false},
		"twice as many, few":      {4, 200, 0.01, false},
		"twice as many, lots":     {2000, 100_000, 0.01, true},
		"a little more, millions": {102_000, 10_000_000, 0.01, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, implausible(tc.k, tc.n, tc.p, 0.001)) })
	}
}

// chain is a Gilbert-Elliott chain in its stationary state.
func chain(r *rand.Rand, g harness.GEModel, n int) (lost int64) {
	bad := r.Float64() < g.P/(g.P+g.R)
	for range n {
		p, leave := g.LossGood, g.P
		if bad {
			p, leave = g.LossBad, g.R
		}
		if r.Float64() < leave {
			bad = !bad
		}
		if r.Float64() < p {
			lost++
		}
	}
	return lost
}

func asAsked(k, n int64, l harness.Loss, alpha float64) bool {
	return draw{k: k, n: n, p: l.Mean(), loss: l}.asAsked(alpha)
}

// Of runs in which the loss is as asked, few are called implausible, bursts or
// none; of runs with another loss, nearly all.
func TestLossAsAskedIsBelieved(t *testing.T) {
	const runs, packets, alpha = 2000, 4000, 0.001
	for name, l := range map[string]harness.Loss{
		"none":           {},
		"Bernoulli 0.1%": {P: 0.001},
		"Bernoulli 5%":   {P: 0.05},
		"cellular":       {GE: &harness.GEModel{P: 0.01, R: 0.5, LossBad: 1}},
		"satellite":      {GE: &harness.GEModel{P: 0.01, R: 0.333, LossBad: 1}},
		"long bursts":    {GE: &harness.GEModel{P: 0.01, R: 0.05, LossBad: 0.8, LossGood: 0.01}},
		"alternating":    {GE: &harness.GEModel{P: 0.9, R: 0.9, LossBad: 0.3}},
	} {
		t.Run(name, func(t *testing.T) {
			r := harness.Rand(1, harness.StreamLink)
			ge := l.GE
			if ge == nil {
				ge = &harness.GEModel{P: 0.5, R: 0.5, LossBad: l.P, LossGood: l.P}
			}
			wrong := 0
			for range runs {
				if !asAsked(chain(r, *ge, packets), packets, l, alpha) {
					wrong++
				}
			}
			require.LessOrEqual(t, wrong, 10, "of %d right runs were called wrong", runs)
			if mean := l.Mean(); mean > 0.01 {
				require.False(t, asAsked(0, packets, l, alpha), "no loss at all")
				require.False(t, asAsked(int64(3*mean*packets), packets, l, alpha), "three times the loss")
			}
		})
	}
}

// The inflation is the variance of the chain over that of independent packets.
func TestClumping(t *testing.T) {
	const runs, packets = 4000, 2000
	for name, g := range map[string]harness.GEModel{
		"cellular": {P: 0.01, R: 0.5, LossBad: 1}, "wifi lossy": {P: 0.025, R: 0.5, LossBad: 1},
		"some pass": {P: 0.02, R: 0.1, LossBad: 0.6, LossGood: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			r := harness.Rand(2, harness.StreamLink)
			mean := g.Mean() * packets
			variance := 0.0
			for range runs {
				d := float64(chain(r, g, packets)) - mean
				variance += d * d / runs
			}
			alone := packets * g.Mean() * (1 - g.Mean())
			require.InEpsilon(t, math.Sqrt(variance/alone), math.Sqrt(clumping(harness.Loss{GE: &g})), 0.05)
		})
	}
	require.EqualValues(t, 1, clumping(harness.Loss{P: 0.1}))
}
