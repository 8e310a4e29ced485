package onebartest

import "time"

// Racing is whether runs are made in this process whatever a Trial says.
const Racing = racing

// Stalling returns the trial with a limit of its own on how long virtual time may
// stand still.
func (x Trial) Stalling(d time.Duration) Trial {
	x.stall = d
	return x
}
