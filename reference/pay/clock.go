package pay

import "time"

// Clock returns the wall time, by which payments are created and expire. Users and networks
// may set it forward and back. It may be called from several goroutines. Nil is time.Now.
// Durations are not computed from it, but from the monotonic clock of package time.
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
