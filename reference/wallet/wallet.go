package wallet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
	"github.com/onebar/onebar/reference/vault"
)

// Config is what a wallet needs. Account, Vault, Bank and Dialer must be set.
type Config struct {
	Account string            // names this wallet in logs; it is not sent
	Vault   vault.Vault       // signs requests; receipts name its identity
	Bank    ed25519.PublicKey // verifies the bank's receipts; requests are signed for the bank with this key
	Dialer  channel.Dialer    // opens channels to the bank, with the vault's wallet authenticated

	// Rand is the source of idempotency keys and of the jitter between attempts. It must
	// be safe for concurrent use. Nil is crypto/rand. Anything else is for tests: an
	// attacker who can guess a key can block its payment.
	Rand  io.Reader
	Retry retry.Policy
	// Clock is the device's wall clock. Nil is time.Now.
	Clock pay.Clock
	// Stagger is for simulations, and 0 in production. If an event wakes several payments
	// at the same instant, such as a connection that opens, each payment continues after
	// a lag between 0 and Stagger, drawn once for the payment. Without it the scheduler
	// would choose the order, and a seed could not repeat the run.
	Stagger time.Duration
	// Told is called with each state that the user must see, after the state is durable.
	// The calls for one payment come in order; those for several payments may overlap. It
	// must return soon and not call the wallet. Nil is not called.
	Told func(outbox.Payment)
	// Attempted is called at the end of each attempt, before Told. The same rules hold.
	Attempted func(outbox.Payment, outbox.Attempt)
	Log       *slog.Logger // nil discards
}

func (c Config) withDefaults() (Config, error) {
	if c.Account == "" || c.Vault == nil || c.Dialer == nil || len(c.Bank) != ed25519.PublicKeySize {
		return c, errors.New("open wallet: it needs an account, a vault, the bank's receipt key and a way to dial the bank")
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Told == nil {
		c.Told = func(outbox.Payment) {}
	}
	if c.Attempted == nil {
		c.Attempted = func(outbox.Payment, outbox.Attempt) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("wallet", c.Account)
	c.Retry = c.Retry.WithDefaults()
	return c, nil
}

// Wallet accepts payments and attempts them in the background. Its methods may be called
// from several goroutines.
type Wallet struct {
	cfg        Config
	store      *outbox.Store
	backoff    *retry.Backoff
	connection *connection
	slots      chan struct{} // an attempt under way holds one

	ctx    context.Context // of everything in the background
	cancel context.CancelFunc
	wg     sync.WaitGroup // senders, and calls that end in Told
	dead   atomic.Bool    // killed: nothing more is stored or reported

	mu       sync.Mutex
	closed   bool
	resuming bool // Open has not returned
	senders  map[pay.Key]*sender
}

// Open opens the wallet on its store and resumes its unfinished payments. Before it returns
// it reports a payment as unknown that was under way when the wallet ended. A store serves
// one wallet at a time. The caller closes the wallet, and owns the store.
func Open(store *outbox.Store, cfg Config) (*Wallet, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	var seed [16]byte
	if _, err := io.ReadFull(cfg.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("open wallet: draw a seed: %w", err)
	}
	w := &Wallet{
		cfg:     cfg,
		store:   store,
		backoff: retry.NewBackoff(cfg.Retry, binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])),
		slots:   make(chan struct{}, cfg.Retry.Together),
		senders: map[pay.Key]*sender{}, resuming: true,
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.connection = newConnection(w.ctx, cfg)
	if err := w.resume(); err != nil {
		w.cancel()
		return nil, fmt.Errorf("open wallet: %w", err)
	}
	w.resuming = false
	return w, nil
}

func (w *Wallet) resume() error {
	ps, err := w.store.Unfinished()
	if err != nil {
		return err
	}
	for i := range ps {
		p := &ps[i]
		if p.State != outbox.Sent {
			continue
		}
		p.State, p.Reason = outbox.Unknown, "the wallet ended while the payment was under way"
		if err := w.store.Change(p, outbox.Sent, nil); err != nil {
			return err
		}
		w.cfg.Told(*p)
	}
	for _, p := range ps {
		w.start(p, min(p.Connected, w.cfg.Retry.Early()), true)
	}
	return nil
}

// Pay accepts a payment. If the order has a payment that is not refused, it returns that
// one; if that one rests because its attempts are used up, it gets a few more. If Pay
// returns no error, the payment is durable and the wallet attempts it until it has a final
// state, even after a later Open. After an error the payment is not stored and will not be
// made.
func (w *Wallet) Pay(ctx context.Context, o Order) (outbox.Payment, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Payment{}, err
	}
	if err := w.enter(); err != nil {
		return outbox.Payment{}, err
	}
	defer w.wg.Done()
	p, err := w.newPayment(o)
	if err != nil {
		return outbox.Payment{}, err
	}
	got, fresh, err := w.store.Accept(p)
	if err != nil {
		return outbox.Payment{}, fmt.Errorf("take the payment: %w", err)
	}
	switch {
	case fresh:
		w.cfg.Told(got)
		w.start(got, 0, true)
	case !got.State.Final() && w.rests(got.Key):
		w.start(got, w.cfg.Retry.Early(), false)
	}
	return got, nil
}

