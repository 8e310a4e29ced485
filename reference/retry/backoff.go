package retry

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Backoff estimates how long an answer takes, as TCP estimates its
// retransmission time-out (RFC 6298, section 2): a smoothed time plus four
// times its mean deviation. Each time-out on an open connection doubles the time
// of the next attempt (5.5 there), until an answer arrives. A dial that fails does not,
// because it says nothing about the time of an answer. One answer belongs to one attempt,
// so no sample is ambiguous as in TCP (Karn's algorithm is not needed). But a sample that
// an outage has delayed is too long. So an answer that comes sooner than expected counts
// an eighth as a deviation, as in Linux (tcp_rtt_estimator): otherwise the fast answers
// after an outage would raise the estimate further.
//
// Its methods may be called from several goroutines.
type Backoff struct {
	policy Policy

	mu       sync.Mutex
	rng      *rand.Rand
	srtt     time.Duration // 0 before the first answer
	rttvar   time.Duration
	doubling int
}

// NewBackoff returns the backoff of a wallet that has had no answer yet, with
// jitter drawn from a generator with this seed.
func NewBackoff(p Policy, seed1, seed2 uint64) *Backoff {
	return &Backoff{policy: p.WithDefaults(), rng: rand.New(rand.NewPCG(seed1, seed2))}
}

// Allow returns how long the next attempt waits for its answer.
func (b *Backoff) Allow() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.allowed()
}

// allowed is Allow for a caller that holds b.mu.
func (b *Backoff) allowed() time.Duration {
	d := b.policy.First
	if b.srtt > 0 {
		d = b.srtt + 4*b.rttvar
	}
	d = max(d, b.policy.Least)
	for i := 0; i < b.doubling && d < b.policy.Most; i++ {
		d *= 2
	}
	return min(d, b.policy.Most)
}

// Answered updates the estimate with an answer that took d.
func (b *Backoff) Answered(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubling = 0
	if b.srtt == 0 {
		b.srtt, b.rttvar = max(d, 1), d/2
		return
	}
	dev := d - b.srtt
	if dev < 0 {
		dev /= -8
	}
	b.rttvar = (3*b.rttvar + dev) / 4
	b.srtt = (7*b.srtt + d) / 8
}

// TimedOut doubles the time after an attempt without an answer within d. Attempts with the
// same d that ended together count once.
func (b *Backoff) TimedOut(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d >= b.allowed() {
		b.doubling++
	}
}

// Draw returns a time between least and most.
func (b *Backoff) Draw(least, most time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return least + time.Duration(b.rng.Int64N(int64(max(most-least, 0))+1))
}
