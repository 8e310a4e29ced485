package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// shop is a payment API. What it does wrong is said by its fields.
type shop struct {
	*httptest.Server
	careful bool                                                     // it refuses a key with another body (422), and one in use (409)
	forgets bool                                                     // it remembers a key only once its answer has gone out
	racy    bool                                                     // it looks a key up, works a while, and books then
	failing bool                                                     // it answers 500 to what it cannot read
	keyless bool                                                     // it knows no idempotency keys
	meddle  func(n int, w http.ResponseWriter, r *http.Request) bool // before request to pay n, from 1; true: it has answered
	late    func(n int, w http.ResponseWriter) bool                  // after the booking; true: it has answered

	mu       sync.Mutex
	requests int
	keys     []string
	bodies   []string
	answers  map[string][]byte // by key
	first    map[string]string // bodies by key
	bookings []booking
}

type booking struct {
	ID     string `json:"id"`
	Ref    string `json:"ref"`
	Amount int64  `json:"amount"`
	From   string `json:"from"`
	To     string `json:"to"`
	State  string `json:"state"`
}

func newShop(tb testing.TB) *shop {
	tb.Helper()
	s := &shop{answers: map[string][]byte{}, first: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"id": "acct_%s"}`, bytes.TrimSpace(body))
	})
	mux.HandleFunc("POST /pay", s.pay)
	mux.HandleFunc("GET /status/{ref}", s.status)
	mux.HandleFunc("GET /bookings", s.list)
	s.Server = httptest.NewServer(mux)
	tb.Cleanup(s.Close)
	return s
}

func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests++
	n, key := s.requests, r.Header.Get("Idempotency-Key")
	s.keys, s.bodies = append(s.keys, key), append(s.bodies, string(body))
	s.mu.Unlock()
	if s.meddle != nil && s.meddle(n, w, r) {
		return
	}
	if s.failing && !json.Valid(body) {
		http.Error(w, "oops", http.StatusInternalServerError)
		return
	}
	got, refused := s.book(r.Context(), key, body)
	if refused != 0 {
		w.WriteHeader(refused)
		return
	}
	if s.late != nil && s.late(n, w) {
		return
	}
	_, _ = w.Write(got)
}

// book makes a booking unless the key is known, and returns the answer, or the
// status of a refusal.
func (s *shop) book(ctx context.Context, key string, body []byte) (answer []byte, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, known := s.answers[key]
	switch {
	case known && s.careful && got == nil:
		return nil, http.StatusConflict
	case known && s.careful && s.first[key] != string(body):
		return nil, http.StatusUnprocessableEntity
	case known && !s.keyless && key != "":
		return got, 0
	}
	if s.careful {
		s.answers[key], s.first[key] = nil, string(body)
	}
	if s.careful || s.racy || s.forgets {
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		s.mu.Lock()
	}
	b := booking{ID: "b" + strconv.Itoa(len(s.bookings)+1), State: "done"}
	if json.Unmarshal(body, &b) != nil {
		delete(s.answers, key)
		return nil, http.StatusBadRequest
	}
	s.bookings = append(s.bookings, b)
	got, _ = json.Marshal(b)
	if !s.forgets || ctx.Err() == nil {
		s.answers[key] = got
	}
	return got, 0
}

func (s *shop) status(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.bookings {
		if b.Ref == r.PathValue("ref") {
			_ = json.NewEncoder(w).Encode(b)
			return
		}
	}
	http.Error(w, `{"state": "never heard of it"}`, http.StatusNotFound)
}

// list returns two bookings a page.
func (s *shop) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	to := min(from+2, len(s.bookings))
	page := map[string]any{"data": append([]booking{}, s.bookings[min(from, to):to]...), "next": ""}
	if to < len(s.bookings) {
		page["next"] = "/bookings?from=" + strconv.Itoa(to)
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bookings)
}

func (s *shop) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

// description of the shop, as a file would have it.
func described() sut.HTTPClient {
	none := 0.0
	return sut.HTTPClient{
		Setup: []sut.HTTPSetup{{For: "wallet", HTTPRequest: sut.HTTPRequest{
			Path: "/accounts", Body: "{{ account }}",
		}, Account: "body.id"}},
		Pay: sut.HTTPRequest{
			Path: "/pay",
			Body: `{"ref": {{ json(payment.reference) }}, "amount": {{ payment.amount }}, "from": {{ json(payment.payer) }}, "to": {{ json(payment.payee) }}}`,
		},
		Outcomes: []sut.HTTPRule{
			{When: `status == 200 and body.state == "done"`, Outcome: "confirmed"},
			{When: `status == 200 and body.state == "open"`, Outcome: "pending"},
			{When: `status == 402`, Outcome: "declined"},
			{When: `status in [429, 503]`, Outcome: "retry"},
		},
		Timeout: 100 * time.Millisecond, GiveUp: 5 * time.Second,
		Retry: sut.HTTPRetry{Attempts: 3, Wait: time.Millisecond, Jitter: &none},
	}
}

func bookings() sut.HTTPLedger {
	return sut.HTTPLedger{
		Path: "/bookings", Items: "body.data", Next: "body.next",
		Fields: sut.HTTPFields{ID: "item.id", Amount: "item.amount", Payer: "item.from", Payee: "item.to", Payment: "item.ref"},
	}
}

// recorder is an observer.
type recorder struct {
	mu       sync.Mutex
	told     []harness.Told
	attempts []harness.Attempt
	at       []time.Duration // of the attempts, since the first
	began    time.Time
}

func (r *recorder) Told(t harness.Told) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, t)
}

func (r *recorder) Attempt(a harness.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.began.IsZero() {
		r.began = time.Now()
	}
	r.attempts, r.at = append(r.attempts, a), append(r.at, time.Since(r.began))
}

func (r *recorder) Committed(string) {}

// last returns the last thing that was told.
func (r *recorder) last() harness.Told {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.told) == 0 {
		return harness.Told{}
	}
	return r.told[len(r.told)-1]
}

func (r *recorder) all() []harness.Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts
}

// environment of a run whose server is at address, over no link at all.
func environment(address string) (*subject.Env, *recorder) {
	seen := &recorder{}
	dial := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}
	return &subject.Env{
		Workload: harness.Workload{Wallets: 2, Merchants: 1, Payments: 10, AmountMin: 1, AmountMax: 900, Currency: "KES"},
		Seed:     1, Start: time.Now(), Observer: seen, Log: slog.New(slog.DiscardHandler),
		Accounts: &subject.Accounts{}, Asked: &subject.Asked{}, Server: address, Direct: dial,
		Dial: func(ctx context.Context, _ int) (net.Conn, error) { return dial(ctx) },
	}, seen
}

func payment(n int) harness.Payment {
	return harness.Payment{
		ID: fmt.Sprintf("p%d", n), Order: fmt.Sprintf("o%d", n), Wallet: n % 2,
		Payer: fmt.Sprintf("w%d", n%2), Payee: "m0", Amount: int64(100 + n), Currency: "KES",
	}
}

func pay(tb testing.TB, env *subject.Env, c subject.Client, p harness.Payment) {
	tb.Helper()
	env.Asked.Add(p)
	require.NoError(tb, c.Payer(p.Wallet).Pay(tb.Context(), p))
}
