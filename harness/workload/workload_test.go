package workload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/workload"
)

func TestPropertyPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := harness.Workload{
			Wallets: rapid.IntRange(1, 50).Draw(t, "wallets"), Merchants: rapid.IntRange(1, 5).Draw(t, "merchants"),
			Payments: rapid.IntRange(0, 300).Draw(t, "payments"), Rate: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.001, 50)).Draw(t, "rate"),
			AmountMin: 100, AmountMax: rapid.Int64Range(100, 90_000).Draw(t, "max"), Currency: "KES",
		}
		seed := rapid.Uint64().Draw(t, "seed")
		plan := workload.Plan(w, harness.Rand(seed, harness.StreamWorkload))
		require.Len(t, plan, w.Payments)
		require.Equal(t, plan, workload.Plan(w, harness.Rand(seed, harness.StreamWorkload)), "same seed, same plan")
		ids := map[string]bool{}
		last := time.Duration(-1)
		for i, o := range plan {
			require.Greater(t, o.At, last, "no two at one instant")
			require.LessOrEqual(t, o.At, w.Span()+time.Duration(i)*time.Microsecond)
			require.GreaterOrEqual(t, o.Payment.Amount, w.AmountMin)
			require.LessOrEqual(t, o.Payment.Amount, w.AmountMax)
			require.Less(t, o.Payment.Wallet, w.Wallets)
			require.False(t, ids[o.Payment.ID])
			ids[o.Payment.ID] = true
			last = o.At
		}
	})
}

// With several currencies the wallets take turns, each pays merchants of its currency, and
// every price is drawn. The payments to be refused name their reason, and no other differs.
func TestPropertyPlanOfCurrencies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := harness.Workload{
			Wallets: rapid.IntRange(3, 20).Draw(t, "wallets"), Merchants: rapid.IntRange(3, 8).Draw(t, "merchants"),
			Payments: 600, AmountMin: 1, AmountMax: 1, Currency: "KES", Refusals: 0.2,
			Others: []harness.Price{{Min: 1_000_000_000_000, Max: 1_000_000_000_000, Currency: "KES"}, {Min: 5, Max: 9, Currency: "UGX"}, {Min: 7, Max: 7, Currency: "KWD"}},
		}
		require.Equal(t, []string{"KES", "UGX", "KWD"}, w.Currencies())
		amounts, reasons := map[int64]bool{}, map[string]int{}
		for _, o := range workload.Plan(w, harness.Rand(rapid.Uint64().Draw(t, "seed"), harness.StreamWorkload)) {
			p, own := o.Payment, w.CurrencyOf(o.Payment.Wallet)
			reasons[p.Refuse]++
			var merchant int
			_, err := fmt.Sscanf(p.Payee, "m%d", &merchant)
			require.Equal(t, p.Refuse == harness.WrongCurrency, p.Currency != own)
			require.Equal(t, p.Refuse == harness.SameAccount, p.Payee == p.Payer)
			require.Equal(t, p.Refuse == harness.UnknownPayee || p.Refuse == harness.SameAccount, err != nil)
			if err == nil {
				require.Less(t, merchant, w.Merchants)
				require.Equal(t, own, w.CurrencyOf(merchant))
			}
			require.LessOrEqual(t, p.Amount, w.Most(own))
			amounts[p.Amount] = true
		}
		require.Subset(t, slices.Collect(maps.Keys(amounts)), []int64{1, 1_000_000_000_000, 5, 9, 7})
		require.Len(t, reasons, 4)
		require.InDelta(t, 120, w.Payments-reasons[""], 60)
	})
}

// app is a payer that tells what its script says, each after a second.
type app struct {
	mu     sync.Mutex
	users  *workload.Users
	tells  []harness.Outcome
	refuse error
	took   []harness.Payment
}

func (a *app) Pay(_ context.Context, p harness.Payment) error {
	a.mu.Lock()
	a.took = append(a.took, p)
	a.mu.Unlock()
	if a.refuse != nil {
		return a.refuse
	}
	go func() {
		for _, o := range a.tells {
			time.Sleep(time.Second)
			a.users.Told(harness.Told{Payment: p.ID, Outcome: o})
		}
	}()
	return nil
}

