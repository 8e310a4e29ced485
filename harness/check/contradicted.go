package check

import "fmt"

// contradicted: told declined, expired or failed last, and posted. A posting
// that names its payment contradicts that press only. One that names just the
// order contradicts the latest press, if every press of the order was refused:
// otherwise it may be that of another press.
func (j *Judge) contradicted() answer {
	a := answer{fail: "refused to the user and posted", doubt: j.ledgerDoubt(), lacks: j.noPosting()}
	refused := 0
	for p, o := range j.asked() {
		if !p.refused() {
			continue
		}
		refused++
		line := p.posted
		if line == 0 && &j.payments[o.last] == p && j.allRefused(o) {
			line = o.anonymous
		}
		if line != 0 {
			a.found(j.label(p), j.finding(p, fmt.Sprintf("was told %s and is in the ledger", p.last), p.told, line))
		}
	}
	a.pass = fmt.Sprintf("%d refused, none of them posted", refused)
	return a
}

func (j *Judge) allRefused(o *order) bool {
	for p := range j.presses(o) {
		if !p.refused() {
			return false
		}
	}
	return true
}
