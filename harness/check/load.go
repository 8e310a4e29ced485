package check

import (
	"fmt"

	"github.com/onebar/onebar/harness"
)

// load: every planned payment was asked for, once each, and nothing is said of a
// payment nobody asked for. Anything else is a hole in the experiment.
func (j *Judge) load() answer {
	a := answer{doubt: j.incomplete()}
	if j.header == nil {
		return a
	}
	for i := range j.payments {
		p := &j.payments[i]
		switch {
		case p.pressed == 0:
			a.found(p.id, j.finding(p, "is in the history, but nobody pressed pay for it", p.told, p.committed, p.held, p.tryLine))
		case p.pressed2 != 0:
			a.found(p.id, j.finding(p, "was given to two presses of pay", p.pressed, p.pressed2))
		}
	}
	planned := j.header.Scenario.Workload.Payments
	if a.doubt == "" && len(j.orders) < planned {
		a.found("plan", harness.Finding{
			Text: fmt.Sprintf("%s planned, but only %d asked for", plural(planned, "payment"), len(j.orders)),
		})
	}
	a.pass = fmt.Sprintf("%d of %d planned payments asked for", len(j.orders), planned)
	if presses := len(j.payments); presses > len(j.orders) {
		a.pass += fmt.Sprintf(", with %d presses", presses)
	}
	return a
}
