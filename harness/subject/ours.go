package subject

import (
	"context"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// Whole is a Ledger that reads everything each time. It is also an Opener and a
// harness.Noter.
type Whole struct {
	All func(context.Context, *Env) (harness.Ledger, error) // what the server holds, with its own names
	Reading
}

// Open implements Opener.
func (w *Whole) Open(ctx context.Context, env *Env) error {
	before, err := w.All(ctx, env)
	w.Reading.Open(before)
	return err
}

// Read implements Ledger.
func (w *Whole) Read(ctx context.Context, env *Env) (harness.Ledger, error) {
	all, err := w.All(ctx, env)
	if err != nil {
		return harness.Ledger{}, err
	}
	return w.Of(all, env)
}

// Close implements Ledger.
func (*Whole) Close() error { return nil }

// Reading finds in what a ledger holds what a run has booked, and translates the
// server's names into those of the scenario. The zero value is ready.
type Reading struct {
	before   map[string]bool // postings by their ids
	paid     map[string]bool // what they were for, by the ledger's own names
	opening  map[account]int64
	byAmount bool     // postings name neither payment nor order
	shared   []string // which accounts are one account of the server, in words
}

type account struct{ name, currency string }

// Open records what the ledger held before the run. The Closing of each balance is the
// opening balance of the run.
func (r *Reading) Open(l harness.Ledger) {
	r.before, r.paid, r.opening = map[string]bool{}, map[string]bool{}, map[account]int64{}
	for _, p := range l.Postings {
		r.before[p.ID], r.paid[p.Payment] = true, p.Payment != ""
	}
	for _, b := range l.Balances {
		r.opening[account{b.Account, b.Currency}] = b.Closing
	}
}

// Of returns what the run has booked; l is what the ledger holds after it. Postings
// from before the run are left out, and each account has its balance from then as its
// Opening. Accounts have the scenario's names. Payments are found by the keys that
// clients have used for them. If no posting names a payment or an order, they are found
// by their amounts; then no two orders may have the same amount.
func (r *Reading) Of(l harness.Ledger, env *Env) (harness.Ledger, error) {
	var run harness.Ledger
	r.byAmount = true
	for _, p := range l.Postings {
		if r.before[p.ID] {
			continue
		}
		id, ok := env.Asked.Payment(p.Payment)
		if p.Again = !ok && r.paid[p.Payment]; ok {
			p.Payment = id
		}
		r.byAmount = r.byAmount && p.Payment == "" && p.Order == ""
		run.Postings = append(run.Postings, p)
	}
	env.Tell(harness.Step{Part: "ledger", Title: harness.LedgerRead, Means: r.counted(l, run)})
	for _, b := range l.Balances {
		b.Opening = r.opening[account{b.Account, b.Currency}]
		run.Balances = append(run.Balances, ours(b, env))
	}
	r.byAmount = r.byAmount && len(run.Postings) > 0
	var err error
	if r.byAmount {
		err = matchByAmount(run.Postings, env.Asked.All())
	}
	for i := range run.Postings {
		p := &run.Postings[i]
		asked, _ := env.Asked.For(*p)
		p.Payer, p.Payee = env.Accounts.name(p.Payer, asked.Payer), env.Accounts.name(p.Payee, asked.Payee)
	}
	r.shared = env.Accounts.Shared()
	return run, err
}

// ours returns a balance with the scenario's names. If the ledger states no floor, an
// account of the scenario that was not below zero before the run may not sink below it;
// any other account has no floor.
func ours(b harness.Balance, env *Env) harness.Balance {
	names := env.Accounts.Ours(b.Account)
	b.Account = names[0]
	if len(names) > 1 {
		b.Shared = names[1:]
	}
	if _, ours := CurrencyOf(env.Workload, b.Account); ours && b.NoFloor && b.Opening >= 0 {
		b.NoFloor = false
	}
	return b
}

// counted says in words what a ledger holds.
func (r *Reading) counted(l, run harness.Ledger) []string {
	return []string{
		fmt.Sprintf("bookings: %d, and %d from before the payment", len(run.Postings), len(l.Postings)-len(run.Postings)),
		fmt.Sprintf("balances: %d", len(l.Balances)),
	}
}

// matchByAmount finds the order of each posting by its amount.
func matchByAmount(postings []harness.Posting, asked []harness.Payment) error {
	orders := map[string][]harness.Payment{} // presses by amount
	for _, p := range asked {
		key := harness.FormatMoney(p.Amount, p.Currency)
		orders[key] = append(orders[key], p)
	}
	for i := range postings {
		p := &postings[i]
		key := harness.FormatMoney(p.Amount, p.Currency)
		for _, press := range orders[key] {
			if p.Order != "" && p.Order != press.Order {
				return fmt.Errorf("posting %s names no payment and no order, and several orders are of %s: have the ledger give the key of the payment, or let amounts differ", p.ID, key)
			}
			p.Order = press.Order
		}
	}
	return nil
}

// ByAmount reports whether postings were matched by their amounts.
func (r *Reading) ByAmount() bool { return r.byAmount }

// Notes says in words how postings were matched, and which accounts are one account.
func (r *Reading) Notes() []string {
	if r.byAmount {
		return append([]string{"bookings were matched to payments by their amounts: the ledger names neither payment nor order"}, r.shared...)
	}
	return r.shared
}
