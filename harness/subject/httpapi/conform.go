package httpapi

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
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/subject"
)

// Probe is one thing that a server was asked about its idempotency keys. It is n/a
// if it could not be asked.
type Probe struct {
	Name     string // such as "replay"
	Title    string // what was done
	Expected string
	Seen     string
	Status   result.Status
}

// concurrently is how many requests with one key are sent at once.
const concurrently = 8

// Conform asks a server what it does with idempotency keys, beside any link: with
// one that comes again, with the same request, with another, at the same time, after
// an error and after a connection that was cut. Parts.Client must be a Client. It
// starts the parts, makes real payments as the scenario describes them, and closes
// the parts. What the server does is compared with the preset of the client, if
// it has one, and always with what no payer may suffer: to be charged twice, or not
// at all. An error means that the server could not be asked.
func Conform(ctx context.Context, p subject.Parts, sc harness.Scenario, dir string) (probes []Probe, err error) {
	client, ok := p.Client.(*Client)
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
	if client.plan.Config.Key == exchange.KeyNone {
		return nil, errors.New("the client sends no idempotency keys: there is nothing to ask; leave out key: none")
	}
	preset, _ := exchange.PresetOf(client.plan.Config.Preset)
	e := &examiner{client: client, preset: preset, http: client.wallets[0].http}
	if err := e.examine(ctx); err != nil {
		return nil, err
	}
	return e.conclude(ctx, p.Ledger)
}

// nobody is told.
type nobody struct{}

func (nobody) Told(harness.Told)       {}
func (nobody) Attempt(harness.Attempt) {}
func (nobody) Committed(string)        {}

// examiner makes the requests of Conform.
type examiner struct {
	client *Client
	preset exchange.Preset
	http   *http.Client
	asked  []question
}

// question is a probe, and the payment that it has made.
type question struct {
	Probe
	payment harness.Payment
	paid    bool     // somebody was told that it is confirmed
	unpaid  bool     // that it is not is in order
	wrong   []string // what was not as expected, whatever the ledger says
	doubt   string   // why it cannot be judged
	lacks   string   // why it could not even be asked
}

// next returns a question with a payment of its own.
func (e *examiner) next(name, title, expected string) *question {
	n, w := len(e.asked), e.client.env.Workload
	id := strconv.Itoa(n + 1)
	e.asked = append(e.asked, question{
		Probe: Probe{Name: name, Title: title, Expected: expected},
		payment: harness.Payment{
			ID: "c" + id, Order: "c" + id, Payer: subject.Wallet(0), Payee: subject.Merchant(0),
			Amount: w.AmountMin + int64(2*n), Currency: w.Currency,
		},
	})
	q := &e.asked[n]
	e.client.env.Asked.Add(q.payment)
	return q
}

// request makes the request that pays for a payment, with its key.
func (e *examiner) request(ctx context.Context, p harness.Payment) (*http.Request, []byte, error) {
	t := e.client.newPayment(e.client.wallets[0], p)
	req, err := t.request(ctx)
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

// heard is an answer and what it means.
type heard struct {
	exchanged
	meaning exchange.Meaning
}

func (h heard) String() string {
	if h.err != nil {
		return h.err.Error()
	}
	return fmt.Sprintf("HTTP %d, %s", h.answer.Status, h.meaning)
}

// status is what came, without what it means.
func (h heard) status() string {
	if h.err != nil {
		return h.err.Error()
	}
	return fmt.Sprintf("HTTP %d", h.answer.Status)
}

// pay makes one request.
func (e *examiner) pay(ctx context.Context, p harness.Payment) (heard, error) {
	req, _, err := e.request(ctx, p)
	if err != nil {
		return heard{}, err
	}
	h := heard{exchanged: send(e.http, req, e.client.plan.Config.Timeout)}
	if h.err == nil {
		h.meaning, _ = e.client.plan.Outcomes.Judge(h.answer, e.client.newPayment(e.client.wallets[0], p).vars)
	}
	return h, nil
}

// How long a key may be in use by a request that is over.
const (
	busyTries = 20
	busyWait  = 250 * time.Millisecond
)

// again pays until the server has another answer than that the key is in use.
func (e *examiner) again(ctx context.Context, q *question) (heard, error) {
	for n := 1; ; n++ {
		h, err := e.pay(ctx, q.payment)
		if err != nil || h.err == nil && h.meaning != exchange.Retry || n == busyTries {
			q.paid = q.paid || h.meaning == exchange.Confirmed
			return h, err
		}
		pause(ctx, busyWait)
	}
}

// conclude reads the ledger and judges.
func (e *examiner) conclude(ctx context.Context, l subject.Ledger) ([]Probe, error) {
	pause(ctx, busyWait)
	ledger, err := l.Read(ctx, e.client.env)
	blind := errors.Is(err, harness.ErrNoLedger)
	if err != nil && !blind {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	var probes []Probe
	for i := range e.asked {
		q := &e.asked[i]
		q.judge(ledger, blind)
		probes = append(probes, q.Probe)
	}
	return probes, nil
}

// judge compares what was heard with the ledger.
func (q *question) judge(ledger harness.Ledger, blind bool) {
	booked, altered := 0, 0
	for _, b := range ledger.Postings {
		if b.Payment == q.payment.ID || b.Payment == "" && b.Order == q.payment.Order {
			booked++
			if b.Amount != q.payment.Amount {
				altered++
			}
		}
	}
	if !blind {
		q.Seen += fmt.Sprintf("; booked %d times", booked)
	}
	switch {
	case !blind && booked > 1:
		q.wrong = append(q.wrong, "DUPLICATED")
	case !blind && booked == 0 && q.paid:
		q.wrong = append(q.wrong, "LOST")
	case !blind && altered > 0:
		q.wrong = append(q.wrong, "ALTERED")
	case q.doubt == "" && !q.paid && !q.unpaid:
		q.doubt = "never confirmed"
	case blind && q.doubt == "":
		q.doubt = "there is no ledger to count bookings in"
	}
	switch {
	case len(q.wrong) > 0:
		q.Status = result.Fail
	case q.lacks != "":
		q.Status, q.doubt = result.NotApplicable, q.lacks
	case q.doubt == "":
		q.Status = result.Pass
	}
	for _, more := range append(q.wrong, q.doubt) {
		if more != "" {
			q.Seen += "; " + more
		}
	}
}
