package workload_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/workload"
)

// payerFunc is a harness.Payer.
type payerFunc func(p harness.Payment)

func (f payerFunc) Pay(_ context.Context, p harness.Payment) error {
	f(p)
	return nil
}

// Users wait as long as any press may get a final outcome: not once each app has given up,
// but as long as a user will press again, or another press is open.
func TestWaitEndsWhenEachAppHasGivenUp(t *testing.T) {
	const second = time.Second
	type say struct {
		after   time.Duration
		payment string
		outcome harness.Outcome
		givenUp bool
	}
	for name, tc := range map[string]struct {
		workload harness.Workload
		says     []say
		waits    time.Duration
		settled  bool
	}{
		"it gives up":                 {says: []say{{2 * second, "p1", harness.OutcomeUnknown, true}}, waits: 2 * second},
		"it knows nothing yet":        {says: []say{{2 * second, "p1", harness.OutcomeUnknown, false}}, waits: 60 * second},
		"a final outcome":             {says: []say{{2 * second, "p1", harness.Confirmed, true}}, waits: 2 * second, settled: true},
		"the user will press again":   {workload: harness.Workload{Impatient: 9 * second, Presses: 2}, says: []say{{2 * second, "p1", harness.OutcomeUnknown, true}, {12 * second, "p1.2", harness.OutcomeUnknown, true}}, waits: 12 * second},
		"another press is under way":  {workload: harness.Workload{Impatient: second, Presses: 2}, says: []say{{2 * second, "p1", harness.OutcomeUnknown, true}, {12 * second, "p1.2", harness.OutcomeUnknown, true}}, waits: 12 * second},
		"the other press is declined": {workload: harness.Workload{Impatient: second, Presses: 2}, says: []say{{2 * second, "p1", harness.OutcomeUnknown, true}, {12 * second, "p1.2", harness.Declined, false}}, waits: 12 * second},
		"a late word about the first": {workload: harness.Workload{Impatient: second, Presses: 2}, says: []say{{2 * second, "p1", harness.OutcomeUnknown, true}, {3 * second, "p1", harness.Declined, false}, {12 * second, "p1.2", harness.Confirmed, false}}, waits: 12 * second, settled: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := tc.workload
				w.Wallets, w.Merchants, w.Payments, w.AmountMin, w.AmountMax, w.Currency = 1, 1, 1, 5, 5, "KES"
				begin := time.Now()
				users := workload.NewUsers(w, history.New(io.Discard, begin), begin)
				ctx, cancel := context.WithTimeout(t.Context(), 60*second)
				defer cancel()
				users.Play(ctx, workload.Plan(w, harness.Rand(1, harness.StreamWorkload)), func(int) harness.Payer { return payerFunc(func(harness.Payment) {}) })
				for _, s := range tc.says {
					time.AfterFunc(s.after, func() {
						users.Told(harness.Told{Payment: s.payment, Outcome: s.outcome, GivenUp: s.givenUp})
					})
				}
				require.Equal(t, tc.settled, users.Wait(ctx))
				require.Equal(t, tc.waits, time.Since(begin))
				users.Stop()
			})
		})
	}
}
