package bank

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// ErrClosed is returned by a Ledger after its Close or Kill.
var ErrClosed = errors.New("the bank is closed")

// DefaultMaxRefused is the default of LedgerConfig.MaxRefused.
const DefaultMaxRefused = 1000

// LedgerConfig configures a ledger.
type LedgerConfig struct {
	Path     string             // the database file; SQLite keeps a log beside it
	VFS      string             // the registered name of the file layer (go-sqlite3/vfs); empty is the operating system's
	Receipts ed25519.PrivateKey // signs answers

	// Create creates the ledger if there is none. Without Create that is an error,
	// fs.ErrNotExist: a new ledger would book again what a lost one has booked.
	Create bool

	MaxAmount int64 // minor units, the largest payment; default and at most pay.MaxAmount
	MaxBatch  int   // requests in one transaction; default 256
	// MaxRefused bounds the refusals that the bank remembers of one payer, each until a
	// day after the payment can no longer be booked (pay.Payment.BookableUntil). Beyond it
	// the bank answers "busy" instead of refusing, and remembers nothing. Default
	// DefaultMaxRefused.
	MaxRefused int
	// AllowRepeatedOrders books an order of a payer again under another key, as a bank
	// does that treats the order as a mere text. A wallet that lost its queue, or that
	// draws a key for each attempt, then pays twice.
	AllowRepeatedOrders bool
	Gather              func(stop <-chan struct{}) // waits for requests that share a sync, see sqlite.Config
	Queue               int                        // requests that may wait for the writer, the rest is answered "busy"; default 4096
	Clock               pay.Clock                  // the bank's; deadlines are compared with it. Nil is time.Now
	Log                 *slog.Logger               // nil discards
	Hooks               Hooks

	// ForgetAnswers makes OpenLedger delete the record of every answer, as if the records
	// had been in memory only. Such a bank books a payment again that it has booked: it is
	// a planted fault, for tests of the checks.
	ForgetAnswers bool
	// Recall makes OpenLedger call Hooks.Committed with every booking, in order. Bookings
	// that became durable just before a crash were not reported then.
	Recall bool
	// Resync makes OpenLedger make durable what it finds, see sqlite.Config.
	Resync bool
}

// Hooks let a test or a harness observe and delay a bank. They may be called from several
// goroutines and must not call the Ledger. The zero value does nothing.
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

// Account is an account of the ledger.
type Account struct {
	Name        string          // as a payee is named on the wire
	Certificate pay.Certificate // of the wallet that may pay from it; zero for a merchant, who cannot pay
	Currency    string          // ISO 4217 letters
	Opening     int64           // minor units, 0 to pay.MaxAmount
}

// Ledger is the bank's double-entry ledger. All its methods may be called from several
// goroutines. One process owns the file; other processes read it with [OpenAudit].
//
// Requests that arrive while a transaction is made durable share the next one: see
// sqlite.Store.
type Ledger struct {
	cfg LedgerConfig
	db  *sqlite.Store

	identities identities
	w          writer
}

// job is one request on its way through the writer.
type job struct {
	payer       pay.PublicKey
	request     *pay.Request
	fingerprint [32]byte
	answer      *pay.Answer // in the transaction that was made last
}

// OpenLedger opens the ledger in cfg.Path. The caller closes it.
func OpenLedger(cfg LedgerConfig) (*Ledger, error) {
	if len(cfg.Receipts) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("open ledger %s: the receipt key has %d bytes, not %d", cfg.Path, len(cfg.Receipts), ed25519.PrivateKeySize)
	}
	if cfg.MaxAmount <= 0 || cfg.MaxAmount > pay.MaxAmount {
		cfg.MaxAmount = pay.MaxAmount
	}
	if cfg.MaxRefused <= 0 {
		cfg.MaxRefused = DefaultMaxRefused
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 4096
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{cfg: cfg}
	l.w.cfg, l.w.identities = &l.cfg, &l.identities
	f := file(cfg.Path, cfg.VFS)
	f.Create, f.MaxBatch, f.Queue, f.Gather, f.Resync = cfg.Create, cfg.MaxBatch, cfg.Queue, cfg.Gather, cfg.Resync
	f.Hooks = sqlite.Hooks{Begin: l.w.begin, Flush: l.w.flush, Done: l.w.done, Undone: l.w.undone}
	var err error
	l.db, err = sqlite.Open(f)
	if errors.Is(err, fs.ErrNotExist) && !cfg.Create {
		err = fmt.Errorf("there is no ledger %s: if it was lost, put it back, for what it has booked would be booked again; a new bank makes its own: %w", cfg.Path, err)
	}
	if err != nil {
		return nil, err
	}
	err = l.db.View(func(tx *sqlite.Tx) error {
		if err := l.w.load(tx); err != nil {
			return err
		}
		return l.w.recall(tx)
	})
	if err == nil && cfg.ForgetAnswers {
		err = l.db.Update(forgetRecords)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", cfg.Path, err), l.Kill())
	}
	return l, nil
}

