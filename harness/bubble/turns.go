package bubble

import (
	"context"
	"slices"
	"sync"
	"testing/synctest"
)

// Turns decides who goes on first at one instant of virtual time. Timers of one instant
// wake their goroutines at once, and the scheduler would choose. Each bubble has its Turns,
// see TurnsOf. Nothing else in the bubble may call synctest.Wait while one waits for a turn.
// The methods of nil do nothing.
type Turns struct {
	mu      sync.Mutex
	waiting []turn
	serving bool
}

// turn is one call of Take.
type turn struct {
	number int
	come   chan struct{} // closed when it has come
}

// turnsKey is the key of a bubble's Turns in its context.
type turnsKey struct{}

// TurnsOf returns the Turns of the bubble whose context ctx comes from, or nil outside of a
// bubble.
func TurnsOf(ctx context.Context) *Turns {
	t, _ := ctx.Value(turnsKey{}).(*Turns)
	return t
}

// Take returns when every other goroutine of the bubble waits. If several wait for their
// turn, the lowest number goes on first, and the next one when that one waits again. No two
// that wait may have the same number. Take returns early when stop is closed.
func (t *Turns) Take(number int, stop <-chan struct{}) {
	if t == nil {
		return
	}
	mine := turn{number: number, come: make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, mine)
	if !t.serving {
		t.serving = true
		go t.serve()
	}
	t.mu.Unlock()
	select {
	case <-mine.come:
	case <-stop:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.waiting = slices.DeleteFunc(t.waiting, func(w turn) bool { return w == mine })
	}
}

// serve gives turns until nobody waits for one.
func (t *Turns) serve() {
	for {
		synctest.Wait()
		t.mu.Lock()
		if len(t.waiting) == 0 {
			t.serving = false
			t.mu.Unlock()
			return
		}
		next := slices.MinFunc(t.waiting, func(a, b turn) int { return a.number - b.number })
		t.waiting = slices.DeleteFunc(t.waiting, func(w turn) bool { return w == next })
		close(next.come)
		t.mu.Unlock()
	}
}
