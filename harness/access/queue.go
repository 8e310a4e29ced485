package access

import "time"

// Never is an offset that does not come.
const Never = time.Duration(1<<63 - 1)

// Event is something that is to happen at an instant. It may be embedded in what it happens
// to, and is in one queue at most, once.
type Event struct {
	Rank uint64 // orders events of one instant
	Run  func()

	at    time.Duration
	seq   uint64 // orders events of one instant and rank
	place int    // in the heap, from 1; 0 is not in it
}

// At is when the event is to happen.
func (e *Event) At() time.Duration { return e.at }

func (e *Event) before(f *Event) bool {
	switch {
	case e.at != f.at:
		return e.at < f.at
	case e.Rank != f.Rank:
		return e.Rank < f.Rank
	}
	return e.seq < f.seq
}

// Queue is events in the order of their instants: a binary heap. The zero Queue is empty.
// It is not safe for concurrent use.
type Queue struct {
	heap   []*Event
	pushed uint64
}

// First returns the next event, nil if there is none.
func (q *Queue) First() *Event {
	if len(q.heap) == 0 {
		return nil
	}
	return q.heap[0]
}

// Push adds e, which is not in the queue. Of events of one instant and rank the one pushed
// first is first.
func (q *Queue) Push(e *Event, at time.Duration) {
	q.pushed++
	e.at, e.seq = at, q.pushed
	q.heap = append(q.heap, e)
	e.place = len(q.heap)
	q.up(e.place)
}

// Set moves e, which must have a rank of its own, to an instant, or out of the queue if that
// is Never. The order of calls does not count.
func (q *Queue) Set(e *Event, at time.Duration) {
	switch {
	case e.place > 0 && at == Never:
		q.remove(e)
	case e.place > 0 && at != e.at:
		e.at = at
		q.up(q.down(e.place))
	case e.place == 0 && at != Never:
		q.heap = append(q.heap, e)
		e.at, e.place = at, len(q.heap)
		q.up(e.place)
	}
}

// Pop takes the next event out of the queue, nil if there is none.
func (q *Queue) Pop() *Event {
	e := q.First()
	if e != nil {
		q.remove(e)
	}
	return e
}

func (q *Queue) remove(e *Event) {
	place, last := e.place, len(q.heap)
	tail := q.heap[last-1]
	q.heap[last-1] = nil
	q.heap = q.heap[:last-1]
	e.place = 0
	if tail != e {
		q.heap[place-1] = tail
		tail.place = place
		q.up(q.down(place))
	}
}

// up and down move the event at a place of the heap to where it belongs; down returns its
// new place.
func (q *Queue) up(i int) {
	h := q.heap
	e := h[i-1]
	for i > 1 && e.before(h[i/2-1]) {
		h[i-1] = h[i/2-1]
		h[i-1].place = i
		i /= 2
	}
	h[i-1] = e
	e.place = i
}

func (q *Queue) down(i int) int {
	h := q.heap
	e := h[i-1]
	for {
		child := 2 * i
		if child > len(h) {
			break
		}
		if child < len(h) && h[child].before(h[child-1]) {
			child++
		}
		if !h[child-1].before(e) {
			break
		}
		h[i-1] = h[child-1]
		h[i-1].place = i
		i = child
	}
	h[i-1] = e
	e.place = i
	return i
}
