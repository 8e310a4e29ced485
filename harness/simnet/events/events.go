// Package events runs what happens in a network of virtual time: one thing after the other,
// from one goroutine, in an order that does not depend on the scheduler. Begin with [Loop].
package events

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// Loop runs events. Each has an instant of its own, at least a nanosecond after the one
// before, so that in a bubble whatever an event woke is at rest before the next one.
//
// What goroutines of the code under test ask for (data to be sent, a connection
// to be opened) is not done by them: they mark a task, and the loop runs the marked ones a
// nanosecond later in the order of their numbers, not in that in which the goroutines
// happened to run.
//
// The lock protects the loop and all of its network. Events and tasks run with it held. The
// caller of a method holds it, except of Start, Clock, Offset and Stop.
type Loop struct {
	sync.Mutex
	// Queue has the events. After a change of it, code that is no event and no task calls
	// Rearm. Only events, tasks and faults call Push: the order of its calls counts.
	access.Queue

	start  time.Time // the instant of offset 0
	timer  *time.Timer
	done   chan struct{}
	at     time.Duration // of the event that runs, or of the last one
	armed  time.Duration // what the timer is set to, access.Never if to nothing
	closed bool

	marked  []*Task // in the order of their instants
	running []*Task // the marked ones being run
}

// Task is something that is done when code under test has asked for it. It may be embedded.
type Task struct {
	Number uint64 // no two of a loop have the same
	Run    func()
	marked bool
	at     time.Duration // when it was marked
}

// Start starts the loop. Offsets count from start. Stop must be called later.
func (q *Loop) Start(start time.Time) {
	q.start = start
	q.at = q.Clock()
	q.armed = access.Never
	q.done = make(chan struct{})
	q.timer = time.NewTimer(time.Hour)
	q.timer.Stop()
	go q.loop()
}

// Clock is the present as an offset, for code that is no event and no task.
func (q *Loop) Clock() time.Duration { return time.Since(q.start) }

// At is the instant of the event or task that runs, or of the last one.
func (q *Loop) At() time.Duration { return q.at }

// Offset is the offset of an instant. The zero Time, which is none to package net, is
// access.Never.
func (q *Loop) Offset(t time.Time) time.Duration {
	if t.IsZero() {
		return access.Never
	}
	return min(t.Sub(q.start), access.Never-1)
}

// Mark asks for a run of t a nanosecond from now.
func (q *Loop) Mark(t *Task) {
	if t.marked || q.closed {
		return
	}
	t.marked, t.at = true, max(q.Clock(), q.at)
	q.marked = append(q.marked, t)
	q.Rearm()
}

// next is when something is to be done.
func (q *Loop) next() time.Duration {
	at := access.Never
	if e := q.First(); e != nil {
		at = e.At()
	}
	if len(q.marked) > 0 {
		at = min(at, q.marked[0].at+1)
	}
	if at == access.Never {
		return access.Never
	}
	return max(at, q.at+1)
}

// Rearm sets the timer for what has become the next thing to do. Events and tasks need not
// call it.
func (q *Loop) Rearm() {
	if next := q.next(); next < q.armed && !q.closed {
		q.armed = next
		q.timer.Reset(next - q.Clock())
	}
}

func (q *Loop) loop() {
	defer close(q.done)
	for {
		<-q.timer.C
		q.Lock()
		for q.step() {
		}
		over := q.closed
		q.Unlock()
		if over {
			return
		}
	}
}

// step does the next thing if its time has come, and otherwise sets the timer.
func (q *Loop) step() bool {
	next := q.next()
	if q.closed {
		return false
	}
	if next == access.Never {
		q.armed = access.Never
		return false
	}
	now := q.Clock()
	if next > now {
		q.armed = next
		q.timer.Reset(next - now)
		return false
	}
	q.at = now
	if len(q.marked) > 0 && q.marked[0].at < now {
		q.run()
		return true
	}
	q.Pop().Run()
	return true
}

// run runs the tasks that were marked before this instant. Of those that are marked at it,
// the scheduler decides how many there are by now.
func (q *Loop) run() {
	n := len(q.marked)
	for q.marked[n-1].at == q.at {
		n--
	}
	q.running = append(q.running[:0], q.marked[:n]...)
	q.marked = slices.Delete(q.marked, 0, n)
	if len(q.running) > 1 {
		slices.SortFunc(q.running, func(s, t *Task) int { return cmp.Compare(s.Number, t.Number) })
	}
	for i, t := range q.running {
		q.running[i] = nil
		t.marked = false
		t.Run()
	}
}

// Stop ends the loop. At is the present from then on. What is in the queue stays there.
func (q *Loop) Stop() {
	q.Lock()
	q.closed = true
	q.timer.Reset(0)
	q.Unlock()
	<-q.done
	q.timer.Stop()
	q.Lock()
	defer q.Unlock()
	q.at = max(q.at, q.Clock())
}