func TestPlay(t *testing.T) {
	for name, tc := range map[string]struct {
		workload harness.Workload
		app      *app
		presses  []string // payment ids, in order
		final    bool     // within ten seconds
		lastTold harness.Outcome
	}{
		"a patient user presses once": {
			app:     &app{tells: []harness.Outcome{harness.Queued, harness.Confirmed}},
			presses: []string{"p1"}, final: true, lastTold: harness.Confirmed,
		},
		"an impatient user presses again, up to the limit": {
			workload: harness.Workload{Impatient: 500 * time.Millisecond, Presses: 3},
			app:      &app{tells: []harness.Outcome{harness.Queued, harness.Confirmed}},
			presses:  []string{"p1", "p1.2", "p1.3"}, final: true, lastTold: harness.Confirmed,
		},
		"an impatient user who was told in time is content": {
			workload: harness.Workload{Impatient: 3 * time.Second, Presses: 3},
			app:      &app{tells: []harness.Outcome{harness.Confirmed}},
			presses:  []string{"p1"}, final: true, lastTold: harness.Confirmed,
		},
		"an app that refuses is a failed payment": {
			app:     &app{refuse: errors.New("disk full")},
			presses: []string{"p1"}, final: true, lastTold: harness.Failed,
		},
		"an app that never says more is open for ever": {
			app:     &app{tells: []harness.Outcome{harness.Queued, harness.OutcomeUnknown}},
			presses: []string{"p1"}, final: false, lastTold: harness.OutcomeUnknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := tc.workload
				w.Wallets, w.Merchants, w.Payments, w.AmountMin, w.AmountMax, w.Currency = 1, 1, 1, 5, 5, "KES"
				w.Deadline = time.Minute
				var file bytes.Buffer
				hist := history.New(&file, time.Now())
				users := workload.NewUsers(w, hist, time.Now())
				tc.app.users = users
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				users.Play(ctx, workload.Plan(w, harness.Rand(1, harness.StreamWorkload)), func(int) harness.Payer { return tc.app })
				require.Equal(t, tc.final, users.Wait(ctx))
				users.Stop()
				require.NoError(t, hist.Close())

				var presses []string
				var last harness.Outcome
				for rec, err := range history.Read(&file) {
					require.NoError(t, err)
					if rec.Pay != nil {
						presses = append(presses, rec.Pay.ID)
						require.Equal(t, rec.At+time.Minute, rec.Pay.Deadline)
						require.Equal(t, "o1", rec.Pay.Order)
					}
					if rec.Told != nil {
						last = rec.Told.Outcome
					}
				}
				require.Equal(t, tc.presses, presses)
				require.Equal(t, tc.lastTold, last)
				require.Equal(t, len(tc.presses), len(tc.app.took))
				if tc.final {
					require.Equal(t, 1, users.Final())
					require.Zero(t, users.Open())
				}
			})
		})
	}
}

// With InTurn an order is pressed when the payer of the one before was told an outcome,
// and never before its time. What is not pressed by the end of the script is left out.
func TestInTurn(t *testing.T) {
	at := func(s ...int) (list []time.Duration) {
		for _, s := range s {
			list = append(list, time.Duration(s)*time.Second)
		}
		return list
	}
	for name, tc := range map[string]struct {
		tells []harness.Outcome // each after a second
		want  []time.Duration   // when pay is pressed
	}{
		"confirmed":  {[]harness.Outcome{harness.Queued, harness.Confirmed}, at(0, 2, 4, 7)},
		"unknown":    {[]harness.Outcome{harness.OutcomeUnknown, harness.Confirmed}, at(0, 1, 2, 7)},
		"told queue": {[]harness.Outcome{harness.Queued}, at(0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var file bytes.Buffer
				hist := history.New(&file, time.Now())
				users := workload.NewUsers(harness.Workload{InTurn: true}, hist, time.Now())
				a := &app{tells: tc.tells, users: users}
				time.AfterFunc(10*time.Second, users.End)
				var orders []workload.Order
				for i, s := range at(0, 0, 0, 7) {
					orders = append(orders, workload.Order{At: s, Payment: harness.Payment{ID: "p" + string(rune('1'+i))}})
				}
				users.Play(t.Context(), orders, func(int) harness.Payer { return a })
				time.Sleep(10 * time.Second)
				users.Stop()
				require.NoError(t, hist.Close())
				var got []time.Duration
				for rec, err := range history.Read(&file) {
					require.NoError(t, err)
					if rec.Pay != nil {
						got = append(got, rec.At)
					}
				}
				require.Equal(t, tc.want, got)
			})
		})
	}
}
