package tcp

import (
	"time"

	"github.com/onebar/onebar/harness/access"
)

// The bounds of the retransmission time-out, Linux's TCP_TIMEOUT_INIT and TCP_RTO_MAX.
const (
	firstRTO = time.Second
	maxRTO   = 120 * time.Second
)

// estimator is Linux's round-trip estimator with its backoff.
type estimator struct {
	access.RTT
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
	r.Sample(m, uint32(una), uint32(nxt))
}

// rto is the present retransmission time-out.
func (r *estimator) rto() time.Duration {
	if r.Mean == 0 {
		return min(firstRTO<<r.backoff, maxRTO)
	}
	return min(r.Timeout()<<min(r.backoff, 16), maxRTO)
}
