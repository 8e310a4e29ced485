package wallet

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newBackoff(p Pace, seed uint64) *backoff {
	return &backoff{pace: p.withDefaults(), rng: rand.New(rand.NewPCG(seed, 1))}
}

func TestPauseDoublesUpToItsCap(t *testing.T) {
	p := Pace{Base: time.Second, Cap: 20 * time.Second}
	for i, want := range []float64{1, 2, 4, 8, 16, 20, 20} {
		require.InDelta(t, want, p.pause(i+1).Seconds(), 0)
	}
	require.Equal(t, 20*time.Second, p.pause(1<<40), "without overflow")
}

func TestPauseIsFullJitter(t *testing.T) {
	p := newBackoff(Pace{}, 1)
	const n = 10_000
	sum, short, long := time.Duration(0), 0, 0
	for range n {
		d := p.pause(4) // up to 8 s
		require.True(t, d >= 0 && d <= 8*time.Second)
		sum += d
		if d < 800*time.Millisecond {
			short++
		}
		if d > 7200*time.Millisecond {
			long++
		}
	}
	// Of a uniform draw: mean 4 s, a tenth in either tenth; five standard
	// deviations of n draws.
	require.InDelta(t, 4, (sum / n).Seconds(), 5*8/3.4641/100)
	require.InDelta(t, n/10, short, 5*30)
	require.InDelta(t, n/10, long, 5*30)
}

func TestBackoffFollowsTheLink(t *testing.T) {
	p := newBackoff(Pace{}, 1)
	require.Equal(t, 8*time.Second, p.allow(), "nothing is known")
	p.timedOut(8 * time.Second)
	p.timedOut(8 * time.Second)
	require.Equal(t, 16*time.Second, p.allow(), "two tries that ended together count once")
	p.timedOut(16 * time.Second)
	require.Equal(t, 24*time.Second, p.allow(), "but not for ever")
	p.answered(100 * time.Millisecond)
	require.Equal(t, 4*time.Second, p.allow(), "a fast link")
	for range 50 {
		p.answered(6 * time.Second)
	}
	require.InDelta(t, 6, p.allow().Seconds(), 0.5, "a slow and steady one")
}

func TestBackoffForgetsAnOutage(t *testing.T) {
	p := newBackoff(Pace{}, 1)
	p.answered(8 * time.Second) // the first answer came through the end of an outage
	last := p.allow()
	for range 12 {
		p.answered(170 * time.Millisecond)
		require.LessOrEqual(t, p.allow(), last, "a fast answer does not make it wait longer")
		last = p.allow()
	}
	require.Equal(t, 4*time.Second, last)
}

func TestBackoffStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newBackoff(Pace{}, 1)
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				p.answered(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "took")))
			},
			"time-out": func(*rapid.T) { p.timedOut(p.allow()) },
			"": func(t *rapid.T) {
				d := p.allow()
				require.True(t, d >= p.pace.Least && d <= p.pace.Most, "%v", d)
			},
		})
	})
}
