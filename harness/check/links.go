package check

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// links is what the packets of a run met, phase by phase, and what the faults
// hit.
type links struct {
	phases []stretch
	events map[int]*event // by index in Scenario.Timeline
}

// stretch is a phase and what its packets met.
type stretch struct {
	harness.Phase
	from     time.Duration
	line     int32
	up, down tally
}

// tally counts packets of one direction by their fate.
type tally struct {
	delivered, lost, outage, queue, stopped, barred int64
	late                                            time.Duration // sum over the delivered
}

// event is what the history says of one event of the timeline.
type event struct {
	times int
	hits  int64
	err   string
	line  int32 // of the first note
}

func (l *links) phase(at time.Duration, p harness.Phase, line int32) {
	l.phases = append(l.phases, stretch{Phase: p, from: at, line: line})
}

func (l *links) fault(f harness.FaultNote, line int32) {
	e := l.events[f.Event]
	if e == nil {
		if l.events == nil {
			l.events = make(map[int]*event)
		}
		e = &event{line: line}
		l.events[f.Event] = e
	}
	if !f.Ended {
		e.times++
	}
	e.hits += f.Hits
	if e.err == "" {
		e.err = f.Error
	}
}

// packet counts p in the phase that was in force when it was offered, which
// may have ended by now. Packets from before the first phase belong to it.
func (l *links) packet(p harness.Packet) {
	if len(l.phases) == 0 {
		return
	}
	i := len(l.phases) - 1
	for i > 0 && l.phases[i].from > p.At {
		i--
	}
	t := &l.phases[i].up
	if p.Direction == harness.Down {
		t = &l.phases[i].down
	}
	switch p.Drop {
	case harness.DropNone:
		t.delivered++
		t.late += p.Late
	case harness.DropLoss:
		t.lost++
	case harness.DropOutage:
		t.outage++
	case harness.DropQueue:
		t.queue++
	case harness.DropStopped:
		t.stopped++
	case harness.DropMTU, harness.DropNAT:
		t.barred++
	}
}

// offered is how many packets the links were given.
func (t tally) offered() int64 {
	return t.delivered + t.lost + t.outage + t.queue + t.stopped + t.barred
}

// drawn is how many packets a random loss was drawn for: it comes after the
// outage, the NAT and the MTU, and before the queue.
func (t tally) drawn() int64 { return t.offered() - t.outage - t.barred }

// ways yields both directions of a phase.
func (s *stretch) ways() [2]way {
	return [2]way{
		{harness.Up, s.Profile.Up, s.OutageUp, &s.up},
		{harness.Down, s.Profile.Down, s.OutageDown, &s.down},
	}
}

// way is one direction of a phase: what was asked of it, and what its packets
// met.
type way struct {
	harness.Direction
	harness.Path
	outage bool
	met    *tally
}
