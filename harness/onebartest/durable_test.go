package onebartest_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// outbox is what the apps keep on the flash of their phones: payments on their way.
type outbox struct {
	mu   sync.Mutex
	held map[string]harness.Payment
}

func (o *outbox) put(p harness.Payment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held[p.ID] = p
}

func (o *outbox) remove(payment string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.held, payment)
}

// of returns what one phone has, in order.
func (o *outbox) of(wallet int) []harness.Payment {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []harness.Payment
	for _, id := range slices.Sorted(maps.Keys(o.held)) {
		if p := o.held[id]; p.Wallet == wallet {
			list = append(list, p)
		}
	}
	return list
}

func (o *outbox) all(context.Context) ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.held)), nil
}

// durable is the wallet service with an app that keeps its payments, unless it is
// forgetful.
func durable(forgetful bool) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		s, err := wiring{}.system(b)
		phones := &outbox{held: map[string]harness.Payment{}}
		inner := s.Client
		s.Restarts, s.Held = true, phones.all
		s.Client = func(ctx context.Context, p *onebartest.Phone) onebartest.Pay {
			send := inner(ctx, p)
			pay := func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
				o, err := send(ctx, hp)
				if ctx.Err() == nil {
					phones.remove(hp.ID)
				}
				return o, err
			}
			for _, hp := range phones.of(p.Wallet) { // from the life before
				if forgetful {
					phones.remove(hp.ID)
					continue
				}
				go func() {
					o, err := pay(ctx, hp)
					if err != nil {
						p.Log.Info("taken up again", "payment", hp.ID, "err", err)
					}
					p.Told(hp.ID, o, "after a restart")
				}()
			}
			return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
				phones.put(hp)
				p.Told(hp.ID, harness.Queued, "")
				return pay(ctx, hp)
			}
		}
		return s, err
	}
}

const phonesDie = "testdata/phones-die.yaml"

func TestClientCrashes(t *testing.T) {
	x := onebartest.Trial{Scenario: phonesDie, System: durable(false), Seeds: many(100)}
	t.Run("run", func(t *testing.T) { x.Run(t) })
	t.Run("run power-cut", func(t *testing.T) {
		onebartest.Trial{Scenario: "power-cut", System: durable(false)}.Run(t)
	})
	t.Run("sweep", func(t *testing.T) { x.Sweep(t) })
	t.Run("explore", func(t *testing.T) { x.Explore(t) })
}

func TestAppThatForgets(t *testing.T) {
	message := failure(t, onebartest.Trial{Scenario: phonesDie, System: durable(true)}.Run)
	require.Contains(t, message, "FAIL    lost ")
	require.Contains(t, message, "was accepted, then neither posted nor refused, and its payer no longer holds it")
	require.Contains(t, message, "FAIL    unresolved ")
	require.Contains(t, message, "-- crash of the client")
}
