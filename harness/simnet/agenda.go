package simnet

import (
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/access"
)

type event = access.Event

const never = access.Never

// The ranks of events of one instant: the links' come first, then faults, then a socket's
// by its number, see host.number.
const (
	rankLink = iota
	rankFault
)

// agenda runs the events of a network one after the other, from one goroutine.
// Each has an instant of its own, at least a nanosecond after the one before, so
// that in a bubble whatever an event woke is at rest before the next one.
//
// What goroutines of the code under test ask for (data to be sent, a connection
// to be opened) is not done by them: they mark their socket, and the agenda
// serves the marked ones a nanosecond later in the order of their numbers, not in
// that in which the goroutines happened to run.
type agenda struct {
	mu    sync.Mutex // of the whole network
	start time.Time  // the instant of offset 0
	timer *time.Timer
	done  chan struct{}

	at     time.Duration // of the event that runs, or of the last one
	armed  time.Duration // what the timer is set to, never if to nothing
	events access.Queue  // pushed by events and faults only: the order of calls counts
	closed bool

	marked   []*socket
	serving  []*socket // the marked ones being served
	markedAt time.Duration
}

func (a *agenda) init(start time.Time) {
	a.start = start
	a.at = a.clock()
	a.armed = never
	a.done = make(chan struct{})
	a.timer = time.NewTimer(time.Hour)
	a.timer.Stop()
	go a.loop()
}

// clock is the present offset. An event takes a.at instead.
func (a *agenda) clock() time.Duration { return time.Since(a.start) }

// mark asks for the service of s a nanosecond from now.
func (a *agenda) mark(s *socket) {
	if s.marked {
		return
	}
	s.marked = true
	if len(a.marked) == 0 {
		a.markedAt = max(a.clock(), a.at)
	}
	a.marked = append(a.marked, s)
	a.rearm()
}

// next is when something is to be done.
func (a *agenda) next() time.Duration {
	at := never
	if e := a.events.First(); e != nil {
		at = e.At()
	}
	if len(a.marked) > 0 {
		at = min(at, a.markedAt+1)
	}
	if at == never {
		return never
	}
	return max(at, a.at+1)
}

// rearm sets the timer for what has become the next thing to do. Events need not
// call it.
func (a *agenda) rearm() {
	if next := a.next(); next < a.armed && !a.closed {
		a.armed = next
		a.timer.Reset(next - a.clock())
	}
}

func (a *agenda) loop() {
	defer close(a.done)
	for {
		<-a.timer.C
		a.mu.Lock()
		for a.step() {
		}
		over := a.closed
		a.mu.Unlock()
		if over {
			return
		}
	}
}

// step does the next thing if its time has come, and otherwise sets the timer.
func (a *agenda) step() bool {
	next := a.next()
	if a.closed {
		return false
	}
	if next == never {
		a.armed = never
		return false
	}
	now := a.clock()
	if next > now {
		a.armed = next
		a.timer.Reset(next - now)
		return false
	}
	a.at = now
	if len(a.marked) > 0 && a.markedAt < now {
		a.serve()
		return true
	}
	a.events.Pop().Run()
	return true
}

// serve does what the marked sockets asked for.
func (a *agenda) serve() {
	a.marked, a.serving = a.serving[:0], a.marked
	if len(a.serving) > 1 {
		slices.SortFunc(a.serving, func(s, t *socket) int {
			if s.number < t.number {
				return -1
			}
			return 1
		})
	}
	for i, s := range a.serving {
		a.serving[i] = nil
		s.marked = false
		s.served()
	}
}

// halt ends the goroutine. The caller does not hold mu.
func (a *agenda) halt() {
	a.mu.Lock()
	a.closed = true
	a.timer.Reset(0)
	a.mu.Unlock()
	<-a.done
	a.timer.Stop()
}
