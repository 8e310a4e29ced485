package httpapi

import (
	"context"
	"maps"
	"net/http"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
)

// Trial is a payment of wallet 0 whose requests the caller sends one by one, as the tests
// of package conform do. It is not safe for concurrent use.
type Trial struct{ t *payment }

// Trial returns a payment of which no request has been sent. The client must have been
// started.
func (c *Client) Trial(p harness.Payment) *Trial {
	t := c.newPayment(c.wallets[0], p)
	if c.calls != nil {
		c.calls.await(p.ID, t.called)
	}
	return &Trial{t}
}

// Twin returns the same payment as a second app would make it at the same time: with what
// is known so far. Callbacks reach both.
func (t *Trial) Twin() *Trial {
	twin := *t.t
	twin.vars = maps.Clone(twin.vars)
	return &Trial{&twin}
}

// Request returns the request of the next attempt, with its key.
func (t *Trial) Request(ctx context.Context) (*http.Request, error) {
	t.t.attempts++
	return t.t.request(ctx)
}

// Key returns the idempotency key of the latest request.
func (t *Trial) Key() string {
	key, _ := t.t.vars["key"].(string)
	return key
}

// Outcome returns what the answer to the latest request means, and keeps what the
// scenario captures from it.
func (t *Trial) Outcome(a exchange.Answer) exchange.Meaning {
	plan := t.t.client.plan
	t.t.captured = merge(t.t.captured, plan.Pay.Capture(a, t.t.vars))
	m, _ := plan.Outcomes.Judge(a, t.t.vars)
	return m
}

// Follow polls or waits for the callback, as the scenario says, until the outcome is
// known, or at most for GiveUp. It returns Unknown if it learns nothing.
func (t *Trial) Follow(ctx context.Context) exchange.Meaning {
	bounded, cancel := context.WithTimeout(ctx, t.t.client.plan.Config.GiveUp)
	defer cancel()
	return t.t.follow(bounded, word{}).meaning
}

// Follows reports whether the scenario has a poll or a callback.
func (c *Client) Follows() bool { return c.plan.Poll != nil || c.plan.Called != nil }
