package impairment

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
	// shareAlpha is the probability that a run whose links were right is unknown because
	// of its random shares, over all phases, directions and kinds together: one run in a
	// hundred thousand.
	shareAlpha = 0.00001
	// slack is how many packets may lie on the wrong side of a phase's
	// boundary: its record is written a moment before or after the change.
	slack = 1
)

// Judge compares what happened with what was asked: every event happened and hit
// something, each link carried packets, an outage lost all of its packets, loss,
// reordering, duplicates and corruption were as random as asked, no delay was too
// short and no link too fast, and the machine did not stall. It returns a finding
// for each difference, and what to say if there is none. Before the header it
// returns nothing.
func (l *Links) Judge() (findings []result.Finding, summary string) {
	if l.header == nil {
		return nil, ""
	}
	var found doubts
	l.missed(&found)
	l.unused(&found)
	var shown []string
	for _, o := range append([]*Links{l}, l.others...) {
		o.header, o.events = l.header, l.events
		shown = append(shown, o.shares(&found)...)
		o.outages(&found)
		o.rates(&found)
		o.delays(&found)
	}
	for _, s := range l.stalls() {
		found.add(s.line, "machine too busy: %s", s.how)
	}
	hits := int64(0)
	for _, e := range l.events {
		hits += e.hits
	}
	said := []string{fmt.Sprintf("packets %.1f ms late on average", float64(l.meanLate())/float64(time.Millisecond))}
	if n := len(l.events); n > 0 {
		said = append(said, harness.Plural(n, "event")+" with "+harness.Plural(hits, "hit"))
	}
	return found, strings.Join(append(said, shown...), "; ")
}

// doubts are differences between what was asked and what happened.
type doubts []result.Finding

// add adds a finding, with the line of the history that shows it; 0 if no single line
// shows it.
func (d *doubts) add(line int32, format string, args ...any) {
	f := result.Finding{Text: fmt.Sprintf(format, args...)}
	if line > 0 {
		f.Lines = []int{int(line)}
	}
	*d = append(*d, f)
}

func eventName(i int, e harness.Event) string {
	if e.Line > 0 {
		return fmt.Sprintf("the %s of line %d", e.Action, e.Line)
	}
	return fmt.Sprintf("the %s of event %d", e.Action, i+1)
}

// missed finds the events, other than link and heal, that never happened, failed, or
// hit nothing although they may not miss. One that waits for a packet, a commit or a request
// need not happen if it may miss.
func (l *Links) missed(found *doubts) {
	for i, e := range l.header.Scenario.Timeline {
		if !fault.Counts(e.Action) {
			continue
		}
		got := l.events[i]
		switch {
		case (got == nil || got.times == 0) && e.When != nil && e.MayMiss:
		case got == nil || got.times == 0:
			found.add(0, "%s never happened%s", eventName(i, e), l.why(e))
		case got.err != "":
			found.add(got.line, "%s failed: %s", eventName(i, e), got.err)
		case got.hits == 0 && !e.MayMiss:
			found.add(got.line, "%s hit nothing%s", eventName(i, e), got.instead(e))
		}
	}
}

// unused finds the profiles that carried no packet in any phase: that of the scenario,
// and those of the timeline that may not miss. A perfect link has nothing to show.
func (l *Links) unused(found *doubts) {
	sc := l.header.Scenario
	if !perfect(sc.Link) && !l.anyCarried("", sc.Link) {
		found.add(0, "the scenario's link carried no packet: no payment was under way while it was in force; let the link events begin later")
	}
	for i, e := range sc.Timeline {
		if e.Action == harness.SetLink && e.Link != nil && !e.MayMiss && !perfect(*e.Link) && !l.anyCarried(e.On, *e.Link) {
			found.add(0, "%s carried no packet: no payment was under way while it was in force; begin it earlier, let it last longer, or write may_miss: true", eventName(i, e))
		}
	}
}

// anyCarried reports whether a packet was offered to a link, or to one of the access links,
// while the profile was in force on it.
func (l *Links) anyCarried(link string, p harness.Profile) bool {
	return l.on(link).carried(p) || slices.ContainsFunc(l.others, func(o *Links) bool { return o.name == link && o.carried(p) })
}

func perfect(p harness.Profile) bool { return p.Up == harness.Path{} && p.Down == harness.Path{} }

// carried reports whether a packet was offered while the profile was in force.
func (l *Links) carried(p harness.Profile) bool {
	for i := range l.phases {
		s := &l.phases[i]
		if s.Up.offered()+s.Down.offered() > 0 && reflect.DeepEqual(s.Profile, p) {
			return true
		}
	}
	return false
}

// outages finds the outages that may not miss and lost no packet in either direction,
// and those that let packets through. Consecutive phases with an outage are one
// outage: something else changed between them.
func (l *Links) outages(found *doubts) {
	var first *phase // of the present outage
	var lost, total int64
	must := false // it must hit something
	for _, s := range l.phases {
		total += s.Up.outage + s.Down.outage
	}
	end := func() {
		if first != nil && lost == 0 && must {
			found.add(first.Line, "no packet was sent during the outage of phase %q: begin it when payments are under way, let it last longer, or write may_miss: true", first.Name)
		}
		first, lost, must = nil, 0, false
	}
	for i := range l.phases {
		s := &l.phases[i]
		if total == 0 || l.header.Payload {
			break // missed reports the first; and a byte stream waits until an outage is over
		}
		if !s.OutageUp && !s.OutageDown {
			end()
			continue
		}
		if first == nil {
			first = s
		}
		lost += s.Up.outage + s.Down.outage
		must = must || !l.excused(s.Line)
	}
	end()
	l.each(func(s *phase, d direction) {
		if passed := d.counts.drawn() - d.counts.stopped; d.outage && passed > slack {
			found.add(s.Line, "phase %q let %s %s through its outage", s.Name, harness.Plural(passed, "packet"), d.Direction)
		}
	})
}

// excused reports whether all blackholes in force at a line may miss. An outage of a
// periodic event may miss if another outage of the event has hit something.
func (l *Links) excused(line int32) bool {
	all, some := true, false
	for i, e := range l.header.Scenario.Timeline {
		if got := l.events[i]; e.Action == harness.Blackhole && e.On == l.name && got != nil && got.inForce(line, l.wallets) {
			some = true
			all = all && (e.MayMiss || e.Every > 0 && got.hits > 0)
		}
	}
	return some && all
}

// inForce reports whether an occurrence of the event is in force at a line on the access
// links of some wallets; nil is those that no event has chosen.
func (e *event) inForce(line int32, wallets []int) bool {
	return slices.ContainsFunc(e.spans, func(s span) bool {
		all := s.wallets == nil || wallets != nil && !slices.ContainsFunc(wallets, func(w int) bool { return !slices.Contains(s.wallets, w) })
		return all && s.from < line && (s.to == 0 || s.to > line)
	})
}

func (l *Links) each(f func(*phase, direction)) {
	for i := range l.phases {
		for _, d := range directions(&l.phases[i]) {
			f(&l.phases[i], d)
		}
	}
}
