package subject

import "github.com/onebar/onebar/harness"

// Ours returns a ledger as the server has it in the words of the scenario: accounts
// by Accounts, and Posting.Payment by Asked, or as it is if it is known to neither.
func (e *Env) Ours(l harness.Ledger) harness.Ledger {
	for i := range l.Postings {
		p := &l.Postings[i]
		p.Payer, p.Payee = e.Accounts.Ours(p.Payer), e.Accounts.Ours(p.Payee)
		if id, ok := e.Asked.Payment(p.Payment); ok {
			p.Payment = id
		}
	}
	for i := range l.Balances {
		l.Balances[i].Account = e.Accounts.Ours(l.Balances[i].Account)
	}
	return l
}
