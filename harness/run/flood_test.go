package run_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// A run ends when a payment is attempted again and again without a pause, and says so. As
// many attempts with a pause are a storm, which the check of that name judges.
func TestAFloodOfAttemptsEndsTheRun(t *testing.T) {
	for name, tc := range map[string]struct {
		pause time.Duration
		err   string
	}{
		"without a pause": {err: "p1 was attempted 10000 times within a second, without a pause: the run was broken off; have the client wait after a failed attempt"},
		"with a pause":    {pause: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tr.book = func(b *bench, p harness.Payment) {
					for n := range 12_000 {
						if p.ID != "p1" {
							break
						}
						time.Sleep(tc.pause)
						b.observer.Attempt(harness.Attempt{Payment: p.ID, N: n + 2, Error: "refused"})
					}
					b.post(p)
					b.observer.Committed(p.ID)
					b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
				}
				res, err := tr.run(t.Context(), scenario())
				require.NoError(t, err)
				require.Equal(t, tc.err, res.Error)
				require.Equal(t, tc.err == "", tr.end().LedgerRead)
				require.False(t, tr.end().Interrupted)
				attempts := 0
				for _, r := range tr.records {
					if r.Attempt != nil && r.Attempt.Payment == "p1" {
						attempts++
					}
				}
				if tc.err != "" {
					require.LessOrEqual(t, attempts, 10_000, "the rest is not recorded")
				}
			})
		})
	}
}
