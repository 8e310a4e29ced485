package cases_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/history"
)

// A payment is accepted once it is durable on the phone, which takes as long as the
// scenario says that a commit takes.
func TestACommitTakesTime(t *testing.T) {
	for _, takes := range []time.Duration{0, 10 * time.Millisecond} {
		c := casestest.OnePayment()
		c.Scenario.Commit = harness.Durations{Min: takes, Max: takes}
		c.Dir = t.TempDir()
		report, err := casestest.Pair().Run(t.Context(), c)
		require.NoError(t, err)
		f, err := os.Open(report.Result.HistoryFile)
		require.NoError(t, err)
		var pressed, queued time.Duration
		for r, err := range history.Read(f) {
			require.NoError(t, err)
			switch {
			case r.Pay != nil:
				pressed = r.At
			case r.Told != nil && r.Told.Outcome == harness.Queued:
				queued = r.At
			}
		}
		require.NoError(t, f.Close())
		require.Equal(t, takes, queued-pressed)
	}
}
