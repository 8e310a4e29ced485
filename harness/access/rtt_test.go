package access

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLinuxEstimator compares with values worked out by hand from the kernel's
// source. Every sample is the only one of its round.
func TestLinuxEstimator(t *testing.T) {
	var e RTT
	seq := uint32(0)
	add := func(sample float64) {
		seq += 100
		e.Sample(time.Duration(sample*float64(time.Second)), seq, seq+50)
	}
	add(0.3)
	require.InDelta(t, 0.9, e.Timeout().Seconds(), 1e-9, "three round trips at first")
	require.InDelta(t, 0.8, e.Probe().Seconds(), 1e-9, "two and 200 ms")
	add(0.3)
	require.InDelta(t, 0.75, (e.dev + e.Mean).Seconds(), 1e-9, "the deviation falls by a quarter")
	require.InDelta(t, 0.9, e.Timeout().Seconds(), 1e-9, "and what the time-out is made of after it")
	add(0.3)
	require.InDelta(t, 0.9-(0.6-0.3375)/4, e.Timeout().Seconds(), 1e-9)
	for range 100 {
		add(0.3)
	}
	require.InDelta(t, 0.5, e.Timeout().Seconds(), 1e-6, "the floor of the variance term")
	require.InDelta(t, 0.5, e.Probe().Seconds(), 1e-6, "not after the time-out")
	add(1.3)
	require.InDelta(t, 0.425+1, e.Timeout().Seconds(), 1e-6)
	require.InDelta(t, 2*0.425+0.2, e.Probe().Seconds(), 1e-6)
	before := e.dev.Seconds()
	add(0.1)
	require.InDelta(t, before+max(0, 0.325-before/4)/8, e.dev.Seconds(), 1e-6, "shorter round trips count for less")
}
