package outbox

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// ErrClosed is returned by everything asked of a store or a wallet after its
// end. Nothing was changed.
var ErrClosed = errors.New("the wallet is closed: open it again")

// maxBatch bounds how many changes share one commit, and so how long the first
// of them waits for the others to be made.
const maxBatch = 256

// Store is the durable queue of one wallet: an SQLite file.
//
// An open store holds some 350 KB of memory (resident, measured over 200 stores with
// five payments each, on Linux): 320 KB of them are the linear memory that its own
// SQLite, which is compiled from WebAssembly, begins with. It does not grow with the
// length of the queue by more than SQLite's page cache, at most 2 MB. On 64-bit
// machines it also reserves 256 MB of addresses, which cost no memory. A process may
// have as many stores as it has memory maps for two each: some 32,000 on Linux
// (vm.max_map_count).
//
// Its methods may be called from several goroutines. A change is durable when
// the method returns, and one that fails is not stored; only if the disk fails
// while something is written and goes on failing until the phone dies is that
// not certain. There is nothing to lose in memory: after a kill the file
// holds exactly what has been acknowledged.
type Store struct {
	db   *db
	work chan job
	stop func()
	quit chan struct{}
	done chan struct{}
	err  error // of closing, read after done
	kill atomic.Bool
	void bool // a commit has failed and may yet come back from the log
}

type job struct {
	f    func(*db) error
	read bool       // f changes nothing
	done chan error // of capacity 1
}

// OpenStore opens the queue at dsn and makes it if there is none. The dsn is a
// file name or an SQLite URI, which can name another file layer:
// "file:wallet.db?vfs=NAME". The caller closes the store, after the wallets on
// it.
func OpenStore(dsn string) (*Store, error) {
	d, err := openDB(dsn)
	if err != nil {
		return nil, fmt.Errorf("open wallet queue %s: %w", dsn, err)
	}
	s := &Store{db: d, work: make(chan job), quit: make(chan struct{}), done: make(chan struct{})}
	s.stop = sync.OnceFunc(func() { close(s.quit) })
	go s.run()
	return s, nil
}

// Close ends the store. What is being committed is committed; what waits is
// refused with ErrClosed. It may be called more than once, and while wallets
// still use the store: to them that is a crash.
func (s *Store) Close() error {
	s.stop()
	<-s.done
	return s.err
}

// Kill is Close as a crash would be: the log stays as it is beside the file, and the
// next opening reads it. That saves copying it into the file.
func (s *Store) Kill() error {
	s.kill.Store(true)
	return s.Close()
}

// do runs f in a transaction and returns once it is durable. f may run more
// than once, each time from the state before it. If do returns an error, f has
// changed nothing.
func (s *Store) do(f func(*db) error) error { return s.hand(job{f: f}) }

// read is do for an f that changes nothing. It also works on a full disk.
func (s *Store) read(f func(*db) error) error { return s.hand(job{f: f, read: true}) }

func (s *Store) hand(j job) error {
	j.done = make(chan error, 1)
	select {
	case s.work <- j:
		return <-j.done
	case <-s.done:
		return ErrClosed
	}
}

func (s *Store) run() {
	defer close(s.done)
	defer func() { s.err = s.end() }()
	for {
		select {
		case <-s.quit:
			return
		case j := <-s.work:
			s.commit(s.gather(j))
		}
	}
}

func (s *Store) end() error {
	if s.kill.Load() {
		if _, err := s.db.c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
			return errors.Join(err, s.db.close())
		}
	}
	return s.db.close()
}

// gather returns first and every change that waits already.
func (s *Store) gather(first job) []job {
	batch := []job{first}
	for len(batch) < maxBatch {
		select {
		case j := <-s.work:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// commit makes a batch durable with one sync (group commit). If the batch
// fails, each change is tried on its own, so that a full disk or one bad change
// fails only what it must.
func (s *Store) commit(batch []job) {
	if len(batch) > 1 && s.try(batch...) == nil {
		for _, j := range batch {
			j.done <- nil
		}
		return
	}
	for _, j := range batch {
		j.done <- s.try(j)
	}
}

// try commits jobs in one transaction. A commit that fails while it is being
// written may have left its frames in the log, where a recovery after a crash
// could find them whole although the caller is told that nothing was stored. So
// a small change of its own is written over them, now or, if the disk still
// fails, before anything else is done.
func (s *Store) try(jobs ...job) error {
	changes := slices.ContainsFunc(jobs, func(j job) bool { return !j.read })
	if err := s.cover(); err != nil && changes {
		return err
	}
	all := func() error {
		for _, j := range jobs {
			if err := j.f(s.db); err != nil {
				return err
			}
		}
		return nil
	}
	if !changes { // nobody else has the file open: it stays as it is from one statement to the next
		if err := all(); err != nil {
			return fmt.Errorf("read wallet queue: %w", err)
		}
		return nil
	}
	writing := false
	err := s.db.transact(func() error {
		err := all()
		writing = err == nil
		return err
	})
	if err == nil {
		return nil
	}
	s.void = writing
	_ = s.cover() // if it fails, the next try begins with it
	return fmt.Errorf("write wallet queue: %w", err)
}

// cover writes over what a failed commit may have left in the log.
func (s *Store) cover() error {
	if !s.void {
		return nil
	}
	if err := s.db.query("UPDATE voided SET n = n + 1", nil); err != nil {
		return fmt.Errorf("write wallet queue: %w", err)
	}
	s.void = false
	return nil
}
