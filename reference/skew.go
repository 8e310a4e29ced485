package reference

import (
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
)

// wall is the wall clock of a side, which may be wrong. The zero value is right.
type wall struct{ skew atomic.Pointer[skewed] }

// skewed is how wrong a clock is, and since when.
type skewed struct {
	harness.Skew
	since time.Time
}

// now is a pay.Clock.
func (w *wall) now() time.Time {
	now := time.Now()
	if s := w.skew.Load(); s != nil {
		return s.At(now, s.since)
	}
	return now
}

func (s *subject) SetClock(side harness.Side, k harness.Skew) {
	w := &s.wallets
	if side == harness.Server {
		w = &s.bank
	}
	w.skew.Store(&skewed{k, time.Now()})
}
