package cases_test

import (
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
		var pressed, queued time.Duration
		s := casestest.Pair()
		s.Each = func(r history.Record) {
			switch {
			case r.Pay != nil:
				pressed = r.At
			case r.Told != nil && r.Told.Outcome == harness.Queued:
				queued = r.At
			}
		}
		_, err := s.Run(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, takes, queued-pressed)
	}
}
