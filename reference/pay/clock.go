package pay

import "time"

// Clock is the wall clock of a wallet or a bank: what deadlines are compared with
// and what created, decided and booked are read from. Nil is time.Now. It may be
// called from several goroutines at once, and may be set forward and back.
//
// Durations are never measured with it: pauses and time-outs use package time's
// monotonic clock, which nobody can set.
type Clock func() time.Time

// Now returns the present time of the clock.
func (c Clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	return c()
}
