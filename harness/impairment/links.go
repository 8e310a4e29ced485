package impairment

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/interval"
)

// Links keeps, for each phase, what the scenario asked of the links and what happened to
// their packets, and how much each event of the timeline hit. The zero value is ready. It
// is not safe for concurrent use.
type Links struct {
	name    string           // of one link of the topology; empty is access links
	wallets []int            // whose access links they are, if something else was asked of them; nil is all others
	others  []*Links         // one for each link of the topology, and for wallets apart; they share header and events
	apart   []map[int]*apart // by phase: the wallets of which something else was asked in it
	header  *history.Header
	last    time.Duration // offset of the latest record but packets
	phases  history.Phases[counts]
	states  history.Ways[linkState]
	events  map[int]*event      // by index in Scenario.Timeline
	waits   []interval.Interval // in which a timer of the harness was late, in order

	sent     map[packets]int64 // how many there were of those that a trigger waits for
	attempts int64             // that reached a connection
	end      *history.End
}

// packets are those of one direction of one link: of a wallet, or of the topology.
type packets struct {
	link   string
	client int
	dir    harness.Direction
}

// Add reads the next record of the history and its line. It keeps no packet.
func (l *Links) Add(r *history.Record, line int32) {
	if r.Packet != nil {
		if k := (packets{r.Packet.Link, r.Packet.Client, r.Packet.Direction}); len(l.sent) > 0 && !r.Packet.Copy {
			if n, ok := l.sent[k]; ok {
				l.sent[k] = max(n, r.Packet.N)
			}
		}
		l.on(r.Packet.Link).packet(r.Packet)
		return
	}
	l.last = max(l.last, r.At)
	switch {
	case r.Late > 0:
		l.waits = append(l.waits, interval.Interval{From: r.At - r.Late, To: r.At})
	case r.Phase != nil:
		l.on(r.Phase.Link).begin(l, r, line)
	case r.Fault != nil:
		l.fault(*r.Fault, r.At, line)
	case r.Attempt != nil && !r.Attempt.NoConnection:
		l.attempts++
	case r.End != nil:
		l.end = r.End
	case r.Header != nil:
		l.header = r.Header
		l.await(r.Header.Scenario.Timeline)
	}
}

// on returns the Links of a link of the topology; an empty name is the access links.
func (l *Links) on(name string) *Links {
	if name == "" {
		return l
	}
	return l.part(name, nil)
}

// part returns the Links of a link of the topology, or of the access links of some wallets.
func (l *Links) part(name string, wallets []int) *Links {
	for _, o := range l.others {
		if o.name == name && slices.Equal(o.wallets, wallets) {
			return o
		}
	}
	o := &Links{name: name, wallets: wallets}
	l.others = append(l.others, o)
	return o
}

// apart is the Links of a wallet in a phase of the access links, and its phase there.
type apart struct {
	links *Links
	phase int
}

// begin adds a phase, and one of each of the wallets of which something else is asked. All
// is the Links of all access links.
func (l *Links) begin(all *Links, r *history.Record, line int32) {
	l.phases.Begin(*r.Phase, r.At, line)
	var of map[int]*apart
	for _, a := range r.Phase.Apart {
		o := all.part("", a.Wallets)
		o.phases.Begin(history.Phase{Name: r.Phase.Name, Profile: a.Profile, OutageUp: a.OutageUp, OutageDown: a.OutageDown}, r.At, line)
		if of == nil {
			of = map[int]*apart{}
		}
		for _, w := range a.Wallets {
			of[w] = &apart{o, len(o.phases) - 1}
		}
	}
	l.apart = append(l.apart, of)
}

type phase = history.PhaseCounts[counts]

// counts counts packets of one direction by their fate. Copies that a link made
// are in copied only.
type counts struct {
	delivered, lost, outage, queue, stopped, barred int64
	crossed                                         int64 // crossed the link, and were dropped by the NAT behind it

	// Sums over the delivered packets: the delay that the link decided, the lateness on
	// top of it, and the shortest time in which the rate could have sent them.
	delay, late, soonest time.Duration

	stalled   int64 // delivered more than harness.LeastTimeout late
	copied    int64
	corrupted int64
	overtook  int64 // delivered after one that was offered later, which was not asked to overtake
	fast      int64 // delivered sooner than the rate allows
	chance    chance
}

