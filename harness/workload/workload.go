// Package workload decides who pays whom, how much and when, and plays the
// users: they press pay, and the impatient among them press again.
//
// [Plan] is arithmetic on a seed. [Play] walks the plan on real (or virtual)
// time and hands the presses to the payers.
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

// Plan draws the orders of a workload, in the order of their time. With a rate
// they are a Poisson process of w.Payments arrivals over w.Span(): given their
// number, the arrivals of such a process are independent and uniform over the
// span. Without one they all come at once, which is a microsecond apart: no two
// users press at one instant, or else who is first would not repeat. r must be
// the run's StreamWorkload.
func Plan(w harness.Workload, r *rand.Rand) []Order {
	orders := make([]Order, w.Payments)
	times := make([]time.Duration, w.Payments)
	for i := range times {
		times[i] = time.Duration(r.Float64() * float64(w.Span()))
	}
	slices.Sort(times)
	for i := range orders {
		if i > 0 {
			times[i] = max(times[i], times[i-1]+time.Microsecond)
		}
		wallet := r.IntN(w.Wallets)
		orders[i] = Order{At: times[i], Payment: harness.Payment{
			ID:       fmt.Sprintf("p%d", i+1),
			Order:    fmt.Sprintf("o%d", i+1),
			Wallet:   wallet,
			Payer:    fmt.Sprintf("w%d", wallet),
			Payee:    fmt.Sprintf("m%d", r.IntN(w.Merchants)),
			Amount:   w.AmountMin + r.Int64N(w.AmountMax-w.AmountMin+1),
			Currency: w.Currency,
		}}
	}
	return orders
}
