package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
)

// unfounded: told declined last, with a reason that speaks of funds, although the account
// held enough at every time: its opening balance less all that was ever posted from it
// still covers the payment above the floor. Refusals for other reasons, and those of
// accounts without a balance, are not judged.
func (j *Judge) unfounded() answer {
	a := answer{fail: "declined for lack of funds that were there", doubt: j.ledgerDoubt(), lacks: j.noLedger()}
	if a.lacks == "" && len(j.balances) == 0 {
		a.lacks = "the subject gives no balances"
	}
	if a.doubt != "" || a.lacks != "" {
		return a
	}
	balances := make(map[account]balance, len(j.balances))
	least := make(map[account]int64, len(j.balances)) // that it held at any time
	for _, b := range j.balances {
		held := b.Opening
		for _, name := range b.names() {
			if m := j.moved[account{name, b.Currency}]; m != nil {
				held -= m.out
			}
		}
		for _, name := range b.names() {
			balances[account{name, b.Currency}], least[account{name, b.Currency}] = b, held
		}
	}
	judged := 0
	for p := range j.asked() {
		key := account{p.payer, p.currency}
		b, known := balances[key]
		if p.last != harness.Declined || !known || !speaksOfFunds(j.reasons[p.id]) {
			continue
		}
		judged++
		if least[key]-p.amount >= b.Floor && p.posted == 0 {
			money := func(minor int64) string { return harness.FormatMoney(minor, p.currency) }
			a.found(j.label(p), j.finding(p, fmt.Sprintf("of %s was declined (%s), and %s always had at least %s",
				money(p.amount), j.reasons[p.id], p.payer, money(least[key])), p.pressed, p.told, b.line))
		}
	}
	a.pass = fmt.Sprintf("%d declined for lack of funds, which were lacking", judged)
	if judged == 0 {
		a.pass = "no payment was declined for lack of funds"
	}
	return a
}

// speaksOfFunds reports whether the reason of a refusal is a balance that is too low.
// HTTP 402 is Payment Required (RFC 9110 section 15.5.3), which payment APIs use for it.
func speaksOfFunds(reason string) bool {
	reason = strings.ToLower(reason)
	words := []string{"fund", "balance", "insufficient", "overdraft", "overdrawn", "http 402"}
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(reason, word) })
}
