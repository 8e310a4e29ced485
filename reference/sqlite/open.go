package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Config is what a store is opened with. Path, Kind, Application, Version,
// Schema and Closed must be set.
type Config struct {
	Path string // the file; its log lies beside it
	VFS  string // registered name of the file layer (go-sqlite3/vfs); empty is the operating system's

	Kind        string // what the file is called in errors, such as "ledger"
	Application int32  // application_id in the file's header: other files are refused
	Version     int    // user_version: raised when an older program would misread the tables
	// Schema makes the tables of a new file: statements that begin with CREATE at
	// the beginning of a line, in SQLite's own spelling, and INSERTs.
	Schema string
	Closed error // returned by what is asked of the store after its end

	// Create makes the file if there is none, or nothing in it. Without it that is
	// an error, fs.ErrNotExist.
	Create bool
	// Exclusive locks the file until Close, against readers too. A file layer then
	// needs no shared memory.
	Exclusive bool
	// Check holds every page and every index against the others at the opening: a
	// damaged file is refused. It reads the whole file.
	Check    bool
	Settings string // more PRAGMAs, run before anything is written

	MaxBatch int // functions in one transaction; default 256
	// CommitDelay is how long the first function of a transaction waits for others
	// to share its sync: commit_delay of PostgreSQL. 0 is not at all.
	CommitDelay time.Duration
	Queue       int // functions that may wait for the writer after Start; Update waits anyway
	// StopOnError ends the store at the first error of the disk but IsUnwritten:
	// after a failed sync nobody knows what is durable. Without it the store writes
	// over what a failed commit may have left, and goes on.
	StopOnError bool
	Hooks       Hooks
}

// Hooks are called by the goroutine that writes. They must not call the store.
// The zero value does nothing.
type Hooks struct {
	Begin func() // a transaction begins, perhaps with functions that an earlier one had
	// Flush is called when the functions of a transaction have returned. Its writes
	// belong to the transaction, and an error undoes all of it. Kill ends ctx.
	Flush func(ctx context.Context, tx *Tx) error
	// Done is called when the transaction is durable, and nobody has been told.
	Done func()
	// Undone is called when a transaction for which Begin was called was undone
	// because of cause. An error of its own ends the store, as with StopOnError.
	Undone func(tx *Tx, cause error) error
}

// busyTimeout is how long a shared file waits for a lock that a reader holds for
// an instant, in milliseconds.
const busyTimeout = 10_000

