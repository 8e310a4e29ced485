package run_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// The ledger of a user's own system is judged when it no longer changes. A queue books
// late, and one that delivers at least once books again; the case "late ledger" of a
// queued ledger gave ten false alarms, and a pass to one that booked everything twice.
func TestTheLedgerIsJudgedAtRest(t *testing.T) {
	for name, tc := range map[string]struct {
		quiet        time.Duration
		first, again time.Duration
		settle       time.Duration
		fails        string // the check that fails; empty is none
		unknown      string // the reason why lost is unknown; empty is not unknown
		read         time.Duration
		note         string
	}{
		"books at once":           {quiet: 5 * second, read: 15*second + linger, note: "the ledger was at rest at 15.5s: unchanged since 10.5s, with 20 bookings"},
		"books 4 s later":         {quiet: 5 * second, first: 4 * second, read: 20*second + linger, note: "the ledger was at rest at 20.5s: unchanged since 15.5s, with 20 bookings; it changed after 10.5s, when it had 13"},
		"books again 4 s later":   {quiet: 5 * second, again: 4 * second, fails: "duplicated", read: 20*second + linger, note: "the ledger was at rest at 20.5s: unchanged since 15.5s, with 40 bookings; it changed after 10.5s, when it had 33"},
		"is read once":            {first: 4 * second, fails: "lost", read: 10*second + linger},
		"books after more quiet":  {quiet: second, first: 4 * second, fails: "", read: 15*second + linger, note: "the ledger was at rest at 15.5s: unchanged since 14.5s, with 20 bookings; it changed after 10.5s, when it had 13"},
		"settle is short":         {quiet: 5 * second, first: 2 * second, settle: 3 * second, unknown: "the ledger still changed when settle was over: make settle longer", read: 13*second + linger, note: "the ledger was not at rest when settle was over: it had 20 bookings at 13.5s; it changed after 10.5s, when it had 16"},
		"settle is short, no end": {quiet: 5 * second, settle: 3 * second, read: 13*second + linger, note: "the ledger was at rest at 13.5s: unchanged since 10.5s, with 20 bookings"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tr.book = func(b *bench, p harness.Payment) {
					b.observer.Committed(p.ID)
					b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
					time.Sleep(tc.first)
					b.post(p)
					if tc.again > 0 {
						time.Sleep(tc.again)
						b.post(p)
					}
				}
				var read time.Duration
				tr.reading = func(*bench) { read = tr.since() }
				sc := scenario()
				tr.quiet, sc.Settle = tc.quiet, 30*second
				if tc.settle > 0 {
					sc.Settle = tc.settle
				}
				res := tr.must(t, sc)
				require.Equal(t, tc.read, read, "the reading that is judged")
				for _, check := range []string{"lost", "duplicated", "phantom", "unbalanced"} {
					v := res.Verdict(check)
					switch {
					case tc.unknown != "":
						require.Equal(t, result.StatusUnknown, v.Status, check)
						require.Equal(t, tc.unknown, v.Summary)
					case check == tc.fails:
						require.Equal(t, result.Fail, v.Status, check)
					default:
						require.Equal(t, result.Pass, v.Status, "%s: %s", check, v.Summary)
					}
				}
				require.Equal(t, tc.unknown != "", tr.end().LedgerMoving)
				if tc.note == "" {
					require.Empty(t, res.Notes)
					return
				}
				require.Equal(t, []string{tc.note}, res.Notes)
			})
		})
	}
}

// What a payer is told while the ledger comes to rest counts: a payment that expires then
// is not lost.
func TestWhatIsToldBeforeTheLedgerIsAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.holds = true
		tr.book = func(b *bench, p harness.Payment) {
			b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Queued})
			if p.ID != "p3" {
				b.post(p)
				b.observer.Committed(p.ID)
				b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
				return
			}
			time.Sleep(22*second - time.Since(b.begin))
			b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Expired})
		}
		sc := scenario()
		tr.quiet = 5 * second
		res := tr.must(t, sc)
		require.False(t, tr.end().Settled)
		require.Equal(t, result.Pass, res.Verdict("lost").Status, res.Verdict("lost").Summary)
	})
}

// A user who has no outcome when the settle is over does not press pay again while the
// ledger comes to rest.
func TestNobodyPressesWhileTheLedgerComesToRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.quiet, tr.hangs = 5*second, "p20"
		sc := scenario()
		sc.Workload.Impatient, sc.Workload.Presses, sc.Settle = 2*second, 100, 10*second
		tr.book = func(b *bench, p harness.Payment) {
			if p.Order == "o20" {
				return // no press is answered
			}
			b.post(p)
			b.observer.Committed(p.ID)
			b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
		}
		tr.must(t, sc)
		presses := 0
		for _, r := range tr.records {
			if r.Pay != nil {
				presses++
				require.LessOrEqual(t, r.At, 20*second, "settle is over")
			}
		}
		require.Greater(t, presses, 22)
	})
}
