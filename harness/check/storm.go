package check

import "fmt"

// storm: more tries and status queries for a payment than Workload.Attempts. A
// bound of 0 is none.
func (j *Judge) storm() answer {
	a := answer{doubt: j.incomplete()}
	if j.header == nil {
		return a
	}
	bound := j.header.Scenario.Workload.Attempts
	a.fail = fmt.Sprintf("with more than %d tries and status queries", bound)
	most, confirmed := int32(0), 0
	for p := range j.asked() {
		most = max(most, p.tries)
		if p.confirmed != 0 {
			confirmed++
		}
		if bound > 0 && int(p.tries) > bound {
			a.found(j.label(p), j.finding(p, fmt.Sprintf("took %d tries and status queries", p.tries), p.pressed, p.tryLine))
		}
	}
	if confirmed > 0 && j.attempts == 0 {
		a.lacks = "the subject does not report its tries"
	}
	a.pass = fmt.Sprintf("at most %d tries and status queries a payment, %d allowed", most, bound)
	if bound == 0 {
		a.pass = fmt.Sprintf("at most %d tries and status queries a payment; no bound was set", most)
	}
	return a
}
