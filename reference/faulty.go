package reference

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/wallet"
)

// Faulty configures a pair that is broken on purpose, in ways known from real systems, to
// prove that the checks of the harness find the fault. With a fault the bank does not
// recognise repeated orders, like many banks (bank.LedgerConfig.AllowRepeatedOrders):
// otherwise it would not book what a faulty wallet sends twice. The zero value is not
// broken.
type Faulty struct {
	// NewKeyPerAttempt makes the wallet draw a new idempotency key for each attempt. When
	// an answer is lost, the bank books the payment again: DUPLICATED. The wallet also
	// stores nothing on disk: a crash of the client loses what is under way.
	NewKeyPerAttempt bool
	// AnswerBeforeCommit makes the bank confirm a payment at once and book it two seconds
	// later. A payment that is confirmed and not yet booked at a crash is LOST; every
	// confirmation is EARLY.
	AnswerBeforeCommit bool
	// ForgetKeys makes the bank keep its idempotency records in memory and not with its
	// ledger (bank.LedgerConfig.ForgetAnswers). After a restart it books a payment again
	// that it has booked before: DUPLICATED.
	ForgetKeys bool
}

// Faults returns the names of the faults of a Faulty, as scenario files have them
// in subject.broken.
func Faults() []string {
	return []string{"new-key-per-attempt", "answer-before-commit", "forget-keys"}
}

// Set plants a fault by its name. The error names the faults there are.
func (f *Faulty) Set(name string) error {
	all := Faults()
	i := slices.Index(all, name)
	if i < 0 {
		return fmt.Errorf("the reference pair has no fault %q: expected one of %s", name, strings.Join(all, ", "))
	}
	*[]*bool{&f.NewKeyPerAttempt, &f.AnswerBeforeCommit, &f.ForgetKeys}[i] = true
	return nil
}

// The fixed times of the faulty wallet and the faulty bank.
const (
	newKeyAttempts   = 25
	newKeyTimeout    = 3 * time.Second
	newKeyPause      = 500 * time.Millisecond
	earlyCommitDelay = 2 * time.Second
)

// newKeyPayers are the payers of Faulty.NewKeyPerAttempt.
type newKeyPayers struct {
	correlator *correlator
	configs    []wallet.Config
	payers     []newKeyPayer
	wg         sync.WaitGroup

	mu     sync.Mutex
	ctx    context.Context // ended by stop
	cancel context.CancelFunc
	open   map[string]struct{} // presses without a final outcome
}

type newKeyPayer struct {
	h *newKeyPayers
	i int
}

func startNewKeyPayers(configs []wallet.Config, d *correlator) *newKeyPayers {
	h := &newKeyPayers{correlator: d, configs: configs, open: map[string]struct{}{}}
	for i := range configs {
		h.payers = append(h.payers, newKeyPayer{h, i})
	}
	h.start()
	return h
}

func (h *newKeyPayers) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ctx, h.cancel = context.WithCancel(context.Background())
}

func (h *newKeyPayers) stop() {
	h.mu.Lock()
	h.cancel()
	h.mu.Unlock()
	h.wg.Wait()
}

func (h *newKeyPayers) held() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.open))
}

func (p newKeyPayer) Pay(_ context.Context, hp harness.Payment) error {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	ctx := p.h.ctx
	if ctx.Err() != nil {
		return errDown
	}
	p.h.open[hp.ID] = struct{}{}
	p.h.correlator.observer.Told(harness.Told{Payment: hp.ID, Outcome: harness.Queued})
	p.h.wg.Go(func() { p.carry(ctx, hp) })
	return nil
}

func (p newKeyPayer) carry(ctx context.Context, hp harness.Payment) {
	told := harness.Queued
	for n := 1; n <= newKeyAttempts && ctx.Err() == nil; n++ {
		began := time.Now()
		answer, connected, err := p.attempt(ctx, hp)
		a := harness.Attempt{Payment: hp.ID, N: n, Dialed: true, NoConnection: !connected, Took: time.Since(began)}
		if err != nil {
			a.Error = err.Error()
		}
		if ctx.Err() != nil {
			return
		}
		p.h.correlator.observer.Attempt(a)
		outcome := harness.OutcomeUnknown
		if err == nil {
			outcome = map[pay.Result]harness.Outcome{
				pay.Confirmed: harness.Confirmed, pay.Declined: harness.Declined, pay.Expired: harness.Expired,
			}[answer.Result]
		}
		if outcome != told {
			p.h.correlator.observer.Told(harness.Told{Payment: hp.ID, Outcome: outcome})
			told = outcome
		}
		if outcome.Final() {
			p.h.mu.Lock()
			delete(p.h.open, hp.ID)
			p.h.mu.Unlock()
			return
		}
		select {
		case <-time.After(newKeyPause):
		case <-ctx.Done():
		}
	}
}

// attempt sends the payment as if it were new, and reports whether it had a connection.
func (p newKeyPayer) attempt(ctx context.Context, hp harness.Payment) (answer *pay.Answer, connected bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, newKeyTimeout)
	defer cancel()
	c := p.h.configs[p.i]
	key, err := pay.NewKey(c.Rand)
	if err != nil {
		return nil, false, err
	}
	p.h.correlator.file(key, hp.ID)
	s, err := c.Dialer.Dial(ctx)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = s.Close() }()
	r := &pay.Request{Ask: pay.AskPay, Payment: pay.Payment{
		Key: key, Order: hp.Order, Payee: hp.Payee, Amount: hp.Amount, Currency: hp.Currency,
		Created: time.Now().UnixMilli(),
	}}
	if err := r.Sign(c.Vault, c.Bank); err != nil {
		return nil, true, err
	}
	answer, err = s.Do(ctx, r)
	return answer, true, err
}

// earlyLedger is the service of Faulty.AnswerBeforeCommit: it answers from memory, and
// passes the payment to the ledger later.
type earlyLedger struct {
	ledger   *bank.Ledger
	receipts ed25519.PrivateKey
	ctx      context.Context //nolint:containedctx // the life of the bank: what waits when it ends is lost
	wg       sync.WaitGroup

	mu      sync.Mutex
	answers map[pay.Key]*pay.Answer
}

func (b *earlyLedger) Submit(payer pay.PublicKey, r *pay.Request) func(context.Context) (*pay.Answer, error) {
	a := b.answer(payer, r)
	if a == nil {
		return b.ledger.Submit(payer, r)
	}
	return func(context.Context) (*pay.Answer, error) { return a, nil }
}

// answer returns the early answer, or nil if the ledger must answer.
func (b *earlyLedger) answer(payer pay.PublicKey, r *pay.Request) *pay.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.answers[r.Payment.Key]; a != nil || r.Ask != pay.AskPay {
		return a
	}
	a := &pay.Answer{Key: r.Payment.Key, Result: pay.Confirmed, Transfer: int64(len(b.answers) + 1), At: time.Now().UnixMilli()}
	pay.SignReceipt(b.receipts, payer, &r.Payment, a)
	b.answers[a.Key] = a
	b.wg.Go(func() {
		select {
		case <-time.After(earlyCommitDelay):
			_, _ = b.ledger.Answer(b.ctx, payer, r) // nobody waits for it: that is the fault
		case <-b.ctx.Done():
		}
	})
	return a
}

// wait returns when every payment that was answered is booked or lost.
func (b *earlyLedger) wait() { b.wg.Wait() }
