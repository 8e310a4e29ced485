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
		text := fmt.Sprintf("none of %s was confirmed or booked: the server was not tested%s", harness.Plural(len(j.orders), "payment"), j.unserved())
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

// unserved says what most payments were told last, if none was confirmed, and what to change.
func (j *Judge) unserved() string {
	var told [harness.Failed + 1]int
	most := harness.Expired
	for i := range j.payments {
		told[j.payments[i].last]++
	}
	for o, n := range told {
		if n > told[most] {
			most = harness.Outcome(o)
		}
	}
	advice := "give workload a later deadline, or a link and events that leave time for an answer"
	switch most {
	case harness.Declined:
		advice = "give the payers more balance, or correct the rule for declined"
	case harness.Failed:
		advice = "let the clients run while pay is pressed"
	case harness.OutcomeUnknown, harness.Queued, harness.Confirmed, harness.Expired:
	}
	return fmt.Sprintf("; %d of %d were told %s last: %s", told[most], len(j.payments), most, advice)
}
