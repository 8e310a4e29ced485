package metric

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// phases counts what happened to the packets of a run on the access links, or on one
// link of the topology.
type phases struct {
	link   string // the name of the one link; empty is the access links
	before phase  // what was offered before the first phase
	list   history.Phases[counts]
	states history.Ways[linkState]
}

type phase = history.PhaseCounts[counts]

// packet counts p in the phase that was in force when it was offered, which
// may have ended by now, and returns its index. A packet from before the first
// phase counts for the run only; its index is -1.
func (l *phases) packet(p *harness.Packet) int {
	up := p.Direction != harness.Down
	i := l.list.At(p.At)
	if i < 0 {
		l.before.Way(up).add(p)
		return i
	}
	t := l.list[i].Way(up)
	t.add(p)
	switch {
	case p.Drop == harness.DropNone:
		l.state(p.Client, up).arrive(t, i, p)
	case p.Drop == harness.DropLoss && p.N > 0:
		l.state(p.Client, up).lose(t, i, p.N)
	}
	return i
}

// stats returns the phases; the last one ends at end.
func (l *phases) stats(end time.Duration) []result.PhaseStat {
	var all []result.PhaseStat
	for i, p := range l.list {
		s := result.PhaseStat{Phase: p.Phase, From: p.From, To: l.list.End(i, end)}
		s.Up, s.Down = p.Up.realised(s.To-s.From), p.Down.realised(s.To-s.From)
		if s.To-s.From < history.Brief && s.Up.Offered+s.Down.Offered == 0 {
			continue
		}
		all = append(all, s)
	}
	return all
}
