package simnet

import "time"

// The timer wheel of Linux (kernel/time/timer.c), as Debian builds it: 250 ticks a
// second, and a timer that is further away ends on a coarser grid, at its next
// line. So a time-out of 500 ms comes up to 32 ms late, one of 3 s up to 256 ms.
// Without it, exchanges at 20 % loss are a tenth faster than Linux's.
const (
	tick      = 4 * time.Millisecond
	wheelSize = 63 // grid lines of a level
	wheelStep = 8  // how much coarser the next level is
	wheelMost = 8  // levels
)

// ends is when a timer of the host ends that is set to d from now.
func (h *host) ends(d time.Duration) time.Duration {
	grid := tick
	for range wheelMost - 1 {
		if d < wheelSize*grid {
			break
		}
		grid *= wheelStep
	}
	at := h.n.at + max(d, 1) - h.phase
	return at - at%grid + grid + h.phase
}
