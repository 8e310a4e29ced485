package access

import "time"

// When Linux acknowledges, in the names of Linux 6.1 (include/net/tcp.h,
// net/ipv4/tcp_input.c).
const (
	AckDelay  = 40 * time.Millisecond // TCP_DELACK_MIN
	quickAcks = 16                    // TCP_MAX_QUICKACKS: so many go at once, at the start and after a repetition
	pingPong  = 1                     // tcp_pingpong_thresh: so many quick answers end that
	leastMSS  = 536                   // TCP_MIN_RCVMSS: the smallest estimate of the peer's segments
)

// Acks decides whether one end of a connection acknowledges new data at once, or waits up
// to AckDelay for something to send it along with. The zero Acks is of a new connection.
type Acks struct {
	heard   time.Duration // when it last acknowledged new data
	urgent  int           // of quickAcks, how many are used up
	answers int           // data sent within AckDelay of hearing some; many carry the acknowledgements
}

// Acked is an acknowledgement of something new going out, after data has come.
func (a *Acks) Acked(now time.Duration) {
	a.heard = now
	a.urgent++
}

// Repeated is data coming a second time: the next acknowledgements go at once.
func (a *Acks) Repeated() { a.urgent, a.answers = 0, 0 }

// Sent is data going out.
func (a *Acks) Sent(now time.Duration) {
	if a.heard > 0 && now-a.heard <= AckDelay {
		a.answers++
	}
}

// Late is an acknowledgement having waited for AckDelay in vain.
func (a *Acks) Late() { a.answers = 0 }

// Waits reports whether the acknowledgement of so many new bytes waits. Largest is the
// largest payload of the peer's segments, bytes. Ended is whether the peer's stream ends
// with those bytes, and finSent whether our own has. An acknowledgement that reports a hole
// or a repetition never waits: do not ask.
func (a *Acks) Waits(bytes int64, largest int, ended, finSent bool) bool {
	switch {
	case ended: // it may go with our own end, if that is to come
		return !finSent
	case bytes > int64(max(largest, leastMSS)): // more than one full segment
		return false
	}
	return a.answers >= pingPong || a.urgent >= quickAcks
}
