package check

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/result"
)

const (
	// confidence of the intervals of random shares, over all phases, directions
	// and kinds of a run together: one run in a hundred thousand that did all right is
	// unknown.
	shareAlpha = 0.00001
	// slack is how many packets may lie on the wrong side of a phase's
	// boundary: its record is written a moment before or after the change.
	slack = 1
)

// impairment: every event happened and hit something, every link asked for met
// packets, an outage met some and let none through, loss, reordering, duplicates
// and corruption were as random as asked, no delay was too short and no link too
// fast, and the machine did not stall. What is not so makes the run unknown, whatever
// else it shows.
func (j *Judge) impairment() answer {
	a := answer{doubt: j.incomplete()}
	if j.header == nil {
		return a
	}
	j.hits(&a)
	j.met(&a)
	shown := j.shares(&a)
	j.outages(&a)
	j.rates(&a)
	j.delays(&a)
	for _, s := range j.stalls() {
		doubtful(&a, s.line, "machine too busy: %s", s.how)
	}
	hits := int64(0)
	for _, e := range j.links.events {
		hits += e.hits
	}
	said := []string{fmt.Sprintf("packets %.1f ms late on average", float64(j.links.late())/float64(time.Millisecond))}
	if n := len(j.links.events); n > 0 {
		said = append(said, plural(n, "event")+" with "+plural(int(hits), "hit"))
	}
	a.pass = strings.Join(append(said, shown...), "; ")
	return a
}

func doubtful(a *answer, line int32, format string, args ...any) {
	f := result.Finding{Text: fmt.Sprintf(format, args...)}
	f.Lines = sorted([]int32{line})
	a.found("", f)
}

func eventName(i int, e harness.Event) string {
	if e.Line > 0 {
		return fmt.Sprintf("the %s of line %d", e.Action, e.Line)
	}
	return fmt.Sprintf("the %s of event %d", e.Action, i+1)
}

// hits wants every event but link and heal to have happened, and to have hit
// something unless it may miss.
func (j *Judge) hits(a *answer) {
	for i, e := range j.header.Scenario.Timeline {
		if !fault.Counts(e.Action) {
			continue
		}
		got := j.links.events[i]
		switch {
		case got == nil || got.times == 0:
			doubtful(a, 0, "%s never happened", eventName(i, e))
		case got.err != "":
			doubtful(a, got.line, "%s failed: %s", eventName(i, e), got.err)
		case got.hits == 0 && !e.MayMiss:
			doubtful(a, got.line, "%s hit nothing", eventName(i, e))
		}
	}
}

// met wants the scenario's link, and every link of the timeline that may not
// miss, to have met a packet in at least one of the phases it was in force. A perfect link has
// nothing to do.
func (j *Judge) met(a *answer) {
	sc := j.header.Scenario
	if !perfect(sc.Link) && !j.links.met(sc.Link) {
		doubtful(a, 0, "the scenario's link met no packet")
	}
	for i, e := range sc.Timeline {
		if e.Action == harness.SetLink && e.Link != nil && !e.MayMiss && !perfect(*e.Link) && !j.links.met(*e.Link) {
			doubtful(a, 0, "%s met no packet", eventName(i, e))
		}
	}
}

func perfect(p harness.Profile) bool { return p.Up == harness.Path{} && p.Down == harness.Path{} }

func (l *links) met(p harness.Profile) bool {
	for i := range l.phases {
		s := &l.phases[i]
		if s.up.offered()+s.down.offered() > 0 && reflect.DeepEqual(s.Profile, p) {
			return true
		}
	}
	return false
}

// outages wants every outage that may not miss to have met a packet, in either
// direction, and the packets that met one to have been lost in it. Phases with an outage one after
// the other are one outage: something else has changed meanwhile.
func (j *Judge) outages(a *answer) {
	var first *stretch // of the present outage
	var met, hit int64
	owed := false // it may not miss
	for _, s := range j.links.phases {
		hit += s.up.outage + s.down.outage
	}
	end := func() {
		if first != nil && met == 0 && owed {
			doubtful(a, first.line, "the outage of phase %q met no packet", first.Name)
		}
		first, met, owed = nil, 0, false
	}
	for i := range j.links.phases {
		s := &j.links.phases[i]
		if hit == 0 || j.header.Payload {
			break // which the events have said; a stream waits for the end of an outage
		}
		if !s.OutageUp && !s.OutageDown {
			end()
			continue
		}
		if first == nil {
			first = s
		}
		met += s.up.outage + s.down.outage
		owed = owed || !j.excused(s.line)
	}
	end()
	j.links.each(func(s *stretch, w way) {
		if passed := w.met.drawn() - w.met.stopped; w.outage && passed > slack {
			doubtful(a, s.line, "phase %q let %s %s through its outage", s.Name, plural(int(passed), "packet"), w.Direction)
		}
	})
}

// excused reports whether the blackholes in force at a line all may miss. One
// outage of a periodic event may, if another of them has hit something.
func (j *Judge) excused(line int32) bool {
	all, some := true, false
	for i, e := range j.header.Scenario.Timeline {
		if got := j.links.events[i]; e.Action == harness.Blackhole && got != nil && got.inForce(line) {
			some = true
			all = all && (e.MayMiss || e.Every > 0 && got.hits > 0)
		}
	}
	return some && all
}

// inForce reports whether an occurrence of the event is in force at a line.
func (e *event) inForce(line int32) bool {
	return slices.ContainsFunc(e.spans, func(s span) bool { return s.from < line && (s.to == 0 || s.to > line) })
}

// each calls f for both directions of every phase.
func (l *links) each(f func(*stretch, way)) {
	for i := range l.phases {
		for _, w := range l.phases[i].ways() {
			f(&l.phases[i], w)
		}
	}
}
