// Package conform tests how a payment API handles idempotency keys. It sends real
// requests, without a link between ([Run]), and compares the answers and the ledger with
// what the API documents and with what every payer expects.
package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// Options say how long the tests wait.
type Options struct {
	Dir  string        // for files of the parts, which are not needed afterwards
	Late time.Duration // least time between a request and its late repeat
}

// Run tests how a server handles idempotency keys: one that is used again, for the same
// request, for another one, for several at the same time, much later, after an error of
// the server, and after the connection was cut. The requests cross no impaired link. Run
// starts the parts, makes real payments as the scenario describes them, and closes the
// parts. p.Client must be an httpapi.Client. The answers are compared with the behaviour
// that the preset of the client documents, if it has a preset. Whatever the preset, no
// payer may be charged twice or not at all. A server that dies is started again, if the
// harness can start it. An error means that the tests could not be made.
func Run(ctx context.Context, p subject.Parts, sc harness.Scenario, o Options) (probes []Probe, err error) {
	client, ok := p.Client.(*httpapi.Client)
	if !ok {
		return nil, errors.New("only a client over HTTP can ask this; give subject.client.http")
	}
	defer func() { err = errors.Join(err, p.Client.Close(), p.Ledger.Close(), p.Server.Close()) }()
	at := &atomic.Pointer[string]{}
	env := newEnv(sc.Workload, at, o.Dir)
	if err := start(ctx, p, env, at); err != nil {
		return nil, err
	}
	config := client.Config()
	switch config.Key {
	case exchange.KeyNone:
		return nil, errors.New("the client sends no idempotency keys: there is nothing to ask; leave out key: none")
	case exchange.KeyAttempt:
		return nil, errors.New("the client makes a key for each attempt: no request repeats one; say key: payment to test what the server does with keys")
	}
	preset, _ := exchange.PresetOf(config.Preset)
	e := &examiner{
		parts: p, client: client, env: env, at: at, options: o, settle: sc.Settle,
		limit: config.Timeout, preset: preset, http: client.HTTP(env.Direct),
	}
	defer e.http.CloseIdleConnections()
	if err := e.examine(ctx); err != nil {
		return nil, err
	}
	return e.conclude(ctx)
}

// leastPayments is for how many payments of the largest amount the payer has enough
// money: the tests make fewer, of the smallest amounts.
const leastPayments = 40

// newEnv returns what the parts share. Connections go straight to the server at at.
func newEnv(w harness.Workload, at *atomic.Pointer[string], dir string) *subject.Env {
	w.Payments = max(w.Payments, leastPayments)
	env := &subject.Env{
		Workload: w, Seed: uint64(time.Now().UnixNano()), Start: time.Now(), Dir: dir,
		Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Accounts: &subject.Accounts{}, Asked: &subject.Asked{},
	}
	env.Direct = func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", *at.Load())
	}
	env.Dial = func(ctx context.Context, _ int) (net.Conn, error) { return env.Direct(ctx) }
	return env
}

func start(ctx context.Context, p subject.Parts, env *subject.Env, at *atomic.Pointer[string]) error {
	address, err := p.Server.Start(ctx, env)
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	env.Server = address
	at.Store(&address)
	if err := p.Client.Start(ctx, env); err != nil {
		return fmt.Errorf("start the client: %w", err)
	}
	if o, ok := p.Ledger.(subject.Opener); ok {
		if err := o.Open(ctx, env); err != nil {
			return fmt.Errorf("open the ledger: %w", err)
		}
	}
	return nil
}

// nobody is an observer that keeps nothing.
type nobody struct{}

func (nobody) Told(harness.Told)       {}
func (nobody) Attempt(harness.Attempt) {}
func (nobody) Committed(string)        {}

// examiner makes the tests of Run.
type examiner struct {
	parts   subject.Parts
	client  *httpapi.Client
	env     *subject.Env
	at      *atomic.Pointer[string] // host:port of the server now
	options Options
	settle  time.Duration
	limit   time.Duration // for the answer to one request
	preset  exchange.Preset
	http    *http.Client // for connections that are reused
	tests   []*test

	late     *test // whose request is repeated last
	lateFrom time.Time

	last *harness.Ledger // the latest that was read; nil is none
	dead bool            // the server no longer answers and could not be started again
}

func (e *examiner) next(name, title, expected string) *test {
	n, w := len(e.tests), e.env.Workload
	id := "c" + strconv.Itoa(n+1)
	t := &test{
		Probe: Probe{Name: name, Title: title, Expected: expected},
		payment: harness.Payment{
			ID: id, Order: id, Payer: subject.Wallet(0), Payee: subject.Merchant(0),
			Amount: w.AmountMin + int64(2*n), Currency: w.Currency,
		},
	}
	e.tests = append(e.tests, t)
	e.env.Asked.Add(t.payment)
	t.trial = e.client.Trial(t.payment)
	return t
}

func (e *examiner) request(ctx context.Context, trial *httpapi.Trial) (*http.Request, []byte, error) {
	req, err := trial.Request(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("the request to pay cannot be made: %w", err)
	}
	if req.Body == nil {
		return req, nil, nil
	}
	body, err := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	return req, body, err
}

// outcome is the answer to a request to pay and what it means.
type outcome struct {
	transport.Exchange
	meaning exchange.Meaning
}

func (o outcome) String() string {
	if o.Err != nil {
		return o.Err.Error()
	}
	return fmt.Sprintf("HTTP %d, %s", o.Answer.Status, o.meaning)
}

// status is the answer without its meaning.
func (o outcome) status() string {
	if o.Err != nil {
		return o.Err.Error()
	}
	return fmt.Sprintf("HTTP %d", o.Answer.Status)
}

func (e *examiner) pay(ctx context.Context, trial *httpapi.Trial) (outcome, error) {
	req, _, err := e.request(ctx, trial)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Exchange: transport.Send(e.http, req, e.limit)}
	if o.Err == nil {
		o.meaning = trial.Outcome(o.Answer)
	}
	return o, nil
}

// How often, and after which wait, a request is sent again while the server says that
// an earlier request is still using the key.
const (
	busyAttempts = 20
	busyWait     = 250 * time.Millisecond
)

// again sends the request until the server no longer says that the key is in use, and
// then follows the payment, as the scenario says, until its outcome is known.
func (e *examiner) again(ctx context.Context, t *test) (outcome, error) {
	for n := 1; ; n++ {
		o, err := e.pay(ctx, t.trial)
		if err != nil {
			return o, err
		}
		if o.Err != nil && !e.answers(ctx, t) {
			return o, nil
		}
		if o.Err == nil && o.meaning != exchange.Retry || n == busyAttempts {
			t.tell(o.meaning)
			if o.Err == nil {
				e.follow(ctx, t)
			}
			return o, nil
		}
		transport.Pause(ctx, busyWait)
	}
}

// follow polls or waits for the callback, as the scenario says, unless the outcome of the
// payment is known.
func (e *examiner) follow(ctx context.Context, t *test) {
	if t.told == exchange.Confirmed || t.told == exchange.Declined || !e.client.Follows() {
		return
	}
	if m := t.trial.Follow(ctx); m != exchange.Unknown {
		t.tell(m)
		t.followed = "; the look-up says " + m.String()
	}
}
