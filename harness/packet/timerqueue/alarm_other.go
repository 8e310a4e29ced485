//go:build !linux

package timerqueue

import "time"

// alarm wakes a goroutine at a given time. Here it is a Go timer, which may be
// up to a millisecond late.
type alarm struct {
	timer  *time.Timer
	closed chan struct{}
}

func newAlarm() (*alarm, error) {
	a := &alarm{time.NewTimer(time.Hour), make(chan struct{})}
	return a, nil
}

// set makes wait return after d, in place of what was set before. It must not
// be called after close.
func (a *alarm) set(d time.Duration) { a.timer.Reset(max(d, 0)) }

// wait blocks until the alarm goes off, and returns false when it is closed.
func (a *alarm) wait() bool {
	select {
	case <-a.timer.C:
		return true
	case <-a.closed:
		return false
	}
}

func (a *alarm) close() {
	a.timer.Stop()
	close(a.closed)
}
