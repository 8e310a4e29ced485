package packet

import (
	"fmt"
	"sync"
	"time"
)

// queue runs events at their offsets, in order, from one goroutine. Events of
// the same offset run in the order they were pushed.
type queue struct {
	now   func() time.Duration
	alarm *alarm
	done  chan struct{}

	mu     sync.Mutex
	heap   []event
	pushed uint64
	armed  time.Duration // what the alarm is set to, 0 if to nothing
	closed bool
}

type event struct {
	at  time.Duration
	seq uint64
	run func()
}

func (e event) before(f event) bool { return e.at < f.at || e.at == f.at && e.seq < f.seq }

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
	q.pushed++
	q.add(event{at, q.pushed, run})
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
	var due []event
	for q.alarm.wait() {
		for {
			due = q.due(due[:0])
			if len(due) == 0 {
				break
			}
			for _, e := range due {
				e.run()
			}
			clear(due)
		}
	}
}

// due takes the events whose time has come, or sets the alarm to the next one.
func (q *queue) due(out []event) []event {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for len(q.heap) > 0 && q.heap[0].at <= now {
		out = append(out, q.pop())
	}
	switch {
	case len(out) > 0 || q.closed:
	case len(q.heap) == 0:
		q.armed = 0
	default:
		q.arm(q.heap[0].at)
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
		if len(q.heap) == 0 {
			q.mu.Unlock()
			return
		}
		e := q.pop()
		q.mu.Unlock()
		e.run()
	}
}

// add and pop keep heap a binary heap ordered by before.
func (q *queue) add(e event) {
	q.heap = append(q.heap, e)
	h, i := q.heap, len(q.heap)-1
	for i > 0 {
		parent := (i - 1) / 2
		if !e.before(h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
}

func (q *queue) pop() event {
	h := q.heap
	top, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{}
	h = h[:len(h)-1]
	q.heap = h
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(last) {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	return top
}
