package simnet

import "time"

// The bounds of the retransmission time-out, Linux's: TCP_TIMEOUT_INIT,
// TCP_RTO_MIN, TCP_RTO_MAX.
const (
	firstRTO = time.Second
	minRTO   = 200 * time.Millisecond
	maxRTO   = 120 * time.Second
)

// estimator is the round-trip estimator of RFC 6298 with Linux's changes
// (tcp_rtt_estimator): the variance term has a floor of minRTO of its own, rises
// at once, and falls once a round trip; and a sample below the mean raises the
// deviation by an eighth of what one above does.
type estimator struct {
	srtt    time.Duration // 0 before the first sample
	dev     time.Duration // four mean deviations
	devMax  time.Duration // the largest of this round trip
	spread  time.Duration // the variance term
	mark    int64         // the round trip ends when this sequence number is acknowledged
	least   time.Duration // the shortest sample
	backoff uint          // doublings
}

// sample takes a measured round trip. Una and nxt are the first sequence number
// not acknowledged and the next to be sent.
func (r *estimator) sample(m time.Duration, una, nxt int64) {
	m = max(m, 1)
	if r.least == 0 || m < r.least {
		r.least = m
	}
	r.backoff = 0
	if r.srtt == 0 {
		r.srtt, r.dev = m, 2*m
		r.spread = max(r.dev, minRTO)
		r.devMax, r.mark = r.spread, nxt
		return
	}
	off := m - r.srtt
	r.srtt += off / 8
	change := off - r.dev/4
	if off < 0 {
		change = -off - r.dev/4
		if change > 0 {
			change /= 8
		}
	}
	r.dev += change
	if r.dev > r.devMax {
		r.devMax = r.dev
		r.spread = max(r.spread, r.devMax)
	}
	if una > r.mark {
		if r.devMax < r.spread {
			r.spread -= (r.spread - r.devMax) / 4
		}
		r.mark, r.devMax = nxt, minRTO
	}
}

// rto is the present retransmission time-out.
func (r *estimator) rto() time.Duration {
	if r.srtt == 0 {
		return min(firstRTO<<r.backoff, maxRTO)
	}
	return min((r.srtt+r.spread)<<min(r.backoff, 16), maxRTO)
}
