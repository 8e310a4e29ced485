package access

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// RTT is the round-trip estimator of Linux (net/ipv4/tcp_input.c, tcp_rtt_estimator and
// tcp_set_rto): RFC 6298, but the variance term has a floor of its own, rises at once, and
// falls once a round trip; and a sample below the mean raises the deviation by an eighth of
// what one above does.
type RTT struct {
	Mean   time.Duration // 0 before the first sample
	dev    time.Duration // four mean deviations
	most   time.Duration // of dev in this round trip; at least the floor
	spread time.Duration // the variance term
	mark   uint32        // the round trip ends when more than this sequence number is acknowledged
}

// Sample takes a measured round trip. Acked is the acknowledgement it came with, next the
// sequence number after the last one sent.
func (r *RTT) Sample(m time.Duration, acked, next uint32) {
	m = max(m, 1)
	if r.Mean == 0 {
		*r = RTT{Mean: m, dev: 2 * m, mark: next}
		r.spread = max(r.dev, harness.LeastTimeout)
		r.most = r.spread
		return
	}
	off := m - r.Mean
	r.Mean += off / 8
	change := off.Abs() - r.dev/4
	if off < 0 && change > 0 {
		change /= 8
	}
	r.dev += change
	r.most = max(r.most, r.dev)
	r.spread = max(r.spread, r.most)
	if After(acked, r.mark) {
		r.spread -= (r.spread - r.most) / 4
		r.mark, r.most = next, harness.LeastTimeout
	}
}

// Timeout is the retransmission time-out.
func (r *RTT) Timeout() time.Duration { return r.Mean + r.spread }

// Probe is when a tail loss probe goes for the only packet in flight
// (net/ipv4/tcp_output.c, tcp_schedule_loss_probe).
func (r *RTT) Probe() time.Duration { return min(2*r.Mean+harness.LeastTimeout, r.Timeout()) }
