package check

import (
	"fmt"
	"time"
)

// storm: more attempts and status queries for a payment than Workload.Attempts; 0 is no
// bound. If the machine was too busy (Judge.Busy), payments over the bound are unknown:
// the machine may have caused the time-outs that led to further attempts. Only attempts
// that a server could see count; dials that reached no server are counted apart. What the
// server or the scenario asks for does not count, see pace. An attempt that begins before
// the Retry-After of the server is a finding, whatever the bound.
func (j *Judge) storm() answer {
	a := answer{doubt: j.incomplete(), busy: j.Busy()}
	if j.header == nil {
		return a
	}
	bound := j.header.Scenario.Workload.Attempts
	a.fail = fmt.Sprintf("with more than %d attempts that reached a connection", bound)
	most, dials, confirmed := int32(0), int32(0), 0
	var asked pace
	for p := range j.asked() {
		most, dials = max(most, p.attempts), max(dials, p.dials)
		if p.confirmed != 0 {
			confirmed++
		}
		s := j.paces[p.id]
		if s != nil {
			asked.polls, asked.asked = max(asked.polls, s.polls), max(asked.asked, s.asked)
		}
		switch {
		case bound > 0 && int(p.attempts) > bound:
			text := fmt.Sprintf("took %d attempts that reached a connection", p.attempts)
			a.found(j.label(p), j.finding(p, text+besides(p.dials), p.pressed, p.attempted))
		case s != nil && s.hasty != 0:
			text := fmt.Sprintf("was attempted again %v after an answer with Retry-After %v", s.waited.Round(time.Millisecond), s.said)
			a.fail = tooFast
			a.found(j.label(p), j.finding(p, text, p.pressed, s.hasty))
		case s != nil && j.pollLimit() > 0 && int(s.polls) > j.pollLimit():
			text := fmt.Sprintf("was asked about %d times, and poll.limit is %d", s.polls, j.pollLimit())
			a.fail = tooFast
			a.found(j.label(p), j.finding(p, text, p.pressed, p.attempted))
		}
	}
	if confirmed > 0 && j.attempts == 0 {
		a.lacks = "the subject does not report its attempts"
	}
	a.pass = fmt.Sprintf("at most %d attempts per payment reached a connection", most)
	if bound == 0 {
		a.pass += "; no bound was set"
	} else {
		a.pass += fmt.Sprintf(", %d allowed", bound)
	}
	a.pass += asked.String()
	if dials > 0 {
		a.pass += fmt.Sprintf("; at most %d dials per payment found no server", dials)
	}
	return a
}

// tooFast is what payments did whose client went beyond what the server stated.
const tooFast = "attempted or asked about sooner or more often than the server or the scenario allows"

// besides says how many dials of a payment found no server, or nothing.
func besides(dials int32) string {
	if dials == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d dials that found no server", dials)
}
