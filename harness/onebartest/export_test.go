package onebartest

import "time"

// Stalling returns the trial with a limit of its own on how long virtual time may
// stand still.
func (x Trial) Stalling(d time.Duration) Trial {
	x.stall = d
	return x
}
