package tcp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// TestTimersEndOnTheWheel compares with Linux's grid: 4 ms up to 252 ms, 32 ms up to
// 2 s, 256 ms up to 16 s.
func TestTimersEndOnTheWheel(t *testing.T) {
	c := &Conn{Settings: Settings{Phase: 3}}
	for _, tc := range []struct{ now, d, want time.Duration }{
		{0, 1, 4 * time.Millisecond},
		{0, 40 * time.Millisecond, 40 * time.Millisecond},
		{3, 40 * time.Millisecond, 44 * time.Millisecond},
		{0, 500 * time.Millisecond, 512 * time.Millisecond},
		{20 * time.Millisecond, 500 * time.Millisecond, 544 * time.Millisecond},
		{0, 3 * time.Second, 3072 * time.Millisecond},
		{0, 120 * time.Second, 120832 * time.Millisecond},
	} {
		c.now = tc.now
		require.Equal(t, tc.want+3, c.ends(tc.d), "%v from %v", tc.d, tc.now)
	}
}

// TestTimeOut follows the estimator: RFC 6298's first value, the fall to the round
// trip and 200 ms, the doubling, and what one late sample does.
func TestTimeOut(t *testing.T) {
	const rtt = 300 * time.Millisecond
	var r estimator
	require.Equal(t, time.Second, r.rto())
	r.backoff = 3
	require.Equal(t, 8*time.Second, r.rto())
	seq := int64(0)
	sample := func(m time.Duration) {
		seq++
		r.sample(m, seq+1, seq+1)
	}
	sample(rtt)
	require.Equal(t, 3*rtt, r.rto())
	for range 40 {
		sample(rtt)
	}
	require.InDelta(t, rtt+harness.LeastTimeout, r.rto(), float64(time.Millisecond))
	sample(3 * rtt)
	require.Greater(t, r.rto(), 2*rtt+harness.LeastTimeout)
	r.backoff = 60
	require.Equal(t, maxRTO, r.rto())
}

// TestWindow follows CUBIC through slow start, its end by delay, and a loss.
func TestWindow(t *testing.T) {
	c := newCubic()
	for seq := int64(1); c.window < 20; seq++ {
		c.grow(1, time.Second, 300*time.Millisecond)
		c.brake(300*time.Millisecond, 300*time.Millisecond, seq, seq)
	}
	require.Greater(t, c.threshold, 1000.0, "no delay")
	for range hystartSamples + 2 {
		c.brake(330*time.Millisecond, 300*time.Millisecond, 1000, 1100)
	}
	require.Equal(t, c.window, c.threshold)
	c.window = 100
	c.reduce()
	require.InDelta(t, 70, c.threshold, 1e-9)
	c.window = c.threshold
	at := 10 * time.Second
	for c.window < 99 {
		at += 300 * time.Millisecond
		c.grow(c.window, at, 300*time.Millisecond)
	}
	// RFC 9438: K = cbrt(W_max (1 - beta) / C).
	require.InDelta(t, 4.2, (at - 10*time.Second).Seconds(), 1.5)
}