func (w *Wallet) newPayment(o Order) (outbox.Payment, error) {
	key, err := pay.NewKey(w.cfg.Rand)
	if err != nil {
		return outbox.Payment{}, fmt.Errorf("take the payment: %w", err)
	}
	p := outbox.Payment{Payment: pay.Payment{
		Key: key, Order: o.ID, Payee: o.Payee, Amount: o.Amount, Currency: o.Currency,
		Created: w.cfg.Clock.Now().UnixMilli(),
	}}
	if !o.Deadline.IsZero() {
		p.Deadline = o.Deadline.UnixMilli()
	}
	if o.ID == "" {
		return outbox.Payment{}, errors.New("take the payment: the order has no name: without one a second press would pay twice")
	}
	if err := p.Validate(); err != nil {
		return outbox.Payment{}, fmt.Errorf("take the payment: %w", err)
	}
	return p, nil
}

// enter begins a call that Close and Kill wait for.
func (w *Wallet) enter() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.dead.Load() {
		return outbox.ErrClosed
	}
	w.wg.Add(1)
	return nil
}

// start starts a sender for p, which has made so many attempts of its round. If p has a
// sender already, that one begins a new round. If sure is false, p may differ from the
// stored payment, and the sender reads it again.
func (w *Wallet) start(p outbox.Payment, made int, sure bool) *sender {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.senders[p.Key]; c != nil {
		ring(c.wake)
		return c
	}
	c := &sender{
		w: w, p: p, s: retry.Status{Early: made}, began: time.Now(),
		lag: w.backoff.Draw(0, w.cfg.Stagger), resumes: w.resuming, sure: sure,
		wake: make(chan struct{}, 1), heard: make(chan struct{}, 1), linkUp: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if w.closed {
		close(c.done)
		return c
	}
	w.senders[p.Key] = c
	w.wg.Go(c.run)
	return c
}

// rests reports whether the payment has no sender.
func (w *Wallet) rests(key pay.Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.senders[key] == nil
}

// alone reports whether there is at most one sender.
func (w *Wallet) alone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.senders) < 2
}

// heard tells the senders that the bank has answered one of them.
func (w *Wallet) heard() { w.tell(func(c *sender) { ring(c.heard) }) }

// LinkUp tells the wallet that the device's link carries packets again, or has a new
// address. The wallet then attempts every waiting payment at once; it sends nothing if
// none waits. Without the call the wallet finds out by itself, within the pauses of its
// retry.Policy. LinkUp does not block, and may be called at any time, from several
// goroutines.
func (w *Wallet) LinkUp() {
	w.connection.linkUp()
	w.tell(func(c *sender) { ring(c.linkUp) })
}

// tell calls f for each sender, always in the same order, so that a run can be repeated.
func (w *Wallet) tell(f func(*sender)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range slices.SortedFunc(maps.Keys(w.senders), pay.Key.Compare) {
		f(w.senders[key])
	}
}

// Await waits until the payment with this key has a final state, or rests because its
// attempts are used up, or ctx is done. It returns the payment as it is then on disk. An
// error means that it could not be read.
func (w *Wallet) Await(ctx context.Context, key pay.Key) (outbox.Payment, error) {
	w.mu.Lock()
	c := w.senders[key]
	w.mu.Unlock()
	if c != nil {
		select {
		case <-c.done:
		case <-ctx.Done():
		}
	}
	return w.store.Find(key)
}

// Sync begins a new round for every payment without a final state, even if its attempts
// were used up. It waits until each has a final state or rests again, or ctx is done. It
// returns nil if no payment is left without a final state.
func (w *Wallet) Sync(ctx context.Context) error {
	if err := w.enter(); err != nil {
		return err
	}
	ps, err := w.store.Unfinished()
	var cs []*sender
	for _, p := range ps {
		cs = append(cs, w.start(p, 0, false))
	}
	w.wg.Done()
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	for _, c := range cs {
		select {
		case <-c.done:
		case <-ctx.Done():
		}
	}
	if ps, err = w.store.Unfinished(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if len(ps) > 0 {
		have := "payments have"
		if len(ps) == 1 {
			have = "payment has"
		}
		return fmt.Errorf("sync: %d %s no final answer yet: sync again when there is signal", len(ps), have)
	}
	return nil
}

// History returns every payment of the wallet with every attempt, oldest first.
func (w *Wallet) History() ([]outbox.PaymentHistory, error) { return w.store.History() }

// Close interrupts the attempts under way and waits for all goroutines of the wallet.
// Payments stay on disk as they are; the next Open resumes them.
func (w *Wallet) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cancel()
	w.wg.Wait()
	w.connection.wait()
	return nil
}

// Kill ends the wallet as a crash would: what it receives from now on is neither stored nor
// reported. A change that is being stored at this moment is reported if it is durable.
func (w *Wallet) Kill() {
	w.dead.Store(true)
	_ = w.Close()
}
