package httpapi

import (
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// complete fills in payers and payees that the server does not name: those of the
// payment, or of any press of the order.
func complete(all []harness.Posting, f sut.HTTPFields, env *subject.Env) {
	if f.Payer != "" && f.Payee != "" {
		return
	}
	for i := range all {
		b := &all[i]
		asked, known := env.Asked.For(*b)
		if known && f.Payer == "" {
			b.Payer = asked.Payer
		}
		if known && f.Payee == "" {
			b.Payee = asked.Payee
		}
	}
}

// Notes implements harness.Noter: it says how bookings were matched, and which fields
// the server does not give.
func (l *Ledger) Notes() []string {
	f := l.config.Fields
	notes := l.reading.Notes()
	if by := strings.Fields(f.Payment + " " + f.Order); !l.reading.ByAmount() && len(by) > 0 {
		notes = append(notes, "bookings were matched to payments by "+strings.Join(by, " and "))
	}
	switch {
	case f.Payer == "" && f.Payee == "":
		notes = append(notes, "the ledger names neither payer nor payee: that they are as asked was not judged")
	case f.Payer == "":
		notes = append(notes, "the ledger names no payer: that it is as asked was not judged")
	case f.Payee == "":
		notes = append(notes, "the ledger names no payee: that it is as asked was not judged")
	}
	return notes
}
