package sweep_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/sweep"
	"github.com/onebar/onebar/harness/toxi"
)

// live runs the reference pair behind toxiproxy.
func live() cases.Live { return cases.Live{Engine: toxi.Engine{}, New: casestest.NewPair} }

// The connection of a payment is cut at every byte, and the correct pair is none
// the worse for it where it really is.
func TestSweepBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	some := &partly{Runner: live(), makes: func(n int, _ cases.Case) bool { return n%91 == 1 }}
	r, err := sweep.Bytes(t.Context(), some, casestest.OnePayment(), sweep.Options{})
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	n := points(r)
	require.Greater(t, n["bytes up"], 100)
	require.Greater(t, n["bytes down"], 100)
	require.Len(t, r.Rows, 2)
	require.Equal(t, n["bytes up"]+1, r.Rows[0].Runs)
	require.Equal(t, n["bytes down"]+1, r.Rows[1].Runs)
}

func TestSweepBytesRefuses(t *testing.T) {
	_, err := sweep.Bytes(t.Context(), live(), casestest.OnePayment(), sweep.Options{Limit: 10})
	require.ErrorContains(t, err, "the limit is 10")

	none := live()
	none.New = func(harness.Scenario) (harness.Subject, func() error, error) {
		return nil, nil, errors.New("no endpoint")
	}
	_, err = sweep.Bytes(t.Context(), none, casestest.OnePayment(), sweep.Options{})
	require.ErrorContains(t, err, "no endpoint")
}
