package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject"
)

// Probe is one thing that a server was asked about its idempotency keys. It is n/a
// if it could not be asked.
type Probe struct {
	Name     string // such as "replay"
	Title    string // what was done
	Expected string
	Seen     string
	Status   harness.Status
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

// examine makes all requests.
func (e *examiner) examine(ctx context.Context) error {
	for _, ask := range []func(context.Context) error{
		e.replay, e.mismatch, e.concurrent, e.afterError, e.cutInRequest,
		func(ctx context.Context) error { return e.cut(ctx, "cut-request-sent", false) },
		func(ctx context.Context) error { return e.cut(ctx, "cut-before-answer", true) },
	} {
		if err := ask(ctx); err != nil {
			return err
		}
	}
	return nil
}

const once = "one booking, and the payer is told that it was made"

func (e *examiner) replay(ctx context.Context) error {
	q := e.next("replay", "the same request again", "the same answer, and one booking")
	if e.preset.Mark != "" {
		q.Expected += ", marked " + e.preset.Mark
	}
	first, err := e.pay(ctx, q.payment)
	if err != nil {
		return err
	}
	if first.err != nil || first.meaning != exchange.Confirmed && first.meaning != exchange.Pending {
		return fmt.Errorf("a plain payment is not confirmed: %v %s; make onebar run pass without any impairment first", first, e.client.secrets.excerpt(first.answer))
	}
	q.paid = first.meaning == exchange.Confirmed
	second, err := e.again(ctx, q)
	if err != nil {
		return err
	}
	q.Seen = fmt.Sprintf("first %v, then %v", first, second)
	switch {
	case second.answer.Status != first.answer.Status || second.meaning != first.meaning:
		q.wrong = append(q.wrong, "another answer")
	case !bytes.Equal(first.answer.Body, second.answer.Body):
		q.Seen += ", with another body"
	default:
		q.Seen += ", byte for byte"
	}
	if name, value, marked := bytes.Cut([]byte(e.preset.Mark), []byte(": ")); marked && second.answer.Header.Get(string(name)) != string(value) {
		q.wrong = append(q.wrong, "no "+e.preset.Mark)
	}
	return nil
}

func (e *examiner) mismatch(ctx context.Context) error {
	q := e.next("other-request", "the same key with another amount", "a refusal, and nothing booked for it")
	if len(e.preset.Mismatch) > 0 {
		q.Expected = fmt.Sprintf("HTTP %s, and nothing booked for it", either(e.preset.Mismatch))
	}
	first, err := e.again(ctx, q)
	if err != nil {
		return err
	}
	other := q.payment
	other.Amount++
	second, err := e.pay(ctx, other)
	if err != nil {
		return err
	}
	q.Seen = fmt.Sprintf("first %v, then %v", first, second)
	switch status := second.answer.Status; {
	case second.err != nil:
		q.doubt = "no answer"
	case len(e.preset.Mismatch) > 0 && !slices.Contains(e.preset.Mismatch, status):
		q.wrong = append(q.wrong, "another status")
	case status >= 200 && status < 300 && e.preset.Name != "":
		q.doubt = "its documents do not say"
	case status < 400 || status > 499:
		q.wrong = append(q.wrong, "no refusal: whoever asked believes that the other amount was paid")
	}
	return nil
}

func (e *examiner) concurrent(ctx context.Context) error {
	q := e.next("concurrent", strconv.Itoa(concurrently)+" times the same request at once", "one booking")
	if len(e.preset.Busy) > 0 {
		q.Expected += fmt.Sprintf(", and HTTP %s while the first is under way", either(e.preset.Busy))
	}
	var (
		mu     sync.Mutex
		group  sync.WaitGroup
		errs   []error
		counts = map[string]int{}
	)
	for range concurrently {
		group.Go(func() {
			h, err := e.pay(ctx, q.payment)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			counts[h.String()]++
			q.paid = q.paid || h.meaning == exchange.Confirmed
			refused := h.meaning != exchange.Confirmed && h.meaning != exchange.Pending
			if h.err == nil && refused && len(e.preset.Busy) > 0 && !slices.Contains(e.preset.Busy, h.answer.Status) {
				q.wrong = append(q.wrong, "another status for a key in use")
			}
		})
	}
	group.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		q.Seen += fmt.Sprintf("%s%d × %s", comma(q.Seen), counts[what], what)
	}
	q.wrong = slices.Compact(q.wrong)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	last, err := e.again(ctx, q)
	q.Seen += "; asked again, " + last.String()
	return err
}

