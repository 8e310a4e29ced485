package history

import (
	"iter"
	"time"
)

// Occurrences pairs the notes of the begin and the end of faults. The zero value is ready.
// An event may have several occurrences at a time; the first to begin is the first to end.
type Occurrences struct {
	open map[int][]time.Duration // when they began, by event
}

// Add reads the next note and its offset. If it ends an occurrence, Add returns when that
// began, and true.
func (o *Occurrences) Add(f *FaultNote, at time.Duration) (began time.Duration, over bool) {
	if !f.Ended {
		if o.open == nil {
			o.open = make(map[int][]time.Duration)
		}
		o.open[f.Event] = append(o.open[f.Event], at)
		return 0, false
	}
	open := o.open[f.Event]
	if len(open) == 0 {
		return 0, false
	}
	o.open[f.Event] = open[1:]
	return open[0], true
}

// Open yields when the occurrences began that have not ended, in no order.
func (o *Occurrences) Open() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for _, open := range o.open {
			for _, began := range open {
				if !yield(began) {
					return
				}
			}
		}
	}
}
