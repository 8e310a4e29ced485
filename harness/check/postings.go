package check

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/runid"
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
		name, f := phantomOf(b, line)
		if run, is := runid.Of(b.Payment); is && !b.Again {
			j.others.found(fmt.Sprintf("%s (%s, of run %s)", name, b.Payment, run), f)
			return
		}
		j.phantoms.found(name, f)
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

// phantom: posted, and never asked for. It is unknown if another run of onebar asked for
// it, as its reference shows: that run has booked late, or shares the ledger.
func (j *Judge) phantom() answer {
	a := j.phantoms
	a.fail, a.noun, a.doubt, a.lacks = "that nobody asked for", "posting", j.ledgerDoubt(), j.noPosting()
	a.pass = "every posting was asked for"
	if a.doubt == "" {
		a.doubt = j.foreign()
	}
	return a
}

// foreign says that another run has booked in the ledger during this one, or nothing.
func (j *Judge) foreign() string {
	o := j.others
	if o.count == 0 {
		return ""
	}
	o.noun, o.fail = "posting", "of another run of onebar"
	return o.summary() + "; an earlier run has booked late (make quiet of the ledger longer), or another run is under way with the same ledger"
}

func phantomOf(b *harness.Posting, line int32) (string, result.Finding) {
	name := b.ID
	if name == "" {
		name = fmt.Sprintf("line %d", line)
	}
	why := "were never asked for"
	if b.Again {
		why = "were booked already before the run"
	}
	return name, result.Finding{
		Text: fmt.Sprintf("posting %s moves %s from %s to %s, and its payment %q and order %q %s",
			name, harness.FormatMoney(b.Amount, b.Currency), b.Payer, b.Payee, b.Payment, b.Order, why),
		Payment: b.Payment, Order: b.Order, Lines: []int{int(line)},
	}
}