// afterError has the server fail by a request that breaks off in the middle of its
// body, as far as it can be made to fail so, and uses the key again: for the same,
// and for the whole.
func (e *examiner) afterError(ctx context.Context) error {
	q := e.next("after-5xx", "the key again after an error of the server", "at most one booking")
	q.unpaid = true
	if e.preset.Errors {
		q.Expected = "the same error again, and at most one booking"
	}
	var got [2]heard
	for i := range got {
		req, body, err := e.request(ctx, q.payment)
		if err != nil {
			return err
		}
		half := body[:len(body)/2]
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
		got[i] = heard{exchanged: send(e.http, req, e.client.plan.Config.Timeout)}
	}
	whole, err := e.again(ctx, q)
	q.Seen = fmt.Sprintf("half a body %s, again %s, then the whole %v", got[0].status(), got[1].status(), whole)
	switch {
	case got[0].answer.Status < 500:
		q.lacks = "nothing that could be sent made the server fail with 5xx"
	case e.preset.Errors && got[1].answer.Status != got[0].answer.Status:
		q.wrong = append(q.wrong, "another answer")
	}
	return err
}

func (e *examiner) cutInRequest(ctx context.Context) error {
	q := e.next("cut-in-request", "a connection cut inside the request, then the key again", once)
	req, body, err := e.request(ctx, q.payment)
	if err != nil {
		return err
	}
	if len(body) < 2 {
		q.lacks = "the request has no body to be cut in"
		return nil
	}
	req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{}))
	send(e.http, req, e.client.plan.Config.Timeout)
	h, err := e.again(ctx, q)
	q.Seen = fmt.Sprintf("asked again, %v", h)
	return err
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }

// cut closes the connection when the request is written, or when the first byte of
// the answer is there, and asks again.
func (e *examiner) cut(ctx context.Context, name string, answered bool) error {
	title := "a connection cut when the request is sent, then the key again"
	if answered {
		title = "a connection cut before the answer is read, then the key again"
	}
	q := e.next(name, title, once)
	req, _, err := e.request(ctx, q.payment)
	if err != nil {
		return err
	}
	secure, err := trust(e.client.config.TLS, e.client.folder)
	if err != nil {
		return err
	}
	var armed atomic.Bool
	h := newHTTP(func(ctx context.Context) (net.Conn, error) {
		conn, err := e.client.env.Direct(ctx)
		return scissors{conn, &armed, answered}, err
	}, secure)
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { armed.Store(true) }}
	send(h, req.WithContext(httptrace.WithClientTrace(ctx, trace)), e.client.plan.Config.Timeout)
	h.CloseIdleConnections()
	last, err := e.again(ctx, q)
	q.Seen = fmt.Sprintf("asked again, %v", last)
	return err
}

// scissors cut a connection once they are armed, when the request has been formed:
// with the write that sends it, or else with the first that is read.
type scissors struct {
	net.Conn
	armed    *atomic.Bool
	answered bool // not before something is read
}

func (s scissors) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if s.armed.Load() && !s.answered {
		s.Close()
	}
	return n, err
}

func (s scissors) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if !s.armed.Load() || n == 0 {
		return n, err
	}
	s.Close()
	return 0, net.ErrClosed
}

func either(statuses []int) string {
	text := ""
	for _, s := range statuses {
		if text != "" {
			text += " or "
		}
		text += strconv.Itoa(s)
	}
	return text
}

func comma(s string) string {
	if s == "" {
		return ""
	}
	return ", "
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
		q.Status = harness.Fail
	case q.lacks != "":
		q.Status, q.doubt = harness.NotApplicable, q.lacks
	case q.doubt == "":
		q.Status = harness.Pass
	}
	for _, more := range append(q.wrong, q.doubt) {
		if more != "" {
			q.Seen += "; " + more
		}
	}
}
