package packet

import (
	"fmt"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// queue runs events at their offsets, in order, from one goroutine. Events of
// the same offset run in the order they were pushed.
type queue struct {
	now   func() time.Duration
	alarm *alarm
	done  chan struct{}

	mu     sync.Mutex
	events access.Queue
	armed  time.Duration // what the alarm is set to, 0 if to nothing
	closed bool
}

func newQueue(now func() time.Duration) (*queue, error) {
	a, err := newAlarm()
	if err != nil {
		return nil, fmt.Errorf("make the timer of the link: %w", err)
	}
	q := &queue{now: now, alarm: a, done: make(chan struct{})}
	go q.loop()
	return q, nil
}

// push makes run happen at offset at, or as soon as possible after it. It does
// not block, and never calls run itself.
func (q *queue) push(at time.Duration, run func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events.Push(&access.Event{Run: run}, at)
	if !q.closed && (q.armed == 0 || at < q.armed) {
		q.arm(at)
	}
}

// arm sets the alarm. The caller holds mu.
func (q *queue) arm(at time.Duration) {
	q.armed = max(at, 1)
	q.alarm.set(at - q.now())
}

func (q *queue) loop() {
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
func (q *queue) due(out []*access.Event) []*access.Event {
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

// close ends the goroutine and runs the events that are left, early. Events
// pushed meanwhile run too; later ones never do.
func (q *queue) close() {
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
