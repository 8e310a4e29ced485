package harness_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

func TestBurst(t *testing.T) {
	ge := func(p, r, bad, good float64) harness.Loss {
		return harness.Loss{GE: &harness.GEModel{P: p, R: r, LossBad: bad, LossGood: good}}
	}
	for name, tc := range map[string]struct {
		loss harness.Loss
		want float64
	}{
		"none":                        {harness.Loss{}, 0},
		"all":                         {harness.Loss{P: 1}, math.Inf(1)},
		"each on its own":             {harness.Loss{P: 0.2}, 1.25},
		"netem's gemodel p r":         {ge(0.01, 0.25, 1, 0), 4},
		"states that do not differ":   {ge(0.01, 0.25, 0.2, 0.2), 1.25},
		"a chain that never moves":    {ge(0, 0, 1, 0.5), 2},
		"a bad state that loses some": {ge(0.05, 0.2, 0.6, 0.01), played(0.05, 0.2, 0.6, 0.01)},
	} {
		t.Run(name, func(t *testing.T) {
			if math.IsInf(tc.want, 1) {
				require.Equal(t, tc.want, tc.loss.Burst())
				return
			}
			require.InEpsilon(t, 1+tc.want, 1+tc.loss.Burst(), 0.02)
		})
	}
}

// played plays a Gilbert-Elliott chain and returns the mean length of its runs.
func played(p, r, bad, good float64) float64 {
	rnd := harness.Rand(1, harness.StreamLink)
	lost, runs := 0, 0
	for state, before, n := false, false, 0; n < 1_000_000; n++ {
		l, leave := good, p
		if state {
			l, leave = bad, r
		}
		now := rnd.Float64() < l
		if now {
			lost++
			if !before {
				runs++
			}
		}
		before = now
		if rnd.Float64() < leave {
			state = !state
		}
	}
	return float64(lost) / float64(runs)
}
