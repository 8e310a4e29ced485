// Package workload decides the payer, payee, amount and time of each payment, and plays
// the users: they press pay, and impatient users press again.
//
// [Plan] computes the orders from a seed. [Users.Play] presses pay at the planned times, in
// real or virtual time.
package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

// Order is one purchase: the payment that pays for it, and when the user first
// presses the button, as an offset from the start of the script.
type Order struct {
	At      time.Duration
	Payment harness.Payment // its Deadline is still zero
}

// Plan draws the orders of a workload, in the order of their time. A payer pays merchants of
// its own currency. With a rate
// they are a Poisson process of w.Payments arrivals over w.Span(): given their
// number, the arrivals of such a process are independent and uniform over the
// span. Without one they come a microsecond apart: if two users pressed
// at the same instant, their order would differ between runs. r must be
// the run's StreamWorkload.
func Plan(w harness.Workload, r *rand.Rand) []Order {
	orders := make([]Order, w.Payments)
	times := make([]time.Duration, w.Payments)
	for i := range times {
		times[i] = time.Duration(r.Float64() * float64(w.Span()))
	}
	slices.Sort(times)
	currencies := len(w.Currencies())
	for i := range orders {
		if i > 0 {
			times[i] = max(times[i], times[i-1]+time.Microsecond)
		}
		wallet := r.IntN(w.Wallets)
		currency := w.CurrencyOf(wallet)
		first := wallet % currencies // merchant of this currency
		merchant := first + currencies*r.IntN((w.Merchants-first+currencies-1)/currencies)
		orders[i] = Order{At: times[i], Payment: harness.Payment{
			ID:       fmt.Sprintf("p%d", i+1),
			Order:    fmt.Sprintf("o%d", i+1),
			Wallet:   wallet,
			Payer:    fmt.Sprintf("w%d", wallet),
			Payee:    fmt.Sprintf("m%d", merchant),
			Amount:   amount(w.Prices(currency), r),
			Currency: currency,
		}}
		if w.Refusals > 0 && r.Float64() < w.Refusals {
			spoil(&orders[i].Payment, r)
		}
	}
	return orders
}

// amount draws a price, and an amount of it.
func amount(prices []harness.Price, r *rand.Rand) int64 {
	p := prices[0]
	if n := len(prices); n > 1 {
		p = prices[r.IntN(n)]
	}
	return p.Min + r.Int64N(p.Max-p.Min+1)
}

// spoil turns a payment into one that the server must refuse.
func spoil(p *harness.Payment, r *rand.Rand) {
	reasons := []string{harness.WrongCurrency, harness.UnknownPayee, harness.SameAccount}
	switch p.Refuse = reasons[r.IntN(len(reasons))]; p.Refuse {
	case harness.WrongCurrency:
		if p.Currency == "USD" {
			p.Currency = "EUR"
		} else {
			p.Currency = "USD"
		}
	case harness.UnknownPayee:
		p.Payee = "nobody"
	case harness.SameAccount:
		p.Payee = p.Payer
	}
}
