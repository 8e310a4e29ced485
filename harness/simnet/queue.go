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

// eventQueue runs the events of a network one after the other, from one goroutine.
// Each has an instant of its own, at least a nanosecond after the one before, so
// that in a bubble whatever an event woke is at rest before the next one.
//
// What goroutines of the code under test ask for (data to be sent, a connection
// to be opened) is not done by them: they mark their socket, and the event queue
// serves the marked ones a nanosecond later in the order of their numbers, not in
// that in which the goroutines happened to run.
type eventQueue struct {
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

func (q *eventQueue) init(start time.Time) {
	q.start = start
	q.at = q.clock()
	q.armed = never
	q.done = make(chan struct{})
	q.timer = time.NewTimer(time.Hour)
	q.timer.Stop()
	go q.loop()
}

// clock is the present offset. An event takes q.at instead.
func (q *eventQueue) clock() time.Duration { return time.Since(q.start) }

// mark asks for the service of s a nanosecond from now.
func (q *eventQueue) mark(s *socket) {
	if s.marked {
		return
	}
	s.marked = true
	if len(q.marked) == 0 {
		q.markedAt = max(q.clock(), q.at)
	}
	q.marked = append(q.marked, s)
	q.rearm()
}

// next is when something is to be done.
func (q *eventQueue) next() time.Duration {
	at := never
	if e := q.events.First(); e != nil {
		at = e.At()
	}
	if len(q.marked) > 0 {
		at = min(at, q.markedAt+1)
	}
	if at == never {
		return never
	}
	return max(at, q.at+1)
}

// rearm sets the timer for what has become the next thing to do. Events need not
// call it.
func (q *eventQueue) rearm() {
	if next := q.next(); next < q.armed && !q.closed {
		q.armed = next
		q.timer.Reset(next - q.clock())
	}
}

func (q *eventQueue) loop() {
	defer close(q.done)
	for {
		<-q.timer.C
		q.mu.Lock()
		for q.step() {
		}
		over := q.closed
		q.mu.Unlock()
		if over {
			return
		}
	}
}

// step does the next thing if its time has come, and otherwise sets the timer.
func (q *eventQueue) step() bool {
	next := q.next()
	if q.closed {
		return false
	}
	if next == never {
		q.armed = never
		return false
	}
	now := q.clock()
	if next > now {
		q.armed = next
		q.timer.Reset(next - now)
		return false
	}
	q.at = now
	if len(q.marked) > 0 && q.markedAt < now {
		q.serve()
		return true
	}
	q.events.Pop().Run()
	return true
}

// serve does what the marked sockets asked for.
func (q *eventQueue) serve() {
	q.marked, q.serving = q.serving[:0], q.marked
	if len(q.serving) > 1 {
		slices.SortFunc(q.serving, func(s, t *socket) int {
			if s.number < t.number {
				return -1
			}
			return 1
		})
	}
	for i, s := range q.serving {
		q.serving[i] = nil
		s.marked = false
		s.served()
	}
}

// halt ends the goroutine. The caller does not hold mu.
func (q *eventQueue) halt() {
	q.mu.Lock()
	q.closed = true
	q.timer.Reset(0)
	q.mu.Unlock()
	<-q.done
	q.timer.Stop()
}
