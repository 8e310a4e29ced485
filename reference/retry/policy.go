package retry

import "time"

// Policy says how long a wallet waits. Its zero value suits a phone on EDGE and a
// phone on LTE. The same limits hold for every payment on its own.
type Policy struct {
	// Attempts bounds the attempts of a payment that reach a connection, status
	// queries included, in one round; the bank can see those. 0 is no bound. When the
	// bound is reached, the payment rests until Wallet.Sync begins a new round. A payment
	// with a deadline keeps a third of the attempts for the time after it, when the bank
	// can give a final answer. In the last third of the attempts before the deadline the
	// pauses double.
	//
	// Dials that fail are not bounded: the bank does not notice them, and the wallet
	// attempts a payment until its deadline.
	Attempts int
	// Base and Cap bound the pause after attempt n: it is uniform between 0 and
	// min(Cap, Base·2ⁿ⁻¹), the "full jitter" of M. Brooker, Exponential Backoff
	// And Jitter, AWS Architecture Blog, 2015. 0 is 1 s, a round trip on EDGE,
	// and 20 s, the longest time after the end of a short outage until it is noticed.
	Base, Cap time.Duration
	// Ceiling is the largest bound of the pauses of a payment that waits for long. From
	// Cap on, the bound is 1/32 of the time since the round began, so it stays at Cap for
	// 32·Cap, which is 11 minutes. 0 is 5 minutes.
	Ceiling time.Duration
	// Dial is the time a connection may take to open. 0 is 8 s: TCP sends its SYN
	// at 0, 1, 3 and 7 s (RFC 6298), and a second is a round trip on EDGE. The
	// next SYN would come 8 s later, and would notice the end of an outage no sooner
	// than a new dial.
	Dial time.Duration
	// First is the time allowed for an answer while nothing is known about the link. 0
	// is 8 s: on EDGE with 840 ms of round trip (WebPageTest's profile) a new
	// connection and an answer take 1.7 s; a lost SYN costs 1 s more, and then
	// a lost segment 2.5 s, TCP's time-out of 3 round trips after one sample
	// (RFC 6298, 2.1 to 2.3). That is 5.2 s, and the rest is queues.
	First time.Duration
	// Least and Most bound the time allowed for an answer, however fast or slow the link
	// has been. 0 is 4 s, enough for two time-outs of TCP in a row at its
	// initial 1 s, and 24 s.
	Least, Most time.Duration
	// Idle is how long a connection without traffic stays open. 0 is 100 s: less
	// than the 2 minutes of the bank, so that no payment is sent into a connection that the bank closes, and below
	// the few minutes after which some carriers forget an idle connection (Wang
	// et al., An Untold Story of Middleboxes in Cellular Networks, SIGCOMM 2011).
	// Closing sooner would wake the radio to send the FIN.
	Idle time.Duration
	// Together bounds the attempts that use the connection at the same time. 0 is 16.
	Together int
}

// WithDefaults returns p with its zero durations and its zero Together replaced
// by the defaults that their fields document.
func (p Policy) WithDefaults() Policy {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&p.Base, time.Second)
	def(&p.Cap, 20*time.Second)
	def(&p.Ceiling, max(5*time.Minute, p.Cap))
	def(&p.Dial, 8*time.Second)
	def(&p.First, 8*time.Second)
	def(&p.Least, 4*time.Second)
	def(&p.Most, 24*time.Second)
	def(&p.Idle, 100*time.Second)
	if p.Together <= 0 {
		p.Together = 16
	}
	return p
}

// growth: a pause above Policy.Cap may take 1/growth of the time since the round began.
const growth = 32

// limit bounds the pause after n attempts, n at least 1, of which the first was
// made so long ago.
func (p *Policy) limit(n int, ago time.Duration) time.Duration {
	d := p.Base
	for ; n > 1 && d < p.Cap; n-- {
		d *= 2
	}
	if d < p.Cap {
		return d
	}
	return min(max(p.Cap, ago/growth), max(p.Ceiling, p.Cap))
}