// uri names a file for SQLite. modeof gives its log the mode of the file itself.
func uri(path, vfs string) string {
	q := url.Values{}
	if vfs != "" {
		q.Set("vfs", vfs)
	} else if abs, err := filepath.Abs(path); err == nil {
		q.Set("modeof", abs)
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// open opens the file of cfg for the one connection that writes.
func open(cfg *Config) (*conn, error) {
	flags := sqlite3.OPEN_READWRITE | sqlite3.OPEN_URI
	if cfg.Create {
		flags |= sqlite3.OPEN_CREATE
		placed, err := cfg.place()
		if err != nil {
			return nil, err
		}
		if placed { // it is as it was made
			unchecked := *cfg
			unchecked.Check = false
			cfg = &unchecked
		}
	}
	if cfg.VFS == "" {
		if err := private(cfg); err != nil {
			return nil, err
		}
	}
	sc, err := sqlite3.OpenFlags(uri(cfg.Path, cfg.VFS), flags)
	if err != nil {
		if !cfg.Create && errors.Is(err, sqlite3.CANTOPEN) {
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return nil, err
	}
	c := &conn{c: sc, stmts: map[string]*sqlite3.Stmt{}}
	if err := guard(func() error { return c.prepareFile(cfg) }); err != nil {
		return nil, errors.Join(err, c.close(true))
	}
	return c, nil
}

// private makes the files, if they may be made, readable by their owner alone;
// SQLite would make them readable by all. The log gets the mode of the file.
func private(cfg *Config) error {
	flags := os.O_RDWR
	if cfg.Create {
		flags |= os.O_CREATE
	}
	names := []string{cfg.Path}
	if !cfg.Exclusive {
		names = append(names, cfg.Path+"-shm") // scratch, emptied by whoever opens it first
	}
	for _, name := range names {
		f, err := os.OpenFile(name, flags, 0o600)
		if err != nil {
			if name == cfg.Path {
				return err
			}
			return nil
		}
		info, err := f.Stat()
		if err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			err = f.Chmod(0o600)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		flags |= os.O_CREATE
	}
	return nil
}

// SyncDir makes the names in a directory durable: a file without a name is lost
// with the power. SQLite does it itself for a log, with the first commit.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it cannot sync a directory, and its file systems journal names
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// prepareFile makes every commit durable and the tables of a new file.
//
// A log syncs once a commit, a rollback journal several times. A file layer
// without shared memory can only have a log with Exclusive, and else stays with
// the journal it has. With synchronous=EXTRA both are durable: it is FULL with a
// log, and with a journal it makes the journal's removal durable too, without
// which a power failure brings the journal back and takes a commit away. SQLite's
// default with a log, NORMAL, may lose a commit with the power
// (https://sqlite.org/pragma.html#pragma_synchronous). fullfsync is what a sync
// takes on iOS and macOS to reach the flash.
func (c *conn) prepareFile(cfg *Config) error {
	settings := fmt.Sprintf("PRAGMA busy_timeout=%d", busyTimeout)
	if cfg.Exclusive {
		settings = "PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE"
	}
	if err := c.c.Exec(settings + "; PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; " + cfg.Settings); err != nil {
		return err
	}
	mode, err := c.pragma("journal_mode=WAL")
	if err != nil {
		return locked(cfg, err)
	}
	switch mode {
	case "wal", "delete", "truncate", "persist":
	default:
		return fmt.Errorf("journal mode %q does not survive a crash: use a file layer with files", mode)
	}
	err = c.c.Exec("PRAGMA synchronous=EXTRA; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON")
	if err == nil && cfg.Exclusive {
		err = c.c.Exec("BEGIN EXCLUSIVE; COMMIT")
	}
	if err != nil {
		return locked(cfg, err)
	}
	fresh, err := c.identify(cfg)
	switch {
	case err != nil:
		return err
	case fresh && !cfg.Create:
		return fmt.Errorf("%w: there is no %s in the file", fs.ErrNotExist, cfg.Kind)
	case fresh:
		return c.c.Exec(cfg.createTables())
	}
	return c.examine(cfg)
}

// voided is a table of each store: its row is changed to write over what a failed
// commit may have left.
const voided = "CREATE TABLE voided (n INTEGER NOT NULL) STRICT; INSERT INTO voided VALUES (0)"

// ErrLocked is returned for a file that another program has open.
var ErrLocked = errors.New("another program has it open: close that first")

func locked(cfg *Config, err error) error {
	if errors.Is(err, sqlite3.BUSY) {
		return fmt.Errorf("%s: %w", cfg.Kind, ErrLocked)
	}
	return err
}

// identify refuses the files of others. It reports whether the file is new.
func (c *conn) identify(cfg *Config) (fresh bool, err error) {
	id, err1 := c.pragma("application_id")
	version, err2 := c.pragma("user_version")
	tables, err3 := c.pragma("schema_version")
	if err := errors.Join(err1, err2, err3); err != nil {
		return false, err
	}
	switch {
	case id == "0" && version == "0" && tables == "0":
		return true, nil
	case id != fmt.Sprint(cfg.Application):
		return false, fmt.Errorf("the file is a database, but not a %s: name another file", cfg.Kind)
	case version != fmt.Sprint(cfg.Version):
		return false, fmt.Errorf("the %s has format %s and this program knows %d: use the program that wrote it", cfg.Kind, version, cfg.Version)
	}
	return false, nil
}

// ErrDamaged is returned for a file that is not as it was written.
var ErrDamaged = errors.New("the file is damaged")

// IsDamaged reports whether err is ErrDamaged, or SQLite's own word for it.
func IsDamaged(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB)
}

// guard makes an error of the panic of go-sqlite3 v0.37.0 at a table definition
// that cannot be parsed: it takes the place of the mistake for one in the
// statement being prepared (Conn.errorFor).
func guard(f func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case runtime.Error:
			err = fmt.Errorf("%w: its tables cannot be read (%w)", ErrDamaged, p)
		default:
			panic(p)
		}
	}()
	return f()
}

// maxDamages is how many damages an error names.
const maxDamages = 3

// examine refuses a damaged file: pages and indexes that disagree, if asked for,
// and tables other than those that were made.
func (c *conn) examine(cfg *Config) error {
	if !cfg.Check {
		return nil
	}
	var damages []error
	err := c.query(fmt.Sprintf("PRAGMA integrity_check(%d)", maxDamages), func(r Row) error {
		if text := r.Text(0); text != "ok" {
			damages = append(damages, errors.New(text))
		}
		return nil
	})
	if err == nil {
		err = errors.Join(damages...)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	want := "\n" + cfg.Schema + "\n" + voided
	missing := strings.Count(want, "\nCREATE ")
	err = c.query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", func(r Row) error {
		missing--
		if !strings.Contains(want, r.Text(0)) {
			return fmt.Errorf("%w: it was not made with %.60q", ErrDamaged, r.Text(0))
		}
		return nil
	})
	if err == nil && missing != 0 {
		err = fmt.Errorf("%w: it does not have the tables it was made with", ErrDamaged)
	}
	return err
}

// IsUnwritten reports whether err is one of a disk that did not take what was
// written, because it is full, say: nothing was stored, and what was stored before
// is as it was. The file layer of the operating system in go-sqlite3 v0.37.0 says
// IOERR_WRITE of a full disk: it looks for the bare ENOSPC in an error that package
// os has wrapped. The index of a log needs room, too.
func IsUnwritten(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR_WRITE) || errors.Is(err, sqlite3.IOERR_SHMSIZE)
}

// hint says more of an error, where SQLite says too little.
func hint(err error) error {
	if IsUnwritten(err) && !errors.Is(err, sqlite3.FULL) {
		return fmt.Errorf("%w: is the disk full?", err)
	}
	return err
}
