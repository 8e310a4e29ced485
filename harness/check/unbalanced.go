package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

type account struct{ name, currency string }

// moves is the effect of the postings on an account.
type moves struct {
	net  int64
	out  int64 // what the postings took from it, as a positive amount
	line int32 // of the first posting
}

type balance struct {
	harness.Balance
	line int32
}

// names returns the account and those that share it.
func (b *balance) names() []string { return append([]string{b.Account}, b.Shared...) }

func (j *Judge) move(a account, amount int64, line int32) {
	m := j.moved[a]
	if m == nil {
		m = &moves{line: line}
		j.moved[a] = m
	}
	m.net += amount
	m.out += max(0, -amount)
}

// unbalanced: a closing balance that is not opening plus postings or sank below
// its floor, a posting of an account without a balance, or closings of a
// currency that do not sum to its openings. Only the balance at the end is
// compared with the floor: the order of the postings is the ledger's own. An account
// that was below its floor before the run may stay where it was.
func (j *Judge) unbalanced() answer {
	a := answer{noun: "account", fail: "out of balance", doubt: j.ledgerDoubt()}
	a.lacks = j.noLedger()
	if a.lacks == "" && len(j.balances) == 0 {
		a.lacks = "the subject gives no balances"
	}
	if a.doubt == "" {
		a.doubt = j.foreign() // it has moved balances, of accounts that may not be listed
	}
	if a.doubt != "" || a.lacks != "" {
		return a
	}
	seen := make(map[account]int32, len(j.balances))
	sums := make(map[string]int64) // closing minus opening, by currency
	for _, b := range j.balances {
		j.balanced(&a, b, seen[account{b.Account, b.Currency}])
		for _, name := range b.names() {
			seen[account{name, b.Currency}] = b.line
		}
		sums[b.Currency] += b.Closing - b.Opening
	}
	for _, key := range slices.SortedFunc(maps.Keys(j.moved), byLine(j.moved)) {
		if seen[key] == 0 {
			a.found(key.name, result.Finding{
				Text:    fmt.Sprintf("account %s has postings in %s and no balance", key.name, key.currency),
				Account: key.name, Lines: []int{int(j.moved[key].line)},
			})
		}
	}
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		if sums[c] != 0 {
			a.found("sum of "+c, result.Finding{
				Text: fmt.Sprintf("the closing balances differ from the opening ones by %s: money was made or lost", harness.FormatMoney(sums[c], c)),
			})
		}
	}
	a.pass = fmt.Sprintf("%s add up with %s", harness.Plural(len(j.balances), "account"), harness.Plural(j.postings, "posting"))
	return a
}

// balanced judges one account; earlier is the line of an earlier balance of it, or 0.
func (j *Judge) balanced(a *answer, b balance, earlier int32) {
	note := func(format string, args ...any) {
		a.found(b.Account, result.Finding{
			Text:    fmt.Sprintf("account %s ", b.Account) + fmt.Sprintf(format, args...),
			Account: b.Account, Lines: sorted([]int32{earlier, b.line}),
		})
	}
	money := func(minor int64) string { return harness.FormatMoney(minor, b.Currency) }
	var net int64
	for _, name := range b.names() {
		if m := j.moved[account{name, b.Currency}]; m != nil {
			net += m.net
		}
	}
	switch {
	case earlier != 0:
		note("has two balances in %s", b.Currency)
	case b.Closing != b.Opening+net:
		note("closes at %s, but %s and postings of %s make %s", money(b.Closing), money(b.Opening), money(net), money(b.Opening+net))
	case !b.NoFloor && b.Closing < min(b.Floor, b.Opening):
		note("closes at %s, below its floor of %s", money(b.Closing), money(b.Floor))
	}
}

func byLine(moved map[account]*moves) func(a, b account) int {
	return func(a, b account) int {
		return cmp.Or(cmp.Compare(moved[a].line, moved[b].line), cmp.Compare(a.name, b.name))
	}
}
