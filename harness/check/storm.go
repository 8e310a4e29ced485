package check

import "fmt"

// storm: more attempts and status queries for a payment than Workload.Attempts; 0 is no
// bound. If the machine was too busy (Judge.Busy), payments over the bound are unknown:
// the machine may have caused the time-outs that led to further attempts. Only attempts
// that a server could see count; dials that reached no server are counted apart.
func (j *Judge) storm() answer {
	a := answer{doubt: j.incomplete(), busy: j.Busy()}
	if j.header == nil {
		return a
	}
	bound := j.header.Scenario.Workload.Attempts
	a.fail = fmt.Sprintf("with more than %d attempts that reached a connection", bound)
	most, dials, confirmed := int32(0), int32(0), 0
	for p := range j.asked() {
		most, dials = max(most, p.attempts), max(dials, p.dials)
		if p.confirmed != 0 {
			confirmed++
		}
		if bound > 0 && int(p.attempts) > bound {
			text := fmt.Sprintf("took %d attempts that reached a connection", p.attempts)
			a.found(j.label(p), j.finding(p, text+besides(p.dials), p.pressed, p.attempted))
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
	if dials > 0 {
		a.pass += fmt.Sprintf("; at most %d dials per payment found no server", dials)
	}
	return a
}

// besides says how many dials of a payment found no server, or nothing.
func besides(dials int32) string {
	if dials == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d dials that found no server", dials)
}