// Answer submits a request and waits for its answer. It returns when the result is durable.
// If ctx ends first, the request may still be carried out.
func (l *Ledger) Answer(ctx context.Context, payer pay.PublicKey, r *pay.Request) (*pay.Answer, error) {
	return l.Submit(payer, r)(ctx)
}

// Submit implements [pay.Service].
func (l *Ledger) Submit(payer pay.PublicKey, r *pay.Request) func(context.Context) (*pay.Answer, error) {
	if err := r.Validate(); err != nil {
		return known(nil, fmt.Errorf("answer %v: %w", r.Payment.Key, err))
	}
	j := &job{payer: payer, request: r, fingerprint: r.Payment.Fingerprint()}
	done, err := l.db.Start(func(tx *sqlite.Tx) (err error) {
		j.answer, err = l.w.answer(tx, j)
		return err
	})
	if errors.Is(err, sqlite.ErrBusy) {
		return known(l.busy(r), nil)
	}
	if err != nil {
		return known(nil, err)
	}
	return func(ctx context.Context) (*pay.Answer, error) {
		err := l.db.Await(ctx, done)
		switch {
		case sqlite.IsUnwritten(err):
			return l.busy(r), nil
		case err != nil:
			return nil, err
		}
		return j.answer, nil
	}
}

// busy returns the answer of a bank that cannot accept a request for now.
func (l *Ledger) busy(r *pay.Request) *pay.Answer {
	return &pay.Answer{Key: r.Payment.Key, Result: pay.Refused, Reason: pay.Busy, At: l.cfg.Clock.Milli()}
}

// known returns an answer that is known at once.
func known(a *pay.Answer, err error) func(context.Context) (*pay.Answer, error) {
	return func(context.Context) (*pay.Answer, error) { return a, err }
}

// Enroll opens accounts, each with an opening balance from the equity account of its
// currency. It verifies the certificates of their wallets, and Identify knows the wallets
// once Enroll has returned. Enrolling the same account again changes nothing. After an
// error, accounts before the one that it names may be open.
func (l *Ledger) Enroll(ctx context.Context, accounts ...Account) error {
	var refused error
	var name string
	err := ctx.Err()
	if err == nil {
		err = l.db.Update(func(tx *sqlite.Tx) (err error) {
			for i := 0; i < len(accounts) && err == nil && (i == 0 || refused == nil); i++ {
				name = accounts[i].Name
				refused, err = l.w.enroll(tx, &accounts[i])
			}
			return err
		})
	}
	if err = errors.Join(refused, err); err != nil {
		return fmt.Errorf("enroll %s: %w", name, err)
	}
	return nil
}

// Identify returns the identity that has certified this transport key, or false
// if no account has it. It does not wait for the writer.
func (l *Ledger) Identify(transport [32]byte) (identity pay.PublicKey, known bool) {
	return l.identities.find(transport)
}

// Failed yields the error after which the ledger refuses everything until it is opened
// again, such as a failed sync, after which it is unknown what is on the disk.
func (l *Ledger) Failed() <-chan error { return l.db.Failed() }

// Close answers the requests that wait, closes the file and returns.
func (l *Ledger) Close() error { return l.db.Close() }

// Kill ends the ledger as a crash of the process would: what is not committed is lost, no
// more requests are answered, and the file is left as it is. It waits for a commit that the
// operating system is making durable.
func (l *Ledger) Kill() error { return l.db.Kill() }
