package check

import (
	"fmt"
	"strings"
)

// duplicated: more than one posting for a payment or for an order. Two postings prove
// it, even in a partial history.
func (j *Judge) duplicated() answer {
	a := answer{fail: "posted more than once", doubt: j.ledgerDoubt(), lacks: j.noPosting(), pass: "no payment was posted twice"}
	for i := range j.orders {
		o := &j.orders[i]
		if o.postings < 2 {
			continue
		}
		first := &j.payments[o.first]
		var posted []string
		for p := range j.presses(o) {
			if p.posted != 0 {
				posted = append(posted, p.id)
			}
		}
		text := fmt.Sprintf("was posted %d times", o.postings)
		if len(posted) > 1 {
			text += ", for the presses " + strings.Join(posted, ", ")
		}
		a.found(j.label(first), j.finding(first, text, first.pressed, o.lines[0], o.lines[1]))
	}
	return a
}
