package story

import (
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
)

// account is what moved the money of one account of the ledger.
type account struct {
	payments map[string]bool // first presses that asked to move money of it
	moves    []move          // by payments that were asked for
	postings []move
}

// move is money that goes into an account, or out of it.
type move struct {
	name     string // of the payment or the posting
	payment  string // of the posting; empty is not known
	amount   int64  // negative out of it
	currency string
}

// asked notes a payment if it moves money of the account.
func (a *account) asked(p *harness.Payment, name string) {
	if p.Payer != name && p.Payee != name {
		return
	}
	if first := press(p.ID); !a.payments[first] {
		a.payments[first] = true
		a.moves = append(a.moves, moved(first, "", p.Payer == name, p.Amount, p.Currency))
	}
}

// posted notes a posting if it moves money of the account.
func (a *account) posted(p *harness.Posting, name string) {
	if p.Payer == name || p.Payee == name {
		a.postings = append(a.postings, moved(p.ID, p.Payment, p.Payer == name, p.Amount, p.Currency))
	}
}

func moved(name, payment string, out bool, amount int64, currency string) move {
	if out {
		amount = -amount
	}
	return move{name, payment, amount, currency}
}

// closes returns the lines about the balance at the end: what it is, what the postings
// make, and which single payment or posting the difference is as much as.
func (a *account) closes(b *harness.Balance) []string {
	money := func(minor int64) string { return harness.FormatMoney(minor, b.Currency) }
	net, n := int64(0), 0
	for _, p := range a.postings {
		if p.currency == b.Currency {
			net, n = net+p.amount, n+1
		}
	}
	lines := []string{fmt.Sprintf("the account opened at %s, and %s of %s make %s", money(b.Opening), harness.Plural(n, "posting"), money(net), money(b.Opening+net))}
	off := b.Closing - b.Opening - net
	last := "it closes at " + money(b.Closing)
	if b.Closing < b.Floor {
		last += ", below its floor of " + money(b.Floor)
	}
	if off != 0 {
		last += fmt.Sprintf(": off by %s%s", money(off), a.explains(off, b.Currency))
	}
	return append(lines, last)
}

// explains says which single payment without a posting moves as much as a difference, or
// else which single posting: the balance has it once too often, or not at all.
func (a *account) explains(off int64, currency string) string {
	unposted := func(m move) bool {
		return m.currency == currency && m.amount == off &&
			!slices.ContainsFunc(a.postings, func(p move) bool { return press(p.payment) == m.name })
	}
	if m, ok := only(a.moves, unposted); ok {
		return fmt.Sprintf(", as much as %s, which has no posting", m.name)
	}
	for _, c := range []struct {
		amount int64
		what   string
	}{{off, "counted twice"}, {-off, "not counted"}} {
		if m, ok := only(a.postings, func(m move) bool { return m.currency == currency && m.amount == c.amount }); ok {
			return fmt.Sprintf(", as if posting %s were %s", m.name, c.what)
		}
	}
	return ""
}

// only returns the one element that fits, if exactly one does.
func only(all []move, fits func(move) bool) (m move, ok bool) {
	for _, n := range all {
		if fits(n) && ok {
			return move{}, false
		}
		if fits(n) {
			m, ok = n, true
		}
	}
	return m, ok
}
