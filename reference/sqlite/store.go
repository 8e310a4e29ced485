package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// Store runs functions in transactions. Its methods may be called from several goroutines.
//
// One goroutine writes. The functions that arrive while a transaction is made durable share
// the next transaction: so concurrent changes share the cost of a sync, and a single change
// does not wait. If a shared transaction fails, each function gets its own transaction, so
// that one bad change does not fail the others.
type Store struct {
	cfg     Config
	c       *conn
	work    chan *job
	ctx     context.Context //nolint:containedctx // the life of the writer, ended by Kill
	kill    context.CancelFunc
	closing chan struct{} // closed by Close and Kill: accept no more functions
	stop    func()
	done    chan struct{} // closed by the writer when it has ended
	asIs    atomic.Bool   // the log is left beside the file
	failed  chan error    // has room for the one error that ends the store
	err     error         // of closing the file; read after done

	// The writer's:
	void   bool  // a commit has failed, and a recovery could still find it in the log
	broken error // why no transaction can be trusted any more
}

type job struct {
	f    func(*Tx) error
	view bool
	done chan error // of capacity 1
}

// Open opens the file of cfg. The caller closes the store.
func Open(cfg Config) (*Store, error) {
	if cfg.MaxBatch <= 0 {
		cfg.MaxBatch = 256
	}
	c, err := open(&cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", cfg.Kind, cfg.Path, hint(err))
	}
	s := &Store{
		cfg: cfg, c: c, work: make(chan *job, cfg.Queue),
		closing: make(chan struct{}), done: make(chan struct{}), failed: make(chan error, 1),
	}
	s.ctx, s.kill = context.WithCancel(context.Background())
	s.stop = sync.OnceFunc(func() { close(s.closing) })
	go s.run()
	return s, nil
}

// Update runs f in a transaction and returns when the changes of f are durable. f may run
// more than once, each time on the state before it, so it must set its results anew each
// time. If f returns an error, its changes are undone and Update returns that error. If
// Update returns an error, f has changed nothing, with two exceptions in which that is not
// certain: the disk failed during a write and kept failing until the process ended, or the
// store was killed meanwhile.
func (s *Store) Update(f func(*Tx) error) error { return s.hand(&job{f: f}) }

// View runs f on the durable state, in one transaction, and returns its error. f must not
// change anything. View also works on a full disk.
func (s *Store) View(f func(*Tx) error) error { return s.hand(&job{f: f, view: true}) }

func (s *Store) hand(j *job) error {
	j.done = make(chan error, 1)
	select {
	case <-s.closing:
		return s.cfg.Closed
	default:
	}
	select {
	case s.work <- j:
	case <-s.done:
		return s.cfg.Closed
	}
	return s.Await(context.Background(), j.done)
}

// ErrBusy is returned by Start when Config.Queue functions wait already.
var ErrBusy = errors.New("too many changes wait")

// Start is Update for a caller that waits later, by Await with the channel that Start
// returns.
func (s *Store) Start(f func(*Tx) error) (<-chan error, error) {
	j := &job{f: f, done: make(chan error, 1)}
	select {
	case <-s.closing:
		return nil, s.cfg.Closed
	default:
	}
	select {
	case s.work <- j:
		return j.done, nil
	default:
		return nil, ErrBusy
	}
}

// Await returns what Update would. If ctx ends first, it returns the error of
// ctx, and f may still be made durable.
func (s *Store) Await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
	}
	select {
	case err := <-done: // just before the end
		return err
	default:
		return s.cfg.Closed
	}
}

// Failed yields the error after which every Update and View is refused until the
// file is opened again, once there is one. See Config.StopOnError.
func (s *Store) Failed() <-chan error { return s.failed }

// Close makes durable what was handed over, closes the file and returns when all
// of it is done. What comes later is refused with Config.Closed. It may be called
// more than once.
func (s *Store) Close() error {
	s.stop()
	<-s.done
	return s.err
}

// Abandon is Close without copying the log into the file: the next opening reads it.
// Who waits is told what has become of it.
func (s *Store) Abandon() error {
	s.asIs.Store(true)
	return s.Close()
}

// Kill ends the store as a crash of the process would: what is not committed is lost,
// callers get no result any more, and the file is left as it is. Kill waits for a commit
// that the operating system is making durable.
func (s *Store) Kill() error {
	s.kill()
	return s.Close()
}

func (s *Store) run() {
	defer close(s.done)
	defer s.kill()
	batch := make([]*job, 0, s.cfg.MaxBatch)
	for {
		batch = s.gather(batch[:0])
		if len(batch) == 0 || s.ctx.Err() != nil {
			break
		}
		s.commit(batch)
		clear(batch)
	}
	s.err = s.c.close(s.ctx.Err() != nil || s.asIs.Load())
}

