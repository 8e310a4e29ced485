package check

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

// links is what the packets of a run met, phase by phase, and what the faults
// hit.
type links struct {
	phases []stretch
	lanes  map[linkWay]*lane
	events map[int]*event // by index in Scenario.Timeline
	waits  []wait         // in order
}

// stretch is a phase and what its packets met.
type stretch struct {
	history.Phase
	from     time.Duration
	line     int32
	up, down tally
}

// tally counts packets of one direction by their fate. Copies that a link made
// are in copied only.
type tally struct {
	delivered, lost, outage, queue, stopped, barred int64
	crossed                                         int64 // the link, and were thrown away by the NAT behind it

	// Sums over the delivered: the delay that was decided, what came on top, and
	// how soon the rate could have sent them.
	way, late, soonest time.Duration

	stalled   int64 // delivered more than harness.LeastTimeout late
	copied    int64
	corrupted int64
	overtook  int64 // delivered after one that was offered later, which was not asked to overtake
	fast      int64 // delivered sooner than the rate allows
	chance    chance
}

// linkWay is one direction of one payer's link.
type linkWay struct {
	client int
	up     bool
}

// lane is what has to be remembered of one direction of one link.
type lane struct {
	up      bool
	free    time.Duration // when the packets that have arrived had left the rate, at the soonest
	highest int64         // number of the last offered of the packets that have arrived
	in      int           // its phase
	recent  []arrival     // of links that reorder, in order
}

// event is what the history says of one event of the timeline.
type event struct {
	times int
	hits  int64
	err   string
	line  int32 // of the first note
	spans []span
}

// span is one occurrence of an event, by the lines of its notes.
type span struct{ from, to int32 } // to is 0 until it has ended

func (l *links) phase(at time.Duration, p history.Phase, line int32) {
	l.phases = append(l.phases, stretch{Phase: p, from: at, line: line})
}

func (l *links) fault(f history.FaultNote, line int32) {
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
		e.spans = append(e.spans, span{from: line})
	} else if n := len(e.spans); n > 0 {
		e.spans[n-1].to = line
	}
	e.hits += f.Hits
	if e.err == "" {
		e.err = f.Error
	}
}

// blink is the length of the phases between changes made in one go. What is
// offered in one meets the phase after it.
const blink = time.Millisecond

// packet counts p in the phase that was in force when it was offered, which
// may have ended by now. Packets from before the first phase belong to it.
func (l *links) packet(p *harness.Packet) {
	if len(l.phases) == 0 {
		return
	}
	i := len(l.phases) - 1
	for i > 0 && l.phases[i].from > p.At {
		i--
	}
	for i+1 < len(l.phases) && l.phases[i+1].from-l.phases[i].from < blink {
		i++
	}
	up := p.Direction != harness.Down
	t := l.phases[i].tally(up)
	if p.Copy {
		t.copied++
	}
	switch p.Drop {
	case harness.DropNone:
		l.arrive(i, up, p)
	case harness.DropLoss:
		t.lost++
	case harness.DropOutage:
		t.outage++
	case harness.DropQueue:
		t.queue++
	case harness.DropStopped:
		if !p.Copy {
			t.stopped++
		}
	case harness.DropNAT:
		if up {
			t.crossed++
		} else {
			t.barred++
		}
	case harness.DropMTU, harness.DropCut:
		t.barred++
	}
}

func (s *stretch) tally(up bool) *tally {
	if up {
		return &s.up
	}
	return &s.down
}

// arrive counts a packet that was offered in phase i.
func (l *links) arrive(i int, up bool, p *harness.Packet) {
	t, path := l.phases[i].tally(up), l.phases[i].path(up)
	k := linkWay{p.Client, up}
	lane := l.lanes[k]
	if lane == nil {
		lane = newLane(l, k)
	}
	arrived := p.At + p.Delay - p.Late
	soonest := lane.pace(t, path, p, arrived)
	if p.Copy {
		return
	}
	t.delivered++
	t.soonest += soonest
	t.way += p.Delay - p.Late
	t.late += p.Late
	if p.Late > harness.LeastTimeout {
		t.stalled++
	}
	if p.Corrupt {
		t.corrupted++
	}
	if p.N == 0 {
		return // it cannot be told who overtook whom
	}
	if path.Reorder > 0 || len(lane.recent) > 0 {
		lane.overtake(l, arrival{n: p.N, size: p.Size, at: p.At, arrived: arrived, phase: i})
	}
	if p.N > lane.highest {
		lane.highest, lane.in = p.N, i
	} else if by := &l.phases[lane.in]; by.path(up).Reorder == 0 {
		by.tally(up).overtook++
	}
}

func newLane(l *links, k linkWay) *lane {
	if l.lanes == nil {
		l.lanes = make(map[linkWay]*lane)
	}
	l.lanes[k] = &lane{up: k.up}
	return l.lanes[k]
}

func (s *stretch) path(up bool) *harness.Path {
	if up {
		return &s.Profile.Up
	}
	return &s.Profile.Down
}

// offered is how many packets the links were given.
func (t tally) offered() int64 {
	return t.delivered + t.lost + t.outage + t.queue + t.stopped + t.barred + t.crossed
}

// drawn is how many packets a random loss was drawn for: it comes after the
// outage and the MTU, after the NAT of what comes down and before that of what
// goes up, and before the queue.
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
