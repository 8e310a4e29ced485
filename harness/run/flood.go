package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
)

// floodLimit is how many attempts of one payment within a second break a run off. A phone
// on a link of a millisecond makes a tenth of them if it waits for the answer, and no
// back-off that anybody publishes begins below 10 ms. Without the limit such a run does
// not end in virtual time, where failing at once takes no time, and fills the disk.
const floodLimit = 10_000

// flood is the observer of a run, which it breaks off if the subject attempts a payment again and again without a pause.
type flood struct {
	harness.Observer

	mu       sync.Mutex
	end      context.CancelCauseFunc // nil before the script
	since    time.Time               // begin of the present second
	attempts map[string]int
}

// watch has end called at a flood of attempts.
func (f *flood) watch(end context.CancelCauseFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end = end
}

func (f *flood) Attempt(a harness.Attempt) {
	f.mu.Lock()
	if now := time.Now(); now.Sub(f.since) >= time.Second {
		f.since = now
		clear(f.attempts)
	}
	f.attempts[a.Payment]++
	n, end := f.attempts[a.Payment], f.end
	f.mu.Unlock()
	if n == floodLimit && end != nil {
		end(fmt.Errorf("%s was attempted %d times within a second, without a pause: the run was broken off; have the client wait after a failed attempt", a.Payment, n))
	}
	if n <= floodLimit {
		f.Observer.Attempt(a)
	}
}
