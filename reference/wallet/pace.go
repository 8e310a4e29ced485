package wallet

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Pace says how long a wallet waits. Its zero value suits a phone on EDGE and a
// phone on LTE. The same limits hold for every payment on its own.
type Pace struct {
	// Tries bounds the tries of a payment, questions included, since it was
	// accepted or synced; then it rests until [Wallet.Sync]. 0 is 18. Of a
	// payment with a deadline a third of them is kept for after it, when the
	// bank can give a final answer; and a restart leaves a third at least, so
	// that a wallet that crashes again and again does not storm the bank.
	Tries int
	// Dark bounds the tries that find no connection, of which the bank notices
	// nothing; then the payment rests, too. 0 is 180, about an hour.
	Dark int
	// Base and Cap bound the pause after try n: it is uniform between 0 and
	// min(Cap, Base·2ⁿ⁻¹), the "full jitter" of M. Brooker, Exponential Backoff
	// And Jitter, AWS Architecture Blog, 2015. 0 is 1 s, a round trip on EDGE,
	// and 20 s, which is how late the end of an outage may go unnoticed.
	Base, Cap time.Duration
	// Dial is the time a connection may take to open. 0 is 8 s: TCP sends its SYN
	// at 0, 1, 3 and 7 s (RFC 6298), and a second is a round trip on EDGE. The
	// next SYN would come 8 s later, and finds the end of an outage no sooner
	// than a new dial does.
	Dial time.Duration
	// First is the time allowed to an answer while nothing is known of the link. 0
	// is 8 s: on EDGE with 840 ms of round trip (WebPageTest's profile) a new
	// connection and an answer take 1.7 s; a lost SYN costs 1 s more, and then
	// a lost segment 2.5 s, TCP's time-out of 3 round trips after one sample
	// (RFC 6298, 2.1 to 2.3). That is 5.2 s, and the rest is queues.
	First time.Duration
	// Least and Most bound the time allowed to an answer, however fast or slow the
	// link has been. 0 is 4 s, enough for two time-outs of TCP in a row at its
	// initial 1 s, and 24 s.
	Least, Most time.Duration
	// Idle is how long a connection without traffic stays open. 0 is 100 s: less
	// than the 2 minutes of the bank, so that no payment meets a FIN, and below
	// the few minutes after which some carriers forget an idle connection (Wang
	// et al., An Untold Story of Middleboxes in Cellular Networks, SIGCOMM 2011).
	// Closing sooner would wake the radio to send the FIN.
	Idle time.Duration
	// Together bounds the tries under way at once over the connection. 0 is 16.
	Together int
}

func (p Pace) withDefaults() Pace {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&p.Base, time.Second)
	def(&p.Cap, 20*time.Second)
	def(&p.Dial, 8*time.Second)
	def(&p.First, 8*time.Second)
	def(&p.Least, 4*time.Second)
	def(&p.Most, 24*time.Second)
	def(&p.Idle, 100*time.Second)
	if p.Tries <= 0 {
		p.Tries = 18
	}
	if p.Dark <= 0 {
		p.Dark = 180
	}
	if p.Together <= 0 {
		p.Together = 16
	}
	return p
}

// before is how many of the tries may be made before a deadline.
func (p Pace) before() int { return p.Tries - p.Tries/3 }

// pause is the longest pause after n tries, n at least 1.
func (p Pace) pause(n int) time.Duration {
	d := p.Base
	for ; n > 1 && d < p.Cap; n-- {
		d *= 2
	}
	return min(d, p.Cap)
}

// backoff estimates how long an answer takes, as TCP estimates its
// retransmission time-out (RFC 6298, section 2): a smoothed time plus four
// times its mean deviation. Each time-out on an open connection doubles what the
// next try is given (5.5 there), until an answer is in; that no connection opens
// says nothing of how long answers take. One answer belongs to one try, so no
// sample is ambiguous as it is to TCP (Karn's algorithm is not needed), but one
// that an outage has delayed says too much. So an answer that comes sooner than
// expected counts an eighth as a deviation, as in Linux (tcp_rtt_estimator):
// otherwise the fast answers after an outage would raise the estimate further.
type backoff struct {
	pace Pace

	mu       sync.Mutex
	rng      *rand.Rand
	srtt     time.Duration // 0 before the first answer
	rttvar   time.Duration
	doubling int
}

// allow returns the time the next try is given.
func (p *backoff) allow() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.allowed()
}

// allowed is allow for a caller that holds p.mu.
func (p *backoff) allowed() time.Duration {
	d := p.pace.First
	if p.srtt > 0 {
		d = p.srtt + 4*p.rttvar
	}
	d = max(d, p.pace.Least)
	for i := 0; i < p.doubling && d < p.pace.Most; i++ {
		d *= 2
	}
	return min(d, p.pace.Most)
}

// answered takes in that an answer took d.
func (p *backoff) answered(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubling = 0
	if p.srtt == 0 {
		p.srtt, p.rttvar = max(d, 1), d/2
		return
	}
	dev := d - p.srtt
	if dev < 0 {
		dev /= -8
	}
	p.rttvar = (3*p.rttvar + dev) / 4
	p.srtt = (7*p.srtt + d) / 8
}

// timedOut takes in that a try given d had no answer. Tries that were given
// the same and ended together count once.
func (p *backoff) timedOut(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d >= p.allowed() {
		p.doubling++
	}
}

// pause draws the pause after n tries.
func (p *backoff) pause(n int) time.Duration { return p.draw(p.pace.pause(n)) }

// draw returns a time between 0 and most.
func (p *backoff) draw(most time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(p.rng.Int64N(int64(most) + 1))
}
