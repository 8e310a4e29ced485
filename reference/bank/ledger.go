package bank

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/onebar/onebar/reference/pay"
)

// ErrClosed is returned by a Ledger after its Close or Kill.
var ErrClosed = errors.New("the bank is closed")

// LedgerConfig is what a ledger is opened with.
type LedgerConfig struct {
	Path     string             // the database file; SQLite keeps a log beside it
	VFS      string             // the registered name of the file layer (go-sqlite3/vfs); empty is the operating system's
	Receipts ed25519.PrivateKey // signs answers

	MaxAmount int64 // minor units, the largest payment; default and at most pay.MaxAmount
	MaxBatch  int   // requests in one transaction; default 256
	// CommitDelay is how long the first request of a transaction waits for others
	// to share its sync: commit_delay of PostgreSQL. 0 is not at all.
	CommitDelay time.Duration
	Queue       int              // requests that may wait for the writer, the rest is answered "busy"; default 4096
	Now         func() time.Time // the bank's clock; default time.Now
	Log         *slog.Logger     // nil discards
	Hooks       Hooks

	// Recall has OpenLedger call Hooks.Committed with every booking there is, in
	// their order: of those the bank was making durable when it crashed nobody has
	// been told.
	Recall bool
}

// Hooks let a test or a harness watch a bank and get in its way. They may be
// called from several goroutines and must not call the Ledger.
// The zero value does nothing.
type Hooks struct {
	// BeforeCommit is called with the keys of the payments about to be booked,
	// when the transaction has been written but not committed. If the ledger is
	// killed meanwhile, which ends ctx, it is not committed at all.
	BeforeCommit func(ctx context.Context, keys []pay.Key)
	// Committed is called with the same keys once the bookings are durable, and
	// before any of them is answered. A crash may come in between: see
	// LedgerConfig.Recall.
	Committed func(keys []pay.Key)
}

// Account is somebody the ledger knows.
type Account struct {
	Name        string          // as a payee is named on the wire
	Certificate pay.Certificate // of the wallet that may pay from it; zero for a merchant, who cannot pay
	Currency    string          // ISO 4217 letters
	Opening     int64           // minor units, 0 to pay.MaxAmount
}

// Ledger is the bank's book. All its methods may be called from several
// goroutines. One process owns the file; readers beside it use [OpenAudit].
//
// One goroutine writes. It gathers the requests that arrived while the previous
// transaction was made durable into the next one, so that concurrent payments
// share the cost of a sync and a lone one waits for nobody.
type Ledger struct {
	cfg  LedgerConfig
	jobs chan *job

	ctx     context.Context //nolint:containedctx // the life of the writer, ended by Kill
	kill    context.CancelFunc
	closing chan struct{} // closed by Close and Kill: take no more jobs
	stopped chan struct{} // closed by the writer when it has ended
	failed  chan error    // has room for the one error after which nothing is booked
	once    sync.Once
	err     error // of closing the file; set before stopped

	identities identities
	w          writer
}

// job is one request on its way through the writer.
type job struct {
	payer       pay.PublicKey
	request     *pay.Request // nil: enroll
	fingerprint [32]byte
	enroll      *Account
	done        chan outcome // has room for the outcome
}

type outcome struct {
	answer *pay.Answer
	err    error
}

// OpenLedger opens the ledger in cfg.Path, or makes a new one. The caller closes
// it.
func OpenLedger(cfg LedgerConfig) (*Ledger, error) {
	if len(cfg.Receipts) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("open ledger %s: the receipt key has %d bytes, not %d", cfg.Path, len(cfg.Receipts), ed25519.PrivateKeySize)
	}
	if cfg.MaxAmount <= 0 || cfg.MaxAmount > pay.MaxAmount {
		cfg.MaxAmount = pay.MaxAmount
	}
	if cfg.MaxBatch <= 0 {
		cfg.MaxBatch = 256
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 4096
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	st, err := openStore(cfg.Path, cfg.VFS)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", cfg.Path, err)
	}
	l := &Ledger{
		cfg: cfg, jobs: make(chan *job, cfg.Queue),
		closing: make(chan struct{}), stopped: make(chan struct{}), failed: make(chan error, 1),
	}
	l.ctx, l.kill = context.WithCancel(context.Background())
	l.w = writer{cfg: &l.cfg, store: st, identities: &l.identities}
	if err = l.w.load(); err == nil {
		err = l.w.recall()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", cfg.Path, err), st.abandon())
	}
	go l.write()
	return l, nil
}

