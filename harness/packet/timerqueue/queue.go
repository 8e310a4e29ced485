// Package timerqueue runs events at given offsets of real time, from one goroutine. It is
// how a link of package packet delivers what arrives later.
//
// A [Queue] waits by a timerfd on Linux, which wakes it within some 50 µs. Go's timers are
// up to a millisecond late.
package timerqueue

import (
	"fmt"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// Queue runs events at their offsets, in order, from one goroutine. Events of the same
// offset run in the order they were pushed. Make one with New; its methods may be called at
// any time, also by an event, but for Close.
type Queue struct {
	now   func() time.Duration
	alarm *alarm
	done  chan struct{}

	mu     sync.Mutex
	events access.Queue
	armed  time.Duration // what the alarm is set to, 0 if to nothing
	closed bool
}

// New returns an empty queue and starts its goroutine, which Close ends. Now returns the
// present offset. It fails if the system has no timer left.
func New(now func() time.Duration) (*Queue, error) {
	a, err := newAlarm()
	if err != nil {
		return nil, fmt.Errorf("make the timer of the packets under way: %w", err)
	}
	q := &Queue{now: now, alarm: a, done: make(chan struct{})}
	go q.loop()
	return q, nil
}

// Push makes run happen at offset at, or as soon as possible after it. It does
// not block, and never calls run itself.
func (q *Queue) Push(at time.Duration, run func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events.Push(&access.Event{Run: run}, at)
	if !q.closed && (q.armed == 0 || at < q.armed) {
		q.arm(at)
	}
}

// arm sets the alarm. The caller holds mu.
func (q *Queue) arm(at time.Duration) {
	q.armed = max(at, 1)
	q.alarm.set(at - q.now())
}

func (q *Queue) loop() {
	defer close(q.done)
	var due []*access.Event
	for q.alarm.wait() {
		for {
			due = q.due(due[:0])
			if len(due) == 0 {
				break
			}
			for _, e := range due {
				e.Run()
			}
			clear(due)
		}
	}
}

// due takes the events whose time has come, or sets the alarm to the next one.
func (q *Queue) due(out []*access.Event) []*access.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	first := q.events.First()
	for ; first != nil && first.At() <= now; first = q.events.First() {
		out = append(out, q.events.Pop())
	}
	switch {
	case len(out) > 0 || q.closed:
	case first == nil:
		q.armed = 0
	default:
		q.arm(first.At())
	}
	return out
}

// Close ends the goroutine and runs the events that are left, early. Events
// pushed meanwhile run too; later ones never do.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.alarm.close()
	q.mu.Unlock()
	<-q.done
	for {
		q.mu.Lock()
		e := q.events.Pop()
		q.mu.Unlock()
		if e == nil {
			return
		}
		e.Run()
	}
}
