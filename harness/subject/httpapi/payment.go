package httpapi

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/runid"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
	"github.com/onebar/onebar/harness/sut"
)

// wallet is the app of one user.
type wallet struct {
	client   *Client
	http     *http.Client
	captured map[string]any // by the set-up requests for all, or for this wallet
}

// Pay implements harness.Payer. It returns when the payer was told the last word, or when
// ctx ends.
func (w *wallet) Pay(ctx context.Context, p harness.Payment) error {
	c := w.client
	t := c.newPayment(w, p)
	t.vars = t.vars.With(language.Until(ctx))
	if c.calls != nil {
		c.calls.await(p.ID, t.called)
	}
	bounded, cancel := context.WithTimeout(ctx, c.plan.Config.GiveUp)
	defer cancel()
	last := t.resolve(bounded)
	if ctx.Err() != nil {
		return nil // the run is over: the payer is told nothing more
	}
	if bounded.Err() != nil && !last.final() {
		last.why = "given up; " + last.why
	}
	if c.calls != nil {
		if said, ok := c.calls.finish(p.ID, last, t.called); ok {
			last = said
		}
	}
	said := told(p.ID, last)
	said.GivenUp = !last.final() && c.calls == nil
	c.env.Observer.Told(said)
	if said.GivenUp {
		c.env.Tell(harness.Step{Part: harness.GivenUp, Title: p.ID + " stays unknown: the client sends no more requests"})
	}
	return nil
}

// newPayment returns a payment of which no request has been sent.
func (c *Client) newPayment(w *wallet, p harness.Payment) *payment {
	t := &payment{wallet: w, asked: p, called: make(chan word, 1), captured: w.captured}
	if more := c.payee(p); len(more) > 0 {
		t.captured = merge(w.captured, more)
	}
	name := runid.Reference(runID(c.env), p.ID)
	c.env.Asked.Called(p.ID, name)
	t.vars = exchange.PaymentVars(p, c.env.Accounts.Remote(p.Payer), c.env.Accounts.Remote(p.Payee), name)
	maps.Copy(t.vars, c.run)
	return t
}

// told returns what the payer is told for a word.
func told(payment string, last word) harness.Told {
	outcome := harness.OutcomeUnknown
	switch last.meaning {
	case exchange.Confirmed:
		outcome = harness.Confirmed
	case exchange.Declined:
		outcome = harness.Declined
	case exchange.Unknown, exchange.Retry, exchange.Pending:
	}
	return harness.Told{Payment: payment, Outcome: outcome, Reason: last.why}
}

type payment struct {
	*wallet
	asked    harness.Payment
	vars     exchange.Vars
	captured map[string]any
	called   chan word // what callbacks say
	attempts int       // requests to pay
	asks     int       // requests for the status
}

// word is the last known state of a payment, and why it is known.
type word struct {
	meaning exchange.Meaning
	why     string
	cause   string        // one of HTTPRetry.On, if the meaning is not final
	after   time.Duration // the Retry-After of the server
}

func (w word) final() bool { return w.meaning == exchange.Confirmed || w.meaning == exchange.Declined }

// resolve attempts the payment until its outcome is known, no attempt is left, or ctx
// ends.
func (t *payment) resolve(ctx context.Context) word {
	policy := t.client.plan.Config.Retry
	for {
		last := t.pay(ctx)
		if !last.final() && !t.again(last) {
			last = t.follow(ctx, last)
		}
		if ctx.Err() != nil || !t.again(last) {
			return last
		}
		wait := t.pause(backoff(policy, t.attempts, t.draw()), last)
		if said, ok := t.listen(ctx, wait); ok {
			return said
		}
		if ctx.Err() != nil {
			return last
		}
	}
}

// again reports whether there may be another attempt after a word.
func (t *payment) again(last word) bool {
	plan := t.client.plan
	return !last.final() && last.meaning != exchange.Pending && t.attempts < plan.Config.Retry.Attempts && plan.Retries(last.cause)
}

func (t *payment) pay(ctx context.Context) word {
	t.attempts++
	plan := t.client.plan
	req, err := t.request(ctx)
	if err != nil {
		return word{why: "the request cannot be made: " + err.Error(), cause: exchange.OnUnknown}
	}
	step := transport.StartStep(t.client.env, &t.client.secrets, "pay", req)
	x := t.exchange(req, false)
	if x.Err != nil {
		step.End(x, x.Err)
		return failed(x.Err)
	}
	if more := plan.Pay.Capture(x.Answer, t.vars); len(more) > 0 {
		t.captured = merge(t.captured, more)
		step.Captured(more)
	}
	return t.judge(plan.Outcomes, x, step)
}

func (t *payment) request(ctx context.Context) (*http.Request, error) {
	plan := t.client.plan
	key := t.key()
	t.vars["key"], t.vars["attempt"], t.vars["captured"] = key, t.attempts, t.captured
	req, err := plan.Pay.Make(ctx, t.vars)
	if err != nil {
		return nil, err
	}
	if h := plan.Config.KeyHeader; key != "" && req.Header.Get(h) == "" {
		if plan.Config.KeyQuoted {
			key = strconv.Quote(key)
		}
		req.Header.Set(h, key)
	}
	return req, nil
}

