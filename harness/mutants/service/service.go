// Package service is a correct payment service over HTTP and its app, on the bench of package
// onebartest. Mutants of package mutants are mistakes in it that teams make in Go.
package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// New returns a service with an empty book, and its apps. It is the System of a Trial.
func New(b *onebartest.Bench) (onebartest.System, error) {
	k := &book{receipts: map[string]receipt{}}
	return onebartest.System{
		Commits: true, Ledger: k.ledger,
		Serve: func(ctx context.Context, l net.Listener) error {
			s := &service{bench: b, book: k, life: ctx}
			server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
			return server.Serve(l)
		},
		Client: func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
			t := &http.Transport{DialContext: p.DialContext, IdleConnTimeout: time.Minute}
			return (&app{phone: p, http: &http.Client{Transport: t, Timeout: 8 * time.Second}}).pay
		},
	}, nil
}

// book is what is on the disk of the service.
type book struct {
	mu       sync.Mutex
	postings []harness.Posting
	receipts map[string]receipt // by idempotency key
}

// receipt is the answer to a payment, and what it was the answer to.
type receipt struct {
	Payment harness.Payment `json:"-"`
	Posting string          `json:"posting"`
}

func (k *book) ledger(context.Context) (harness.Ledger, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return harness.Ledger{Postings: slices.Clone(k.postings)}, nil
}

// charge books a payment and remembers the answer to its key. The caller holds the lock and
// commits.
func (k *book) charge(key string, p harness.Payment) receipt {
	r := receipt{Payment: p, Posting: fmt.Sprintf("t%d", len(k.postings)+1)}
	k.postings = append(k.postings, harness.Posting{
		ID: r.Posting, Payment: p.ID, Order: p.Order, Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency,
	})
	k.receipts[key] = r
	return r
}

// service is the server in one of its lives.
type service struct {
	bench *onebartest.Bench
	book  *book
	life  context.Context //nolint:containedctx // of Serve: it ends at a crash
}

// issuer is how long the issuer of a card takes to agree.
const issuer = 700 * time.Millisecond

// ServeHTTP implements http.Handler: POST /payments with a key pays once.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p harness.Payment
	key := r.Header.Get("Idempotency-Key")
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || key == "" {
		http.Error(w, "expected a payment and an Idempotency-Key", http.StatusBadRequest)
		return
	}
	answer, err := s.pay(key, p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	s.bench.Answer(r.Context()) // may come late
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone asks again
}

// pay books a payment once for its key. A client that hangs up does not end it: what the issuer
// has agreed to is booked.
func (s *service) pay(key string, p harness.Payment) (receipt, error) {
	time.Sleep(issuer)
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	if earlier, ok := s.book.receipts[key]; ok {
		if earlier.Payment.Order != p.Order || earlier.Payment.Amount != p.Amount {
			return receipt{}, errors.New("the key is that of another payment")
		}
		return earlier, nil
	}
	var answer receipt
	err := s.bench.Commit(s.life, p.ID, func() error {
		answer = s.book.charge(key, p)
		return nil
	})
	return answer, err
}

// app is the client. It attempts a payment until it has an answer.
type app struct {
	phone *onebartest.Phone
	http  *http.Client
}

// pay is called when the user presses the button.
func (a *app) pay(ctx context.Context, p harness.Payment) (harness.Outcome, error) {
	key := p.Order // one key for all presses and attempts of a purchase
	for n := 1; ; n++ {
		began := time.Now()
		outcome, err := a.try(ctx, key, p)
		a.phone.Attempt(p.ID, n, began, err)
		if outcome.Final() {
			return outcome, err
		}
		select {
		case <-ctx.Done():
			return harness.OutcomeUnknown, err
		case <-time.After(time.Duration(min(n, 8)) * (400 + time.Duration(a.phone.Rand.IntN(200))) * time.Millisecond):
		}
	}
}

// try sends the payment once.
func (a *app) try(ctx context.Context, key string, p harness.Payment) (harness.Outcome, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return harness.Failed, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://pay.example.com/payments", bytes.NewReader(body))
	if err != nil {
		return harness.Failed, err
	}
	req.Header.Set("Idempotency-Key", key)
	resp, err := a.http.Do(req)
	if err != nil {
		return harness.OutcomeUnknown, err
	}
	defer resp.Body.Close()
	var got receipt
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return harness.OutcomeUnknown, fmt.Errorf("read the answer (%s): %w", resp.Status, err)
	}
	if resp.StatusCode != http.StatusCreated {
		return harness.OutcomeUnknown, fmt.Errorf("the service says %s", resp.Status)
	}
	return harness.Confirmed, nil
}
