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
	byID, byOrder := map[string]harness.Payment{}, map[string]harness.Payment{}
	for _, p := range env.Asked.All() {
		byID[p.ID], byOrder[p.Order] = p, p
	}
	for i := range all {
		b := &all[i]
		asked, known := byID[b.Payment]
		if !known && b.Payment == "" {
			asked, known = byOrder[b.Order]
		}
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
	if by := strings.Fields(f.Payment + " " + f.Order); len(notes) == 0 && len(by) > 0 {
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
