package check

import (
	"fmt"
)

// lost: told confirmed and not posted, or accepted and neither posted nor refused, and no
// longer held by its payer. A press of an order is posted if the order is. If the subject
// cannot say what its payers hold, accepted means told queued: a payment that was only
// told unknown may be attempted again, by the app or its user, and is unresolved.
func (j *Judge) lost() answer {
	a := answer{fail: "lost", doubt: j.ledgerDoubt(), lacks: j.noLedger()}
	if a.doubt != "" || a.lacks != "" {
		return a // a posting that is missing may only not have been read
	}
	for p, o := range j.asked() {
		switch {
		case o.postings > 0:
		case p.confirmed != 0:
			a.found(j.label(p), j.finding(p, "was told confirmed and is not in the ledger", p.pressed, p.confirmed))
		case p.accepted == 0, p.refused(), p.held != 0:
		case !j.header.Holds && p.queued == 0:
		case !j.header.Holds:
			a.found(j.label(p), j.finding(p, "was accepted, then neither posted nor refused (the subject cannot say whether its payer still holds it)", p.pressed, p.accepted, p.told))
		default:
			a.found(j.label(p), j.finding(p, "was accepted, then neither posted nor refused, and its payer no longer holds it", p.pressed, p.accepted, p.told))
		}
	}
	confirmed, posted := 0, 0
	for i := range j.orders {
		o := &j.orders[i]
		if o.postings > 0 {
			posted++
		}
		for p := range j.presses(o) {
			if p.confirmed != 0 {
				confirmed++
				break
			}
		}
	}
	a.pass = fmt.Sprintf("%d confirmed, %d posted", confirmed, posted)
	return a
}
