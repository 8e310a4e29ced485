package onebartest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// storming is the wallet service whose app tries again at once, without a pause.
func storming(b *onebartest.Bench) (onebartest.System, error) {
	cert, roots, err := onebartest.Certificate("pay.example.com")
	if err != nil {
		return onebartest.System{}, err
	}
	s := wiring{}.serving(b, cert)
	s.Client = func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
		a := &app{phone: p, http: wiring{}.client(p, roots)}
		return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
			for n := 1; ; n++ {
				began := time.Now()
				outcome, err := a.try(ctx, hp.Order, hp)
				p.Attempt(hp.ID, n, began, err)
				if outcome.Final() || ctx.Err() != nil {
					return outcome, err
				}
			}
		}
	}
	return s, nil
}

// Over a perfect link a refused connection takes no time, and an app without a pause makes
// attempts for ever at one instant. The sweep of it ends, and names the payment. Before
// there was a limit, each such run stood still for 20 s, and the sweep took 3 minutes.
func TestSweepOfAStormEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand attempts in each of 18 runs")
	}
	began := time.Now()
	message := failure(t, onebartest.Trial{Scenario: "testdata/perfect.yaml", System: storming}.Sweep)
	require.Regexp(t, `BROKEN  broken       refuse 5s, packet 1 up .*: p1 was attempted 10000 times within a second, without a pause: the run was broken off; have the client wait after a failed attempt`, message)
	require.NotContains(t, message, "virtual time has stood still")
	require.Less(t, time.Since(began), 2*time.Minute)
}
