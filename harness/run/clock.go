package run

import (
	"sync"
	"time"

	"github.com/onebar/onebar/harness/history"
)

const (
	// tick is the time between two looks at the clock. It is short enough to see most of
	// the time that programs wait for a processor (a scheduler's time slice is some
	// milliseconds), and long enough to use almost no processor time itself.
	tick = 5 * time.Millisecond
	// lateTick is the shortest lateness that is recorded. Go's timers are up to a millisecond late on an
	// idle machine.
	lateTick = 2 * time.Millisecond
)

// watchClock records in the history how late a timer fires, as jHiccup does for a Java
// program, until stop is called. In virtual time it does nothing.
func (r *running) watchClock() (stop func()) {
	if !r.options.Clock {
		return func() {}
	}
	quit := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		due := time.Now().Add(tick)
		timer := time.NewTimer(tick)
		defer timer.Stop()
		for {
			select {
			case <-quit:
				return
			case <-timer.C:
			}
			if late := time.Since(due); late >= lateTick {
				r.history.Record(history.Record{Late: late})
			}
			due = time.Now().Add(tick)
			timer.Reset(tick)
		}
	})
	return func() { close(quit); watching.Wait() }
}
