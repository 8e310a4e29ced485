package onebartest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// What follows is a small wallet service as a team might have it: an HTTP handler
// before a database. Only its commits know that they are under test.

// order is the body of POST /payments.
type order struct {
	Payment  string `json:"payment"`
	Order    string `json:"order"`
	Payer    string `json:"payer"`
	Payee    string `json:"payee"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// receipt is the body of its answer.
type receipt struct {
	Posting string `json:"posting,omitempty"`
	Refusal string `json:"refusal,omitempty"`
}

// database is what survives a crash of the service.
type database struct {
	mu       sync.Mutex
	postings []harness.Posting
	accounts map[string]harness.Balance
	receipts map[string]receipt // by idempotency key
}

func newDatabase(w harness.Workload) *database {
	d := &database{accounts: map[string]harness.Balance{}, receipts: map[string]receipt{}}
	open := func(name string, opening int64, currency string) {
		d.accounts[name] = harness.Balance{Account: name, Currency: currency, Opening: opening, Closing: opening}
	}
	for i := range w.Wallets {
		opening := w.Balance
		if opening == 0 {
			opening = 1 << 50
		}
		open(fmt.Sprintf("w%d", i), opening, w.CurrencyOf(i))
	}
	for i := range w.Merchants {
		open(fmt.Sprintf("m%d", i), 0, w.CurrencyOf(i))
	}
	return d
}

// ledger reads it beside the network.
func (d *database) ledger(context.Context) (harness.Ledger, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := harness.Ledger{Postings: d.postings}
	for _, name := range slices.Sorted(maps.Keys(d.accounts)) {
		l.Balances = append(l.Balances, d.accounts[name])
	}
	return l, nil
}

// charge moves the money. The caller holds the lock and commits.
func (d *database) charge(o order) receipt {
	from, to := d.accounts[o.Payer], d.accounts[o.Payee]
	switch {
	case from.Currency != o.Currency || to.Currency != o.Currency:
		return receipt{Refusal: "no such account in " + o.Currency}
	case o.Payer == o.Payee:
		return receipt{Refusal: "payer and payee are one"}
	case from.Closing < o.Amount:
		return receipt{Refusal: "not enough money"}
	}
	from.Closing -= o.Amount
	to.Closing += o.Amount
	d.accounts[o.Payer], d.accounts[o.Payee] = from, to
	id := fmt.Sprintf("t%d", len(d.postings)+1)
	d.postings = append(d.postings, harness.Posting{
		ID: id, Payment: o.Payment, Order: o.Order, Payer: o.Payer, Payee: o.Payee, Amount: o.Amount, Currency: o.Currency,
	})
	return receipt{Posting: id}
}

// commitFunc makes a durable commit.
type commitFunc func(books string, write func() error) error

// service is the handler, in one of its lives.
type service struct {
	db     *database
	commit commitFunc
	flaw   string // what is wrong with it, see flaws

	mu     sync.Mutex
	memory map[string]receipt // keys of a service that does not store them
}

// authorization is how long the service asks the card's issuer.
const authorization = 1500 * time.Millisecond

// webHook is how long the merchant takes to be told.
const webHook = 300 * time.Millisecond

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o order
	key := r.Header.Get("Idempotency-Key")
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || key == "" {
		http.Error(w, "expected a payment and an Idempotency-Key", http.StatusBadRequest)
		return
	}
	answer, err := s.pay(key, o)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case answer.Refusal != "":
		w.WriteHeader(http.StatusPaymentRequired)
	default:
		w.WriteHeader(http.StatusCreated)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// pay books a payment once for its key.
func (s *service) pay(key string, o order) (receipt, error) {
	switch s.flaw {
	case keyStoredLater:
		return s.payThenStore(key, o)
	case keyCheckedOutside:
		return s.checkThenPay(key, o)
	case keysInMemory:
		return s.payFromMemory(key, o)
	}
	time.Sleep(authorization)
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	if earlier, ok := s.db.receipts[key]; ok {
		return earlier, nil
	}
	var answer receipt
	err := s.commit(o.Payment, func() error {
		answer = s.db.charge(o)
		s.db.receipts[key] = answer
		return nil
	})
	return answer, err
}

// The flaws of the service and of its client.
const (
	keyPerAttempt     = "new key per attempt"
	keyStoredLater    = "key stored after the charge"
	keyCheckedOutside = "key checked outside the transaction"
	keysInMemory      = "keys forgotten on restart"
)

// payThenStore makes two commits with a call of the merchant's web hook in between.
// A crash there loses the key.
func (s *service) payThenStore(key string, o order) (receipt, error) {
	time.Sleep(authorization)
	s.db.mu.Lock()
	answer, ok := s.db.receipts[key]
	var err error
	if !ok {
		err = s.commit(o.Payment, func() error { answer = s.db.charge(o); return nil })
	}
	s.db.mu.Unlock()
	if ok || err != nil {
		return answer, err
	}
	time.Sleep(webHook)
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	return answer, s.commit("", func() error { s.db.receipts[key] = answer; return nil })
}

// checkThenPay looks for the key before it asks the issuer: two requests with one
// key that overlap are both booked.
func (s *service) checkThenPay(key string, o order) (receipt, error) {
	s.db.mu.Lock()
	earlier, ok := s.db.receipts[key]
	s.db.mu.Unlock()
	if ok {
		return earlier, nil
	}
	time.Sleep(authorization)
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	var answer receipt
	err := s.commit(o.Payment, func() error {
		answer = s.db.charge(o)
		s.db.receipts[key] = answer
		return nil
	})
	return answer, err
}

// payFromMemory keeps the keys in a map of the process.
func (s *service) payFromMemory(key string, o order) (receipt, error) {
	time.Sleep(authorization)
	s.mu.Lock()
	defer s.mu.Unlock()
	if earlier, ok := s.memory[key]; ok {
		return earlier, nil
	}
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	var answer receipt
	err := s.commit(o.Payment, func() error { answer = s.db.charge(o); return nil })
	if err == nil {
		s.memory[key] = answer
	}
	return answer, err
}

// app is the client: it tries until it has an answer.
type app struct {
	http  *http.Client
	phone *onebartest.Phone
	flaw  string
	pause time.Duration // after a try; 0 grows with their number
	watch bool          // the phone's link: an end of an outage ends the pause
}

// pay is the user pressing the button.
func (a *app) pay(ctx context.Context, p harness.Payment) (harness.Outcome, error) {
	var woken <-chan struct{}
	if a.watch {
		var stop func()
		woken, stop = wakes(a.phone)
		defer stop()
	}
	for n := 1; ; n++ {
		key := p.Order
		if a.flaw == keyPerAttempt {
			key = fmt.Sprintf("%s-%d", p.ID, n)
		}
		began := time.Now()
		outcome, err := a.try(ctx, key, p)
		a.phone.Attempt(p.ID, n, began, err)
		if outcome.Final() {
			return outcome, err
		}
		pause := a.pause
		if pause == 0 {
			pause = time.Duration(min(n, 8)) * (400 + time.Duration(a.phone.Rand.IntN(200))) * time.Millisecond
		}
		select {
		case <-woken: // try at once
		case <-ctx.Done():
			return harness.OutcomeUnknown, err
		case <-time.After(pause):
		}
	}
}

// try sends the payment once.
func (a *app) try(ctx context.Context, key string, p harness.Payment) (harness.Outcome, error) {
	body, err := json.Marshal(order{p.ID, p.Order, p.Payer, p.Payee, p.Amount, p.Currency})
	if err != nil {
		return harness.Failed, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://pay.example.com/payments", bytes.NewReader(body))
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
		return harness.OutcomeUnknown, fmt.Errorf("read the answer: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusCreated:
		return harness.Confirmed, nil
	case http.StatusPaymentRequired:
		return harness.Declined, errors.New(got.Refusal)
	}
	return harness.OutcomeUnknown, fmt.Errorf("the service says %s", resp.Status)
}
