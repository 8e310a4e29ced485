package packet

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// srtt is the round-trip estimator of Linux: net/ipv4/tcp_input.c,
// tcp_rtt_estimator, with its time-out from tcp_set_rto, and its probe from
// net/ipv4/tcp_output.c, tcp_schedule_loss_probe. Times are seconds.
type srtt struct {
	begun     bool
	mean      float64
	deviation float64 // four times the mean deviation
	most      float64 // of deviation, since mark; at least floor
	term      float64 // what the time-out is above the mean
	mark      uint32  // sequence number that ends the present round
}

// floor is minRTO in seconds.
const floor = float64(minRTO) / float64(time.Second)

// add takes a sample. Acked is the acknowledgement it came with, sent the
// sequence number after the last one sent.
func (e *srtt) add(sample float64, acked, sent uint32) {
	if !e.begun {
		*e = srtt{begun: true, mean: sample, deviation: 2 * sample, mark: sent}
		e.term = max(e.deviation, floor)
		e.most = e.term
		return
	}
	gap := sample - e.mean
	e.mean += gap / 8
	switch grown := math.Abs(gap) - e.deviation/4; {
	case gap < 0 && grown > 0: // a round trip that gets shorter is no reason for patience
		e.deviation += grown / 8
	default:
		e.deviation += grown
	}
	e.most = max(e.most, e.deviation)
	e.term = max(e.term, e.most)
	if access.After(acked, e.mark) {
		e.term -= (e.term - e.most) / 4
		e.mark, e.most = sent, floor
	}
}

// timeout is the retransmission time-out.
func (e *srtt) timeout() float64 { return e.mean + e.term }

// probe is when a tail loss probe goes for the only packet in flight.
func (e *srtt) probe() float64 { return min(2*e.mean+floor, e.timeout()) }

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
func (t *told) choose(e *srtt, packets int) float64 {
	margin := max(probeMargin.Seconds(), e.mean/32)
	mean := min(e.mean, max((e.probe()-floor)/2, (e.mean+margin)/2))
	// A step moves the mean by an eighth of the deviation: stay within half a step.
	side := 1.0
	if t.mean-mean > (e.timeout()-mean)/4/16 {
		side = -1
	}
	n := math.Ceil(float64(packets) / 2)
	gap := (e.timeout() - t.mean - 4*t.deviation*(1-0.25/n)) / (1/n + side*0.125/n)
	// Without any deviation the mean would stay where it is.
	return max(0, t.mean+side*max(gap, (t.mean-mean)/8, 0))
}
