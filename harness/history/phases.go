package history

import (
	"iter"
	"time"

	"github.com/onebar/onebar/harness"
)

// Brief bounds the length of a phase between two changes that were made together. A
// packet that was offered in such a phase belongs to the phase after it.
const Brief = time.Millisecond

// PhaseCounts is one phase, and what a reader of the history counts in each direction.
type PhaseCounts[C any] struct {
	Phase
	From     time.Duration // when it began
	Line     int32         // of its record in the file
	Up, Down C
}

// Way returns the counts of one direction.
func (p *PhaseCounts[C]) Way(up bool) *C {
	if up {
		return &p.Up
	}
	return &p.Down
}

// Phases are the phases of the access links, or of one link of the topology, in order.
// The zero value has none.
type Phases[C any] []PhaseCounts[C]

// Begin adds a phase that begins at an offset. Its record stands on a line.
func (l *Phases[C]) Begin(p Phase, at time.Duration, line int32) {
	*l = append(*l, PhaseCounts[C]{Phase: p, From: at, Line: line})
}

// At returns the index of the phase in force at an offset, which may be over by now. It
// is that of the first phase if the offset is before it, and -1 if there is no phase.
func (l Phases[C]) At(at time.Duration) int {
	i := len(l) - 1
	for i > 0 && l[i].From > at {
		i--
	}
	for i+1 < len(l) && l[i+1].From-l[i].From < Brief {
		i++
	}
	return i
}

// End returns when phase i ended: when the next began, or else at last.
func (l Phases[C]) End(i int, last time.Duration) time.Duration {
	if i+1 < len(l) {
		return l[i+1].From
	}
	return last
}

// Path returns the path of one direction.
func (p *Phase) Path(up bool) *harness.Path {
	if up {
		return &p.Profile.Up
	}
	return &p.Profile.Down
}

// Ways has what a reader of the history remembers of each direction of each client's
// link. The zero value is ready.
type Ways[S any] struct {
	clients map[int]*[2]*S // Of is called for every packet, and an integer is hashed fastest
}

// Of returns what is remembered of one direction of a client's link. The first time it
// is new and zero.
func (w *Ways[S]) Of(client int, up bool) (s *S, isNew bool) {
	both := w.clients[client]
	if both == nil {
		if w.clients == nil {
			w.clients = make(map[int]*[2]*S)
		}
		both = new([2]*S)
		w.clients[client] = both
	}
	way := &both[0]
	if up {
		way = &both[1]
	}
	if *way != nil {
		return *way, false
	}
	*way = new(S)
	return *way, true
}

// All yields what is remembered of each way, in no order.
func (w *Ways[S]) All() iter.Seq[*S] {
	return func(yield func(*S) bool) {
		for _, both := range w.clients {
			for _, s := range both {
				if s != nil && !yield(s) {
					return
				}
			}
		}
	}
}
