package check

import (
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// load: every planned payment was requested once, the history mentions no payment that
// was not requested, and the server has confirmed or booked at least one. Otherwise the
// experiment was incomplete.
func (j *Judge) load() answer {
	a := answer{doubt: j.incomplete()}
	if j.header == nil {
		return a
	}
	for i := range j.payments {
		p := &j.payments[i]
		switch {
		case p.pressed == 0:
			a.found(p.id, j.finding(p, "is in the history, but nobody pressed pay for it", p.told, p.committed, p.held, p.attempted))
		case p.pressed2 != 0:
			a.found(p.id, j.finding(p, "was given to two presses of pay", p.pressed, p.pressed2))
		}
	}
	planned := j.header.Scenario.Workload.Payments
	if a.doubt == "" && len(j.orders) < planned {
		a.found("plan", result.Finding{
			Text: fmt.Sprintf("%s planned, but only %d asked for", harness.Plural(planned, "payment"), len(j.orders)),
		})
	}
	if a.doubt == "" && !j.served() {
		text := fmt.Sprintf("none of %s was confirmed or booked: the server was not tested", harness.Plural(len(j.orders), "payment"))
		if j.header.Scenario.Subject.Client != nil {
			text += "; onebar doctor follows one payment step by step"
		}
		a.found("server", result.Finding{Text: text})
	}
	a.pass = fmt.Sprintf("%d of %d planned payments asked for", len(j.orders), planned)
	if presses := len(j.payments); presses > len(j.orders) {
		a.pass += fmt.Sprintf(", with %d presses", presses)
	}
	return a
}

// served reports whether any payment was made: a run in which all payments were refused
// or expired proves nothing about the server. Its client may only have had the wrong
// password.
func (j *Judge) served() bool {
	return j.postings > 0 || slices.ContainsFunc(j.payments, func(p payment) bool { return p.confirmed != 0 })
}