// linkState is what is remembered of one direction of one link.
type linkState struct {
	up      bool
	free    time.Duration // the earliest time at which the rate could have sent the packets that have arrived
	highest int64         // number of the last offered of the packets that have arrived
	in      int           // its phase
	recent  []arrival     // of links that reorder, in order
}

type event struct {
	times int
	hits  int64
	err   string
	line  int32 // of the first note
	spans []span
}

// span is one occurrence of an event, by the lines and the times of its notes.
type span struct {
	from, to    int32 // to is 0 until it has ended
	begin, over time.Duration
	wallets     []int // that it acts on; nil is all
}

// await notes of which packets the number matters.
func (l *Links) await(events []harness.Event) {
	l.sent = make(map[packets]int64)
	for _, e := range events {
		if e.When != nil && e.When.Packet > 0 {
			l.sent[awaited(e.When)] = 0
		}
	}
}

func awaited(w *harness.Trigger) packets { return packets{w.Link, w.Client, w.Direction} }

func (l *Links) fault(f history.FaultNote, at time.Duration, line int32) {
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
		e.spans = append(e.spans, span{from: line, begin: at, wallets: f.Wallets})
	} else if n := len(e.spans); n > 0 {
		e.spans[n-1].to, e.spans[n-1].over = line, at
	}
	e.hits += f.Hits
	if e.err == "" {
		e.err = f.Error
	}
}

// packet counts p in the phase that was in force when it was offered, which
// may have ended by now. Packets from before the first phase belong to it.
func (l *Links) packet(p *harness.Packet) {
	if len(l.phases) == 0 {
		return
	}
	i := l.phases.At(p.At)
	if a := l.apart[i][p.Client]; a != nil {
		a.links.count(a.phase, p)
		return
	}
	l.count(i, p)
}

func (l *Links) count(i int, p *harness.Packet) {
	up := p.Direction != harness.Down
	if p.Drop == harness.DropNone && l.dark(i, up) {
		i = l.before(i, up, p.At)
	}
	t := l.phases[i].Way(up)
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

// before returns the phase of a packet that passed in the dark phase i: the one before, if the
// outage began at the instant of the packet, just after it. An outage may go on in several phases
// that begin at about one instant.
func (l *Links) before(i int, up bool, at time.Duration) int {
	j := i
	for j > 0 && l.phases[j].From >= at && l.dark(j, up) {
		j--
	}
	if l.dark(j, up) {
		return i
	}
	return j
}

func (l *Links) dark(i int, up bool) bool {
	if up {
		return l.phases[i].OutageUp
	}
	return l.phases[i].OutageDown
}

// arrive counts a packet that was offered in phase i.
func (l *Links) arrive(i int, up bool, p *harness.Packet) {
	t, path := l.phases[i].Way(up), l.phases[i].Path(up)
	state, _ := l.states.Of(p.Client, up)
	state.up = up
	arrived := p.At + p.Delay - p.Late
	soonest := state.pace(t, path, p, arrived)
	if p.Copy {
		return
	}
	t.delivered++
	t.soonest += soonest
	t.delay += p.Delay - p.Late
	t.late += p.Late
	if p.Late > harness.LeastTimeout {
		t.stalled++
	}
	if p.Corrupt {
		t.corrupted++
	}
	if p.N == 0 {
		return // without numbers nothing shows which packet overtook which
	}
	if path.Reorder > 0 || len(state.recent) > 0 {
		state.overtake(l, arrival{n: p.N, size: p.Size, at: p.At, arrived: arrived, phase: i})
	}
	if p.N > state.highest {
		state.highest, state.in = p.N, i
	} else if by := &l.phases[state.in]; by.Path(up).Reorder == 0 {
		by.Way(up).overtook++
	}
}

func (t counts) offered() int64 {
	return t.delivered + t.lost + t.outage + t.queue + t.stopped + t.barred + t.crossed
}

// drawn is how many packets a random loss was drawn for: it comes after the
// outage and the MTU, after the NAT of what comes down and before that of what
// goes up, and before the queue.
func (t counts) drawn() int64 { return t.offered() - t.outage - t.barred }

func directions(s *phase) [2]direction {
	return [2]direction{
		{harness.Up, s.Profile.Up, s.OutageUp, &s.Up},
		{harness.Down, s.Profile.Down, s.OutageDown, &s.Down},
	}
}

// direction is one direction of a phase: what was asked of it, and what happened to its
// packets.
type direction struct {
	harness.Direction
	harness.Path
	outage bool
	counts *counts
}
