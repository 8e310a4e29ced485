package subject

import (
	"context"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// Whole is a Ledger that is read as a whole each time, and an Opener and a
// harness.Noter.
type Whole struct {
	All func(context.Context, *Env) (harness.Ledger, error) // what the server holds, in its words
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

// Reading makes of what a ledger holds, in the server's words, what a run has
// booked, in those of the scenario. The zero value is ready.
type Reading struct {
	before   map[string]bool // postings by their ids
	opening  map[account]int64
	byAmount bool // postings name neither payment nor order
}

type account struct{ name, currency string }

// Open takes note of what the ledger held before the run. Of the balances Closing
// counts.
func (r *Reading) Open(l harness.Ledger) {
	r.before, r.opening = map[string]bool{}, map[account]int64{}
	for _, p := range l.Postings {
		r.before[p.ID] = true
	}
	for _, b := range l.Balances {
		r.opening[account{b.Account, b.Currency}] = b.Closing
	}
}

// Of returns what the run has booked, of what the ledger holds after it. Postings
// that were there before are left out, and each account opened with what it held
// then. Accounts are named as the scenario has them, and payments are found by the
// keys that clients have used for them; if no posting names a payment or an order,
// by amounts, which must differ from order to order.
func (r *Reading) Of(l harness.Ledger, env *Env) (harness.Ledger, error) {
	var run harness.Ledger
	r.byAmount = true
	for _, p := range l.Postings {
		if r.before[p.ID] {
			continue
		}
		p.Payer, p.Payee = env.Accounts.Ours(p.Payer), env.Accounts.Ours(p.Payee)
		if id, ok := env.Asked.Payment(p.Payment); ok {
			p.Payment = id
		}
		r.byAmount = r.byAmount && p.Payment == "" && p.Order == ""
		run.Postings = append(run.Postings, p)
	}
	env.Tell(harness.Step{Part: "ledger", Title: "read", Means: r.counted(l, run)})
	for _, b := range l.Balances {
		b.Opening = r.opening[account{b.Account, b.Currency}]
		b.Account = env.Accounts.Ours(b.Account)
		run.Balances = append(run.Balances, b)
	}
	r.byAmount = r.byAmount && len(run.Postings) > 0
	if r.byAmount {
		return run, matchByAmount(run.Postings, env.Asked.All())
	}
	return run, nil
}

// counted says what a ledger holds, for people.
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

// Notes says how postings were matched, for people.
func (r *Reading) Notes() []string {
	if r.byAmount {
		return []string{"bookings were matched to payments by their amounts: the ledger names neither payment nor order"}
	}
	return nil
}
