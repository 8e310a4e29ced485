package check

import "fmt"

// unrefused: told confirmed or posted, although the payment names another currency than
// that of the accounts, a payee without an account, or the payer as payee.
func (j *Judge) unrefused() answer {
	a := answer{fail: "made although they must be refused", doubt: j.incomplete()}
	for p := range j.asked() {
		why := j.refuse[p.id]
		switch {
		case why == "":
		case p.posted != 0:
			a.found(j.label(p), j.finding(p, fmt.Sprintf("was posted, and must be refused (%s)", why), p.pressed, p.posted))
		case p.confirmed != 0:
			a.found(j.label(p), j.finding(p, fmt.Sprintf("was told confirmed, and must be refused (%s)", why), p.pressed, p.confirmed))
		}
	}
	a.pass = "no payment had to be refused"
	if len(j.refuse) > 0 {
		a.pass = fmt.Sprintf("%d that the server must refuse, none of them made", len(j.refuse))
	}
	return a
}
