package metric

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// phases is what the packets of a run met on the access links, or on one link of the
// topology.
type phases struct {
	link   string // the name of the one link; empty is the access links
	before phase  // what was offered before the first phase
	list   []phase
	states map[linkWay]*linkState
}

// phase is one phase, both ways.
type phase struct {
	history.Phase
	from     time.Duration
	up, down counts
}

func (l *phases) begin(at time.Duration, p history.Phase) {
	l.list = append(l.list, phase{Phase: p, from: at})
}

// packet counts p in the phase that was in force when it was offered, which
// may have ended by now, and returns its index. A packet from before the first
// phase counts for the run only; its index is -1.
func (l *phases) packet(p *harness.Packet) int {
	up := p.Direction != harness.Down
	i := l.in(p.At)
	if i < 0 {
		l.before.way(up).add(p)
		return i
	}
	t := l.list[i].way(up)
	t.add(p)
	switch {
	case p.Drop == harness.DropNone:
		l.state(p.Client, up).arrive(t, i, p)
	case p.Drop == harness.DropLoss && p.N > 0:
		l.state(p.Client, up).lose(t, i, p.N)
	}
	return i
}

// in returns the index of the phase that was in force at an offset: the first also
// before it began, and -1 as long as there is none.
func (l *phases) in(at time.Duration) int {
	i := len(l.list) - 1
	for i > 0 && l.list[i].from > at {
		i--
	}
	for i+1 < len(l.list) && l.list[i+1].from-l.list[i].from < blink {
		i++
	}
	return i
}

func (p *phase) way(up bool) *counts {
	if up {
		return &p.up
	}
	return &p.down
}

// blink is the length of the phases between changes made in one go. What is
// offered in one meets the phase after it.
const blink = time.Millisecond

// stats returns the phases; the last one ends at end.
func (l *phases) stats(end time.Duration) []result.PhaseStat {
	var all []result.PhaseStat
	for i, p := range l.list {
		s := result.PhaseStat{Phase: p.Phase, From: p.from, To: end}
		if i+1 < len(l.list) {
			s.To = l.list[i+1].from
		}
		s.Up, s.Down = p.up.realised(s.To-s.From), p.down.realised(s.To-s.From)
		if s.To-s.From < blink && s.Up.Offered+s.Down.Offered == 0 {
			continue
		}
		all = append(all, s)
	}
	return all
}