// Answer submits a request and waits for its answer. It returns once what the
// answer says is durable. When ctx ends first the request may still be dealt
// with.
func (l *Ledger) Answer(ctx context.Context, payer pay.PublicKey, r *pay.Request) (*pay.Answer, error) {
	return l.Submit(payer, r)(ctx)
}

// Submit implements [pay.Service].
func (l *Ledger) Submit(payer pay.PublicKey, r *pay.Request) func(context.Context) (*pay.Answer, error) {
	if err := r.Validate(); err != nil {
		return known(nil, fmt.Errorf("answer %v: %w", r.Payment.Key, err))
	}
	j := &job{payer: payer, request: r, fingerprint: r.Payment.Fingerprint(), done: make(chan outcome, 1)}
	select {
	case <-l.closing:
		return known(nil, ErrClosed)
	default:
	}
	select {
	case l.jobs <- j:
	default:
		return known(&pay.Answer{
			Key: r.Payment.Key, Result: pay.Refused, Reason: pay.Busy, At: l.cfg.Now().UnixMilli(),
		}, nil)
	}
	return func(ctx context.Context) (*pay.Answer, error) { return l.wait(ctx, j) }
}

// known is an answer that is known at once.
func known(a *pay.Answer, err error) func(context.Context) (*pay.Answer, error) {
	return func(context.Context) (*pay.Answer, error) { return a, err }
}

// Enroll opens an account, with an opening balance from the equity account of
// its currency. It verifies the certificate of the account's wallet, and Identify
// knows the wallet once Enroll has returned. To enroll the very same account again changes nothing.
func (l *Ledger) Enroll(ctx context.Context, a Account) error {
	j := &job{enroll: &a, done: make(chan outcome, 1)}
	select {
	case l.jobs <- j:
	case <-l.closing:
		return fmt.Errorf("enroll %s: %w", a.Name, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("enroll %s: %w", a.Name, ctx.Err())
	}
	if _, err := l.wait(ctx, j); err != nil {
		return fmt.Errorf("enroll %s: %w", a.Name, err)
	}
	return nil
}

func (l *Ledger) wait(ctx context.Context, j *job) (*pay.Answer, error) {
	select {
	case o := <-j.done:
		return o.answer, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.stopped:
		select {
		case o := <-j.done: // it was dealt with just before
			return o.answer, o.err
		default:
			return nil, ErrClosed
		}
	}
}

// Identify returns the identity that has certified this transport key, or false
// if no account has it. It does not wait for the writer.
func (l *Ledger) Identify(transport [32]byte) (identity pay.PublicKey, known bool) {
	return l.identities.find(transport)
}

// Failed yields the error after which the ledger refuses everything until it is
// opened again, once there is one: a sync that failed, say, after which nobody
// knows what is on the disk.
func (l *Ledger) Failed() <-chan error { return l.failed }

// Close deals with the requests that wait, closes the file and returns when all
// of it is done.
func (l *Ledger) Close() error {
	l.once.Do(func() { close(l.closing) })
	<-l.stopped
	return l.err
}

// Kill ends the ledger as a crash of the process would: what is not committed
// is lost, nobody is answered any more, and the file is left as it is. A commit
// that the operating system is about to make durable is waited for.
func (l *Ledger) Kill() error {
	l.kill()
	return l.Close()
}

// write is the writer's goroutine.
func (l *Ledger) write() {
	defer close(l.stopped)
	defer l.kill()
	batch := make([]*job, 0, l.cfg.MaxBatch)
	for {
		batch = l.gather(batch[:0])
		if len(batch) == 0 || l.ctx.Err() != nil {
			break
		}
		sound := l.w.broken == nil
		l.w.run(l.ctx, batch)
		if sound && l.w.broken != nil {
			l.failed <- l.w.broken
		}
		clear(batch)
	}
	if l.ctx.Err() != nil {
		l.err = l.w.store.abandon()
	} else {
		l.err = l.w.store.close()
	}
}

// gather waits for a job and takes with it those that wait already. Nothing
// means that the ledger is closing and no job is left.
func (l *Ledger) gather(batch []*job) []*job {
	select {
	case j := <-l.jobs:
		batch = append(batch, j)
		time.Sleep(l.cfg.CommitDelay)
	case <-l.closing:
	}
	for len(batch) < l.cfg.MaxBatch {
		select {
		case j := <-l.jobs:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}
