package retry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPauseDoublesUpToItsCap(t *testing.T) {
	p := Policy{Base: time.Second, Cap: 20 * time.Second}.WithDefaults()
	for i, want := range []float64{1, 2, 4, 8, 16, 20, 20} {
		require.InDelta(t, want, p.limit(i+1, 0).Seconds(), 0)
	}
	require.Equal(t, 20*time.Second, p.limit(1<<40, 10*time.Minute), "without overflow")
	require.Equal(t, 30*time.Second, p.limit(50, 16*time.Minute), "then 1/32 of the time since the round began")
	require.Equal(t, 5*time.Minute, p.limit(50, 1<<60), "up to its ceiling")
	require.Equal(t, 2*time.Second, p.limit(2, 16*time.Minute), "the first pauses are short all the same")

	p.Cap = 16 * time.Second
	require.Equal(t, 30*time.Second, p.limit(5, 16*time.Minute), "a doubling that meets the cap exactly")
}

func TestDefaultsReplaceZeros(t *testing.T) {
	want := Policy{
		Base: time.Second, Cap: 20 * time.Second, Ceiling: 5 * time.Minute, Dial: 8 * time.Second, First: 8 * time.Second,
		Least: 4 * time.Second, Most: 24 * time.Second, Idle: 100 * time.Second, Together: 16,
	}
	require.Equal(t, want, Policy{}.WithDefaults())
	set := Policy{Attempts: 1, Base: 2, Cap: 3, Ceiling: 4, Dial: 5, First: 6, Least: 7, Most: 8, Idle: 9, Together: 10}
	require.Equal(t, set, set.WithDefaults(), "what is set is kept")
	require.Equal(t, time.Hour, Policy{Cap: time.Hour}.WithDefaults().Ceiling, "the ceiling is not below the cap")
}

func TestPauseIsFullJitter(t *testing.T) {
	p := NewBackoff(Policy{}, 1, 1)
	const n = 10_000
	sum, short, long := time.Duration(0), 0, 0
	for range n {
		d := p.Draw(0, p.policy.limit(4, 0)) // up to 8 s
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
	p := NewBackoff(Policy{}, 1, 1)
	require.Equal(t, 8*time.Second, p.Allow(), "nothing is known")
	p.TimedOut(8 * time.Second)
	p.TimedOut(8 * time.Second)
	require.Equal(t, 16*time.Second, p.Allow(), "two attempts that ended together count once")
	p.TimedOut(16 * time.Second)
	require.Equal(t, 24*time.Second, p.Allow(), "but not for ever")
	p.Answered(100 * time.Millisecond)
	require.Equal(t, 4*time.Second, p.Allow(), "a fast link")
	for range 50 {
		p.Answered(6 * time.Second)
	}
	require.InDelta(t, 6, p.Allow().Seconds(), 0.5, "a slow and steady one")
}

// TestBackoffEstimates follows the estimate step by step: a sooner answer counts an
// eighth as a deviation, a later one whole.
func TestBackoffEstimates(t *testing.T) {
	p := NewBackoff(Policy{Most: time.Hour}, 1, 1)
	for _, step := range []struct{ took, srtt, rttvar time.Duration }{
		{8 * time.Second, 8 * time.Second, 4 * time.Second},
		{4 * time.Second, 7500 * time.Millisecond, 3125 * time.Millisecond},
		{16 * time.Second, 8562500 * time.Microsecond, 4468750 * time.Microsecond},
	} {
		p.Answered(step.took)
		require.Equal(t, step.srtt+4*step.rttvar, p.Allow(), step.took)
	}
}

func TestBackoffForgetsAnOutage(t *testing.T) {
	p := NewBackoff(Policy{}, 1, 1)
	p.Answered(8 * time.Second) // the first answer came through the end of an outage
	last := p.Allow()
	for range 12 {
		p.Answered(170 * time.Millisecond)
		require.LessOrEqual(t, p.Allow(), last, "a fast answer does not make it wait longer")
		last = p.Allow()
	}
	require.Equal(t, 4*time.Second, last)
}

func TestBackoffStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewBackoff(Policy{}, 1, 1)
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				p.Answered(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "took")))
			},
			"time-out": func(*rapid.T) { p.TimedOut(p.Allow()) },
			"": func(t *rapid.T) {
				d := p.Allow()
				require.True(t, d >= p.policy.Least && d <= p.policy.Most, "%v", d)
			},
		})
	})
}