// gather waits for a job, and returns it with the jobs that wait already. An empty batch
// means that the store is closing and no job is left.
func (s *Store) gather(batch []*job) []*job {
	select {
	case j := <-s.work:
		batch = append(batch, j)
		if s.broken == nil && s.cfg.Gather != nil { // otherwise nothing is committed
			s.cfg.Gather(s.closing)
		}
	case <-s.closing:
	}
	for len(batch) < s.cfg.MaxBatch {
		select {
		case j := <-s.work:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// commit makes a batch durable with one sync (group commit). After Kill callers get no
// result.
func (s *Store) commit(batch []*job) {
	if len(batch) > 1 && s.broken == nil && s.attempt(batch...) == nil {
		for _, j := range batch {
			s.tell(j, nil)
		}
		return
	}
	for _, j := range batch {
		err := s.broken
		if err == nil && s.ctx.Err() == nil {
			err = s.attempt(j)
		}
		s.tell(j, err)
	}
}

func (s *Store) tell(j *job, err error) {
	if s.ctx.Err() == nil {
		j.done <- err
	}
}

// attempt commits jobs in one transaction. A commit that fails while it is written may
// leave its frames in the log. A recovery after a crash could find them complete, although
// the caller was told that nothing was stored. So attempt overwrites them with a small
// change, now or, if the disk still fails, before the next change.
func (s *Store) attempt(jobs ...*job) error {
	changes := slices.ContainsFunc(jobs, func(j *job) bool { return !j.view })
	if err := s.cover(); err != nil && changes {
		return err
	}
	reached, err := s.transact(jobs, changes)
	if err == nil {
		if changes && s.cfg.Hooks.Done != nil {
			s.cfg.Hooks.Done()
		}
		return nil
	}
	if !changes {
		return fmt.Errorf("read %s %s: %w", s.cfg.Kind, s.cfg.Path, err)
	}
	s.void = reached == committing
	s.stopOn(err)
	if reached >= begun && s.cfg.Hooks.Undone != nil {
		if err := s.cfg.Hooks.Undone(&Tx{c: s.c}, err); err != nil {
			s.fail(err)
		}
	}
	if s.broken == nil {
		_ = s.cover() // if it fails and the store goes on, the next transaction begins with it
	}
	return fmt.Errorf("write %s %s: %w", s.cfg.Kind, s.cfg.Path, hint(err))
}

// stage is how far a transaction came.
type stage int

const (
	notBegun   stage = iota // BEGIN failed
	begun                   // Hooks.Begin was called
	committing              // COMMIT may have written
)

// transact runs jobs between BEGIN and COMMIT, and undoes them if any part
// fails.
func (s *Store) transact(jobs []*job, changes bool) (reached stage, err error) {
	begin := "BEGIN"
	if changes {
		begin = "BEGIN IMMEDIATE"
	}
	if err := s.c.query(begin, nil); err != nil {
		return notBegun, err
	}
	reached = begun
	if err = s.fill(jobs, changes); err == nil {
		reached = committing
		err = s.c.query("COMMIT", nil)
	}
	if err != nil && !s.c.c.GetAutocommit() {
		if failed := s.c.query("ROLLBACK", nil); failed != nil {
			s.fail(fmt.Errorf("a failed transaction could not be undone: %w", failed))
		}
	}
	return reached, err
}

// fill does everything of a transaction but its beginning and its end.
func (s *Store) fill(jobs []*job, changes bool) error {
	if changes && s.cfg.Hooks.Begin != nil {
		s.cfg.Hooks.Begin()
	}
	for _, j := range jobs {
		if err := j.f(&Tx{c: s.c, view: j.view}); err != nil {
			return err
		}
	}
	if changes && s.cfg.Hooks.Flush != nil {
		if err := s.cfg.Hooks.Flush(s.ctx, &Tx{c: s.c}); err != nil {
			return err
		}
	}
	if changes && s.ctx.Err() != nil {
		return s.cfg.Closed
	}
	return nil
}

// stopOn ends the store if Config.StopOnError says so of an error.
func (s *Store) stopOn(cause error) {
	if s.cfg.StopOnError && !IsUnwritten(cause) && (errors.Is(cause, sqlite3.IOERR) || errors.Is(cause, sqlite3.CORRUPT)) {
		s.fail(cause)
	}
}

// fail ends the store: nothing this process believes about the file is certain
// any more.
func (s *Store) fail(cause error) {
	if s.broken == nil {
		s.broken = fmt.Errorf("the file of the %s failed, open it again: %w", s.cfg.Kind, cause)
		s.failed <- s.broken
	}
}

// cover writes over what a failed commit may have left in the log.
func (s *Store) cover() error {
	if !s.void {
		return nil
	}
	if err := s.c.query("UPDATE voided SET n = n + 1", nil); err != nil {
		s.stopOn(err)
		return fmt.Errorf("write %s %s: %w", s.cfg.Kind, s.cfg.Path, hint(err))
	}
	s.void = false
	return nil
}
