package linuxtcp

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// floor is Linux's least time-out beyond the round trip, in seconds.
const floor = float64(harness.LeastTimeout) / float64(time.Second)

// told is gVisor's estimator (tcp/snd.go, updateRTO; RFC 7323, appendix G), which
// knows only what it is told.
type told struct {
	begun           bool
	mean, deviation float64
}

// add takes a sample while packets packets are in flight.
func (t *told) add(sample float64, packets int) {
	if !t.begun {
		*t = told{true, sample, sample / 2}
		return
	}
	n := math.Ceil(float64(packets) / 2)
	t.deviation += (math.Abs(t.mean-sample) - t.deviation) / 4 / n
	t.mean += (sample - t.mean) / 8 / n
}

// choose returns the sample to tell, in place of the last one e got, that brings
// gVisor's time-out, mean + 4·deviation, to e's, and its probe, 2·mean and 200 ms
// for the only packet in flight, near e's. The probe for one of several packets
// in flight goes after 2·mean alone: it must not come before a delayed
// acknowledgement.
func (t *told) choose(e *access.RTT, packets int) float64 {
	linux, timeout := e.Mean.Seconds(), e.Timeout().Seconds()
	margin := max(probeMargin.Seconds(), linux/32)
	mean := min(linux, max((e.Probe().Seconds()-floor)/2, (linux+margin)/2))
	// A step moves the mean by an eighth of the deviation: stay within half a step.
	side := 1.0
	if t.mean-mean > (timeout-mean)/4/16 {
		side = -1
	}
	n := math.Ceil(float64(packets) / 2)
	gap := (timeout - t.mean - 4*t.deviation*(1-0.25/n)) / (1/n + side*0.125/n)
	// Without any deviation the mean would stay where it is.
	return max(0, t.mean+side*max(gap, (t.mean-mean)/8, 0))
}
