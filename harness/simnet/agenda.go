package simnet

import (
	"slices"
	"sync"
	"time"
)

// event is something that is to happen at an instant. It is embedded in what it
// happens to, and is in the agenda at most once.
type event struct {
	at    time.Duration
	rank  uint64 // orders events of one instant: 0 is the links', then faults, then a socket's by its number
	seq   uint64 // and those of one rank
	place int    // in the heap, from 1; 0 is not in it
	run   func()
}

// The ranks before those of the sockets, see host.number.
const (
	rankLink = iota
	rankFault
)

func (e *event) before(f *event) bool {
	switch {
	case e.at != f.at:
		return e.at < f.at
	case e.rank != f.rank:
		return e.rank < f.rank
	}
	return e.seq < f.seq
}

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
	heap   []*event
	pushed uint64
	closed bool

	marked   []*socket
	serving  []*socket // the marked ones being served
	markedAt time.Duration
}

// never is an offset that does not come.
const never = time.Duration(1<<63 - 1)

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

// push puts e into the agenda. Only events do this, and faults: the order of
// calls counts.
func (a *agenda) push(e *event, at time.Duration) {
	a.pushed++
	e.at, e.seq = at, a.pushed
	a.heap = append(a.heap, e)
	e.place = len(a.heap)
	a.up(e.place)
}

// set moves e, which must have a rank of its own, to at, or out of the agenda if
// that is never. The order of calls does not count.
func (a *agenda) set(e *event, at time.Duration) {
	switch {
	case e.place > 0 && at == never:
		a.drop(e)
	case e.place > 0 && at != e.at:
		e.at = at
		a.up(a.down(e.place))
	case e.place == 0 && at != never:
		a.heap = append(a.heap, e)
		e.at, e.place = at, len(a.heap)
		a.up(e.place)
	}
}

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
	if len(a.heap) > 0 {
		at = a.heap[0].at
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
	e := a.heap[0]
	a.drop(e)
	e.run()
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

// drop takes e out of the heap.
func (a *agenda) drop(e *event) {
	place, last := e.place, len(a.heap)
	tail := a.heap[last-1]
	a.heap[last-1] = nil
	a.heap = a.heap[:last-1]
	e.place = 0
	if tail != e {
		a.heap[place-1] = tail
		tail.place = place
		a.up(a.down(place))
	}
}

// up and down move the event at a place of the binary heap to where it belongs;
// down returns its new place.
func (a *agenda) up(i int) {
	h := a.heap
	e := h[i-1]
	for i > 1 && e.before(h[i/2-1]) {
		h[i-1] = h[i/2-1]
		h[i-1].place = i
		i /= 2
	}
	h[i-1] = e
	e.place = i
}

func (a *agenda) down(i int) int {
	h := a.heap
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