// key returns the idempotency key of the next attempt, or nothing.
func (t *payment) key() string {
	env := t.client.env
	var key string
	switch t.client.plan.Config.Key {
	case exchange.KeyPayment:
		key = uuid(env, "payment "+t.asked.ID)
	case exchange.KeyOrder:
		key = uuid(env, "order "+t.asked.Order)
	case exchange.KeyAttempt:
		key = uuid(env, "payment "+t.asked.ID+" "+strconv.Itoa(t.attempts))
	default:
		return ""
	}
	env.Asked.Called(t.asked.ID, key)
	return key
}

// exchange sends a request of the payment, and reports it as an attempt.
func (t *payment) exchange(req *http.Request, status bool) transport.Exchange {
	x := transport.Send(t.http, req, t.client.plan.Config.Timeout)
	a := harness.Attempt{
		Payment: t.asked.ID, N: t.attempts + t.asks, Status: status,
		Dialed: x.Dialed, NoConnection: x.Unconnected, Took: x.Took,
	}
	if x.Err != nil {
		a.Error = x.Err.Error()
	} else {
		a.After = retryAfter(x.Answer.Header, time.Now())
		a.Answer = t.client.secrets.Answer(x.Answer)
	}
	t.client.env.Observer.Attempt(a)
	return x
}

func failed(err error) word {
	if errors.Is(err, transport.ErrTimeout) {
		return word{why: err.Error(), cause: exchange.OnTimeout}
	}
	return word{why: err.Error(), cause: exchange.OnConnection}
}

func (t *payment) judge(rules *exchange.Rules, x transport.Exchange, step *transport.Step) word {
	a := x.Answer
	m, why := rules.Judge(a, t.vars)
	got := word{meaning: m, why: why, after: retryAfter(a.Header, time.Now())}
	switch m {
	case exchange.Retry:
		got.cause = exchange.OnRetry
	case exchange.Unknown:
		got.cause = exchange.OnUnknown
	case exchange.Confirmed, exchange.Declined, exchange.Pending:
	}
	step.Judged(rules, a, t.vars, m)
	step.End(x, nil)
	return got
}

// follow asks for the status, or waits for a callback, until the outcome of the payment
// is known, or no more requests are allowed. It returns last if it learns nothing.
func (t *payment) follow(ctx context.Context, last word) word {
	plan := t.client.plan
	if plan.Poll == nil && plan.Called == nil {
		return last
	}
	every := time.Duration(math.MaxInt64)
	if plan.Poll != nil {
		every = plan.Config.Poll.Every
	}
	for limit := t.pollLimit(); ; {
		said, ok := t.listen(ctx, t.pause(every, last))
		switch {
		case ok:
			return said
		case ctx.Err() != nil, limit == 0:
			return last
		}
		limit--
		got, asked := t.poll(ctx)
		switch {
		case got.final() || got.meaning == exchange.Retry && t.again(got):
			return got
		case !asked && plan.Called == nil:
			return got
		case !asked:
			every, limit = math.MaxInt64, -1
		default:
			last.why, last.after = got.why, got.after
		}
	}
}

// pause returns the wait after a word: d, or the Retry-After of the server if it is longer
// and the client obeys it.
func (t *payment) pause(d time.Duration, last word) time.Duration {
	if t.client.plan.Config.Retry.RetryAfter == "obey" {
		return max(d, last.after)
	}
	return d
}

// pollLimit returns how many more questions are allowed; negative is any number.
func (t *payment) pollLimit() int {
	if p := t.client.plan.Config.Poll; p != nil && p.Limit > 0 {
		return max(0, p.Limit-t.asks)
	}
	return -1
}

// poll asks for the status once. asked is false if the request cannot be made.
func (t *payment) poll(ctx context.Context) (got word, asked bool) {
	plan := t.client.plan
	t.vars["captured"] = t.captured
	req, err := plan.Poll.Make(ctx, t.vars)
	if err != nil {
		return word{why: "the status cannot be asked for: " + err.Error(), cause: exchange.OnUnknown}, false
	}
	t.asks++
	step := transport.StartStep(t.client.env, &t.client.secrets, "status", req)
	x := t.exchange(req, true)
	if x.Err != nil {
		step.End(x, x.Err)
		return failed(x.Err), true
	}
	return t.judge(plan.Polled, x, step), true
}

// listen waits for d, or until a callback brings a final word, and returns that.
func (t *payment) listen(ctx context.Context, d time.Duration) (said word, ok bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case said = <-t.called:
			if said.final() {
				return said, true
			}
		case <-timer.C:
			return word{}, false
		case <-ctx.Done():
			return word{}, false
		}
	}
}

// draw returns a random number from 0 to 1 for the wait after an attempt. It is the same
// in each run with the same seed.
func (t *payment) draw() float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.asked.ID + " " + strconv.Itoa(t.attempts))) // it never fails
	return harness.Rand(t.client.env.Seed^h.Sum64(), harness.StreamSubject).Float64()
}

// backoff returns the wait after attempt n, from 1. draw is 0 to 1.
func backoff(r sut.HTTPRetry, n int, draw float64) time.Duration {
	grown := math.Min(math.Pow(r.Factor, float64(n-1)), math.MaxFloat64) // a wait of 0 must stay 0, and 0·Inf is NaN
	wait := math.Min(float64(r.Wait)*grown, float64(r.Cap))
	return time.Duration(wait * (1 - *r.Jitter*draw))
}

const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if text != "" && strings.Trim(text, "0123456789") == "" {
		s, _ := strconv.ParseFloat(text, 64) // too many digits are infinite
		return time.Duration(min(s, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
