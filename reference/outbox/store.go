package outbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// ErrClosed is returned by the methods of a store or a wallet after Close or Kill. Nothing
// was changed.
var ErrClosed = errors.New("the wallet is closed: open it again")

// ErrDamaged is returned if the history on disk is not the one that was stored.
var ErrDamaged = errors.New("the wallet's queue is damaged: keep its folder as it is, have the bank say which orders are paid, and pay from a new wallet")

// Config configures a queue. Path must be set.
type Config struct {
	Path string // the file; its log and its mark lie beside it
	VFS  string // registered name of the file layer (go-sqlite3/vfs), which then keeps no mark; empty is the operating system's

	// Verify is called with each payment and its final answer when they are read: an error
	// means that the answer is not the bank's. Nil accepts every answer.
	Verify func(*pay.Payment, *pay.Answer) error

	Gather func(stop <-chan struct{}) // waits for changes that share a sync, see sqlite.Config
}

func (c Config) file() sqlite.Config {
	return sqlite.Config{
		Path: c.Path, VFS: c.VFS, Kind: "wallet queue", Application: applicationID, Version: schemaVersion,
		Schema: schema(), Settings: settings, Closed: ErrClosed, Exclusive: true, Check: true, Gather: c.Gather,
	}
}

// Store is the durable queue of one wallet: an SQLite file. The file is locked until
// Close: two programs on one queue would both send it.
//
// An open store holds some 350 KB of memory (resident, measured over 200 stores with
// five payments each, on Linux): 320 KB of them are the linear memory that its own
// SQLite, which is compiled from WebAssembly, begins with. It does not grow with the
// length of the queue by more than SQLite's page cache, at most 2 MB. On 64-bit
// machines it also reserves 256 MB of addresses, which cost no memory. A process may
// have as many stores as it has memory maps for two each: some 32,000 on Linux
// (vm.max_map_count).
//
// Its methods may be called from several goroutines. A change is durable when the method
// returns; a change that fails is not stored: see sqlite.Store.Update. So a kill loses
// nothing: the file then holds exactly what was acknowledged.
type Store struct {
	cfg  Config
	db   *sqlite.Store
	mark mark  // of the goroutine that writes, as last is
	last int64 // row of the payment accepted last
}

// Create creates the queue and opens it. If the file exists without a payment, as a failed
// Create leaves it, Create opens that one. A queue with payments is an error, fs.ErrExist.
func Create(cfg Config) (*Store, error) {
	noted, err := cfg.noted()
	if err != nil {
		return nil, fmt.Errorf("make wallet queue %s: %w", cfg.Path, err)
	}
	if noted > 0 {
		return nil, fmt.Errorf("make wallet queue %s: %w: it was in use, as %s says: open it, or choose another folder", cfg.Path, fs.ErrExist, markPath(cfg.Path))
	}
	s, hs, err := open(cfg, true)
	if err == nil && len(hs) > 0 {
		return nil, errors.Join(fmt.Errorf("make wallet queue %s: %w: it is not empty (payments: %d): open it, or choose another folder", cfg.Path, fs.ErrExist, len(hs)), s.Close())
	}
	return s, err
}

// Open opens the queue. A missing queue is an error, fs.ErrNotExist: with a new queue the
// wallet would pay again what it has paid. The caller closes the store, after the wallets
// on it.
func Open(cfg Config) (*Store, error) {
	s, _, err := open(cfg, false)
	return s, err
}

func open(cfg Config, create bool) (s *Store, hs []PaymentHistory, err error) {
	s = &Store{cfg: cfg}
	file := cfg.file()
	file.Create = create
	file.Hooks = sqlite.Hooks{Begin: s.mark.begin, Done: s.mark.done}
	noted, err := cfg.noted()
	if err == nil {
		s.db, err = sqlite.Open(file)
	}
	if err != nil {
		return nil, nil, explain(cfg.Path, err)
	}
	if hs, err = s.all(nil); err == nil {
		err = lagging(hs, noted)
	}
	if err == nil && cfg.VFS == "" {
		s.mark.file, err = os.OpenFile(markPath(cfg.Path), os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, nil, errors.Join(explain(cfg.Path, err), s.db.Kill()) // a log is kept as it is
	}
	s.mark.steps = steps(hs)
	for i := range hs {
		s.last = max(s.last, hs[i].id)
	}
	return s, hs, nil
}

// explain adds to an error what to do about a queue that cannot be opened.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no wallet queue %s: if it was lost, put it back, for what it has paid would be paid again; a new wallet makes its own: %w", path, err)
	case errors.Is(err, sqlite.ErrLocked):
		return fmt.Errorf("another program has this wallet open: close it first: %w", err)
	case sqlite.IsDamaged(err) && !errors.Is(err, ErrDamaged):
		return fmt.Errorf("open wallet queue %s: %w: %w", path, ErrDamaged, err)
	}
	return fmt.Errorf("open wallet queue %s: %w", path, err)
}

// noted returns the queue's mark.
func (c Config) noted() (int64, error) {
	if c.VFS != "" {
		return 0, nil
	}
	return readMark(c.Path)
}

// ReadHistory returns every payment in the queue of cfg.Path with every attempt,
// oldest first. It writes nothing, so it can read the queue of a running wallet, or one on
// a read-only disk.
func ReadHistory(cfg Config) (hs []PaymentHistory, err error) {
	noted, err := cfg.noted() // before the queue, which may go on meanwhile
	if err != nil {
		return nil, explain(cfg.Path, err)
	}
	r, err := sqlite.TakeSnapshot(cfg.file())
	if err != nil {
		return nil, explain(cfg.Path, err)
	}
	hs, err = history(&r.Tx, cfg.Verify)
	if err == nil {
		err = lagging(hs, noted)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, explain(cfg.Path, err)
	}
	return hs, nil
}

// Close ends the store. It commits the changes under way; later calls return ErrClosed. It
// may be called more than once, and while wallets still use the store: for them it is like
// a crash.
func (s *Store) Close() error { return s.closed(s.db.Close()) }

// Kill ends the store as a crash would: the log stays beside the file, and the next opening
// reads it. That saves the time to copy it into the file. A committed change is still
// acknowledged.
func (s *Store) Kill() error { return s.closed(s.db.Abandon()) }

func (s *Store) closed(err error) error {
	if s.mark.file == nil {
		return err
	}
	if failed := s.mark.file.Close(); !errors.Is(failed, fs.ErrClosed) {
		err = errors.Join(err, failed)
	}
	return err
}
