package tcp

import "time"

// The timer wheel of Linux (kernel/time/timer.c), as Debian builds it: 250 ticks a
// second, and a timer that is further away ends on a coarser grid, at its next
// line. So a time-out of 500 ms comes up to 32 ms late, one of 3 s up to 256 ms.
// Without it, exchanges at 20 % loss are a tenth faster than Linux's.
const (
	Tick      = 4 * time.Millisecond // the finest grid, see Settings.Phase
	wheelSize = 63                   // grid lines of a level
	wheelStep = 8                    // how much coarser the next level is
	wheelMost = 8                    // levels
)

// ends is when a timer ends that is set to d from now.
func (c *Conn) ends(d time.Duration) time.Duration {
	grid := Tick
	for range wheelMost - 1 {
		if d < wheelSize*grid {
			break
		}
		grid *= wheelStep
	}
	at := c.now + max(d, 1) - c.Phase
	return at - at%grid + grid + c.Phase
}
