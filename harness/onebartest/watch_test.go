package onebartest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// patient is the wallet service with an app that waits 5 minutes after a try, unless it
// watches its link and is told that it is up again.
func patient(watch bool) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		cert, roots, err := onebartest.Certificate("pay.example.com")
		if err != nil {
			return onebartest.System{}, err
		}
		s := wiring{}.serving(b, cert)
		s.Client = func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
			return (&app{phone: p, http: wiring{}.client(p, roots), pause: 5 * time.Minute, watch: watch}).pay
		}
		return s, nil
	}
}

// wakes returns a channel that is ready each time the link of a phone is up again.
func wakes(p *onebartest.Phone) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	return c, p.WatchLink(func() {
		select {
		case c <- struct{}{}:
		default: // nobody has looked since the last time
		}
	})
}

// An app that watches its link pays within seconds of the end of an outage.
func TestWatchLink(t *testing.T) {
	onebartest.Trial{Scenario: "testdata/outage.yaml", System: patient(true)}.Run(t)
}

func TestWithoutWatchLink(t *testing.T) {
	message := failure(t, onebartest.Trial{Scenario: "testdata/outage.yaml", System: patient(false)}.Run)
	require.Contains(t, message, "expected max(confirm) < 1205s: got ")
}

// Dials that found no server are told from tries that a server could see.
func TestDialsAreNoStorm(t *testing.T) {
	onebartest.Trial{Scenario: "testdata/refused.yaml", System: wiring{}.system}.Run(t)
}

// An app tries until it has an answer, every five minutes and at once when its phone's
// link is up again.
func ExamplePhone_WatchLink() {
	var pay func(context.Context, harness.Payment) (harness.Outcome, error) // one try
	client := func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
		return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
			up := make(chan struct{}, 1)
			stop := p.WatchLink(func() {
				select {
				case up <- struct{}{}:
				default: // nobody has looked since the last time
				}
			})
			defer stop()
			for {
				if outcome, err := pay(ctx, hp); outcome.Final() {
					return outcome, err
				}
				select {
				case <-up:
				case <-time.After(5 * time.Minute):
				case <-ctx.Done():
					return harness.OutcomeUnknown, ctx.Err()
				}
			}
		}
	}
	_ = onebartest.System{Client: client}
}
