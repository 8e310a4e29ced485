package check

import (
	"fmt"

	"github.com/onebar/onebar/harness"
)

// early: told confirmed before the commit of any press of its order was reported. If the
// commit was never reported and the booking is there, that proves nothing: the server may
// have died between the two.
func (j *Judge) early() answer {
	a := answer{fail: "told confirmed before the booking was durable", doubt: j.incomplete()}
	if j.header != nil && !j.header.Commits {
		a.lacks = "the subject does not report its commits"
		return a
	}
	ledger := j.ledgerDoubt()
	confirmed, silent := 0, 0
	for p, o := range j.asked() {
		if p.confirmed == 0 {
			continue
		}
		confirmed++
		switch {
		case o.committed > p.confirmed:
			a.found(j.label(p), j.finding(p, "was told confirmed before its commit", p.confirmed, o.committed))
		case o.committed != 0:
		case ledger == "" && o.postings == 0:
			a.found(j.label(p), j.finding(p, "was told confirmed and never committed", p.confirmed))
		default:
			silent++
		}
	}
	if silent > 0 && a.doubt == "" {
		a.doubt = fmt.Sprintf("the commit of %s told confirmed was never reported", harness.Plural(silent, "payment"))
	}
	a.pass = fmt.Sprintf("%d confirmed, each after its commit", confirmed)
	return a
}
