package check

import "fmt"

// unresolved: no final outcome after heal and settle. It is unknown if the machine was
// too busy (Judge.Busy): the payments may only have needed more time.
func (j *Judge) unresolved() answer {
	a := answer{fail: "without a final outcome", doubt: j.incomplete(), busy: j.Busy()}
	if a.doubt != "" {
		return a // a complete run might have resolved what is open now
	}
	for p := range j.asked() {
		switch {
		case p.last.Final():
		case p.told == 0:
			a.found(j.label(p), j.finding(p, "was never told any outcome", p.pressed))
		default:
			a.found(j.label(p), j.finding(p, fmt.Sprintf("is still %s after the settle", p.last), p.pressed, p.told))
		}
	}
	a.pass = "every payment has a final outcome"
	if n := j.recovered(); n > 0 {
		a.pass += fmt.Sprintf("; %d recovered after being unknown", n)
	}
	return a
}

// recovered counts the orders that were told unknown and confirmed later.
func (j *Judge) recovered() int {
	n := 0
	for i := range j.orders {
		var unknown, confirmed int32
		for p := range j.presses(&j.orders[i]) {
			if p.unknown != 0 && (unknown == 0 || p.unknown < unknown) {
				unknown = p.unknown
			}
			confirmed = max(confirmed, p.confirmed)
		}
		if unknown != 0 && confirmed > unknown {
			n++
		}
	}
	return n
}

// flipped: a final outcome, then another.
func (j *Judge) flipped() answer {
	a := answer{fail: "told another outcome after a final one", doubt: j.incomplete(), pass: "no final outcome changed"}
	for p := range j.asked() {
		if p.flip != 0 {
			a.found(j.label(p), j.finding(p, fmt.Sprintf("was told %s, then %s", p.firstFinal, p.flippedTo), p.final, p.flip))
		}
	}
	return a
}
