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
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/atrest"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// Probe is one test of idempotency keys and its result. Its status is n/a if the test
// could not be made.
type Probe struct {
	Name     string // such as "replay"
	Title    string // what was done
	Expected string
	Seen     string
	Status   result.Status
}

// Run tests how a server handles idempotency keys: one that is used again, for the same
// request, for another one, for several at the same time, after an error of the server,
// and after the connection was cut. The requests cross no impaired link. Run starts the
// parts, makes real payments as the scenario describes them, and closes the parts.
// p.Client must be an httpapi.Client. The answers are compared with the behaviour that
// the preset of the client documents, if it has a preset. Whatever the preset, no payer
// may be charged twice or not at all. An error means that the tests could not be made.
func Run(ctx context.Context, p subject.Parts, sc harness.Scenario, dir string) (probes []Probe, err error) {
	client, ok := p.Client.(*httpapi.Client)
	if !ok {
		return nil, errors.New("only a client over HTTP can ask this; give subject.client.http")
	}
	defer func() { err = errors.Join(err, p.Client.Close(), p.Ledger.Close(), p.Server.Close()) }()
	env := &subject.Env{
		Workload: sc.Workload, Seed: uint64(time.Now().UnixNano()), Start: time.Now(), Dir: dir,
		Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Accounts: &subject.Accounts{}, Asked: &subject.Asked{},
	}
	if env.Server, err = p.Server.Start(ctx, env); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	env.Direct = func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", env.Server)
	}
	env.Dial = func(ctx context.Context, _ int) (net.Conn, error) { return env.Direct(ctx) }
	if err := client.Start(ctx, env); err != nil {
		return nil, fmt.Errorf("start the client: %w", err)
	}
	if o, ok := p.Ledger.(subject.Opener); ok {
		if err := o.Open(ctx, env); err != nil {
			return nil, fmt.Errorf("open the ledger: %w", err)
		}
	}
	config := client.Config()
	if config.Key == exchange.KeyNone {
		return nil, errors.New("the client sends no idempotency keys: there is nothing to ask; leave out key: none")
	}
	preset, _ := exchange.PresetOf(config.Preset)
	e := &examiner{client: client, env: env, limit: config.Timeout, preset: preset, http: client.HTTP(env.Direct)}
	defer e.http.CloseIdleConnections()
	if err := e.examine(ctx); err != nil {
		return nil, err
	}
	return e.conclude(ctx, &atrest.Reader{
		Read:  func(ctx context.Context) (harness.Ledger, error) { return p.Ledger.Read(ctx, env) },
		Quiet: min(p.Quiet, sc.Settle), Most: sc.Settle, Start: env.Start,
	})
}

// nobody is an observer that keeps nothing.
type nobody struct{}

func (nobody) Told(harness.Told)       {}
func (nobody) Attempt(harness.Attempt) {}
func (nobody) Committed(string)        {}

// examiner makes the tests of Run.
type examiner struct {
	client *httpapi.Client
	env    *subject.Env
	limit  time.Duration // for the answer to one request
	preset exchange.Preset
	http   *http.Client // for connections that are reused
	tests  []test
}

// test is a probe, and the payment that it makes.
type test struct {
	Probe
	payment harness.Payment
	paid    bool     // an answer said confirmed
	unpaid  bool     // the test may end without a confirmed payment
	wrong   []string // what was not as expected, whatever the ledger says
	doubt   string   // why it cannot be judged
	lacks   string   // why it could not be made
}

// next returns a test with a new payment.
func (e *examiner) next(name, title, expected string) *test {
	n, w := len(e.tests), e.env.Workload
	id := strconv.Itoa(n + 1)
	e.tests = append(e.tests, test{
		Probe: Probe{Name: name, Title: title, Expected: expected},
		payment: harness.Payment{
			ID: "c" + id, Order: "c" + id, Payer: subject.Wallet(0), Payee: subject.Merchant(0),
			Amount: w.AmountMin + int64(2*n), Currency: w.Currency,
		},
	})
	t := &e.tests[n]
	e.env.Asked.Add(t.payment)
	return t
}

// request returns the request to make a payment, with its key, and its body.
func (e *examiner) request(ctx context.Context, p harness.Payment) (*http.Request, []byte, error) {
	req, err := e.client.Request(ctx, p)
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

// pay makes one request.
func (e *examiner) pay(ctx context.Context, p harness.Payment) (outcome, error) {
	req, _, err := e.request(ctx, p)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Exchange: transport.Send(e.http, req, e.limit)}
	if o.Err == nil {
		o.meaning = e.client.Outcome(p, o.Answer)
	}
	return o, nil
}

// How often, and after which wait, a request is sent again while the server says that
// an earlier request is still using the key.
const (
	busyAttempts = 20
	busyWait     = 250 * time.Millisecond
)

// again sends the request until the server no longer says that the key is in use.
func (e *examiner) again(ctx context.Context, t *test) (outcome, error) {
	for n := 1; ; n++ {
		o, err := e.pay(ctx, t.payment)
		if err != nil || o.Err == nil && o.meaning != exchange.Retry || n == busyAttempts {
			t.paid = t.paid || o.meaning == exchange.Confirmed
			return o, err
		}
		wait(ctx)
	}
}

// wait waits for busyWait, or until ctx ends.
func wait(ctx context.Context) {
	t := time.NewTimer(busyWait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// conclude reads the ledger when it is at rest, and judges each test.
func (e *examiner) conclude(ctx context.Context, l *atrest.Reader) ([]Probe, error) {
	wait(ctx)
	ledger, err := l.Ledger(ctx)
	blind := errors.Is(err, harness.ErrNoLedger)
	if err != nil && !blind {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	moving := ""
	if !blind && !l.AtRest() {
		moving = l.String()
	}
	var probes []Probe
	for i := range e.tests {
		t := &e.tests[i]
		t.judge(ledger, blind, moving)
		probes = append(probes, t.Probe)
	}
	return probes, nil
}

// judge compares the answers with the ledger. Moving says why bookings may still be
// missing, or nothing.
func (t *test) judge(ledger harness.Ledger, blind bool, moving string) {
	booked, altered := 0, 0
	for _, b := range ledger.Postings {
		if b.Payment == t.payment.ID || b.Payment == "" && b.Order == t.payment.Order {
			booked++
			if b.Amount != t.payment.Amount {
				altered++
			}
		}
	}
	if !blind {
		t.Seen += fmt.Sprintf("; booked %d times", booked)
	}
	switch {
	case !blind && booked > 1:
		t.wrong = append(t.wrong, "DUPLICATED")
	case !blind && booked == 0 && t.paid && moving == "":
		t.wrong = append(t.wrong, "LOST")
	case !blind && altered > 0:
		t.wrong = append(t.wrong, "ALTERED")
	case t.doubt == "" && !t.paid && !t.unpaid:
		t.doubt = "never confirmed"
	case blind && t.doubt == "":
		t.doubt = "there is no ledger to count bookings in"
	case t.doubt == "":
		t.doubt = moving
	}
	switch {
	case len(t.wrong) > 0:
		t.Status = result.Fail
	case t.lacks != "":
		t.Status, t.doubt = result.NotApplicable, t.lacks
	case t.doubt == "":
		t.Status = result.Pass
	}
	for _, more := range append(t.wrong, t.doubt) {
		if more != "" {
			t.Seen += "; " + more
		}
	}
}
