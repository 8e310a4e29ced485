package pay

import "time"

// Clock tells the time by which payments are created and expire: wall time, which
// people and networks set forward and back. It may be called from several
// goroutines. Nil is time.Now. How long something takes or may take is never the
// difference of two of its readings: that is for package time and its monotonic
// clock.
type Clock func() time.Time

// Now returns the time.
func (c Clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	return c()
}

// Milli returns the time in Unix milliseconds, as payments and answers carry it.
func (c Clock) Milli() int64 { return c.Now().UnixMilli() }
