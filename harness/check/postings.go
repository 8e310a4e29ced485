package check

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// post finds the payment, or else the order, that a posting belongs to. In a history all
// presses come before the first posting, so all of them are known here.
func (j *Judge) post(b *harness.Posting, line int32) {
	j.postings++
	j.move(account{j.name(b.Payer), j.name(b.Currency)}, -b.Amount, line)
	j.move(account{j.name(b.Payee), j.name(b.Currency)}, b.Amount, line)
	if i, ok := j.byID[b.Payment]; ok && j.payments[i].pressed != 0 {
		p := &j.payments[i]
		if p.posted == 0 {
			p.posted = line
		}
		j.orders[p.order].count(line)
		j.compare(p, b, line)
		return
	}
	i, ok := j.byOrder[b.Order]
	if !ok {
		j.phantoms.found(phantomOf(b, line))
		return
	}
	o := &j.orders[i]
	if o.anonymous == 0 {
		o.anonymous = line
	}
	o.count(line)
	for p := range j.presses(o) {
		if len(differences(p, o.id, b)) == 0 {
			return
		}
	}
	j.compare(&j.payments[o.first], b, line)
}

// count adds a posting to an order.
func (o *order) count(line int32) {
	if int(o.postings) < len(o.lines) {
		o.lines[o.postings] = line
	}
	o.postings++
}

// compare records where b differs from what p asked.
func (j *Judge) compare(p *payment, b *harness.Posting, line int32) {
	if d := differences(p, j.orderID(p), b); len(d) > 0 {
		j.alterations.found(j.label(p), j.finding(p, "was posted with "+strings.Join(d, ", "), p.pressed, line))
	}
}

// differences lists what differs between a posting and what a payment of an order asked.
// An order that either side does not name is not compared.
func differences(p *payment, order string, b *harness.Posting) []string {
	var d []string
	text := func(what, got, want string) {
		if got != want {
			d = append(d, fmt.Sprintf("%s %q instead of %q", what, got, want))
		}
	}
	if b.Amount != p.amount {
		d = append(d, fmt.Sprintf("amount %s instead of %s", harness.FormatMoney(b.Amount, b.Currency), harness.FormatMoney(p.amount, p.currency)))
	}
	if b.Order != "" && order != "" {
		text("order", b.Order, order)
	}
	text("payer", b.Payer, p.payer)
	text("payee", b.Payee, p.payee)
	text("currency", b.Currency, p.currency)
	return d
}

// altered: posted with another order, amount, payer, payee or currency than asked.
func (j *Judge) altered() answer {
	a := j.alterations
	a.fail, a.doubt, a.lacks = "posted otherwise than asked", j.ledgerDoubt(), j.noPosting()
	a.pass = harness.Plural(j.postings, "posting") + " as asked"
	return a
}

// phantom: posted, and never asked for.
func (j *Judge) phantom() answer {
	a := j.phantoms
	a.fail, a.noun, a.doubt, a.lacks = "that nobody asked for", "posting", j.ledgerDoubt(), j.noPosting()
	a.pass = "every posting was asked for"
	return a
}

func phantomOf(b *harness.Posting, line int32) (string, result.Finding) {
	name := b.ID
	if name == "" {
		name = fmt.Sprintf("line %d", line)
	}
	return name, result.Finding{
		Text: fmt.Sprintf("posting %s moves %s from %s to %s, and its payment %q and order %q were never asked for",
			name, harness.FormatMoney(b.Amount, b.Currency), b.Payer, b.Payee, b.Payment, b.Order),
		Payment: b.Payment, Order: b.Order, Lines: []int{int(line)},
	}
}
