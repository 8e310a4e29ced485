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

	"github.com/ncruces/go-sqlite3"
)

// Config configures a store. Path, Kind, Application, Version, Schema and Closed must be
// set.
type Config struct {
	Path string // the file; its log lies beside it
	VFS  string // registered name of the file layer (go-sqlite3/vfs); empty is the operating system's

	Kind        string // what the file is called in errors, such as "ledger"
	Application int32  // application_id in the file's header: other files are refused
	Version     int    // user_version: raised when an older program would misread the tables
	// Schema creates the tables of a new file: CREATE statements, each of which begins a
	// line, written as SQLite stores them, and INSERTs.
	Schema string
	Closed error // returned by the methods of the store after its end

	// Create creates the file if there is none or it is empty. Without Create that is an
	// error, fs.ErrNotExist.
	Create bool
	// Exclusive locks the file until Close, against readers too. A file layer then
	// needs no shared memory.
	Exclusive bool
	// Check compares all pages and indexes with one another when the file is opened, and
	// refuses a damaged file. It reads the whole file.
	Check    bool
	Settings string // more PRAGMAs, run before anything is written

	MaxBatch int // functions in one transaction; default 256
	// Gather is called when the first function of a transaction has arrived, and may wait
	// for others to share its sync, as commit_delay of PostgreSQL does. stop is closed when
	// the store is to end. Nil does not wait.
	Gather func(stop <-chan struct{})
	Queue  int // functions that may wait for the writer after Start; Update waits anyway
	// StopOnError ends the store at the first error of the disk except IsUnwritten: after
	// a failed sync it is unknown what is durable. Without it the store overwrites what a
	// failed commit may have left, and continues.
	StopOnError bool
	// Resync makes the changes in the log durable when the file is opened. They may not be
	// if a sync has failed before, or if the process was killed during one: they are read
	// all the same, and a power failure would take them back. The changes are written to the
	// file itself, because a second sync of the log may do nothing: after an error Linux
	// takes what was not written for clean (Rebello et al., USENIX ATC 2020).
	Resync bool
	Hooks  Hooks
}

// Hooks are called by the goroutine that writes. They must not call the store.
// The zero value does nothing.
type Hooks struct {
	Begin func() // a transaction begins, perhaps with functions that an earlier one had
	// Flush is called when the functions of a transaction have returned. Its writes
	// belong to the transaction, and an error undoes all of it. Kill ends ctx.
	Flush func(ctx context.Context, tx *Tx) error
	// Done is called when the transaction is durable, before its callers return.
	Done func()
	// Undone is called when a transaction was undone because of cause, if Begin was called
	// for it. If Undone returns an error, the store ends, as with StopOnError.
	Undone func(tx *Tx, cause error) error
}

// busyTimeout is how long to wait for a short lock of a reader, in milliseconds.
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
		if placed { // the file has just been created
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

// private creates the files, if they may be created, so that only their owner can read
// them; SQLite would make them readable by all. The log gets the mode of the file.
func private(cfg *Config) error {
	flags := os.O_RDWR
	if cfg.Create {
		flags |= os.O_CREATE
	}
	names := []string{cfg.Path}
	if !cfg.Exclusive {
		names = append(names, cfg.Path+"-shm") // temporary; the first connection empties it
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

// SyncDir makes the names in a directory durable: a power failure loses a file whose name
// is not durable. SQLite itself does that for a log, with the first commit.
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
	case fresh && !cfg.Create:
		err = fmt.Errorf("%w: there is no %s in the file", fs.ErrNotExist, cfg.Kind)
	case fresh:
		err = c.c.Exec(cfg.createTables())
	default:
		err = c.examine(cfg)
	}
	if err == nil && cfg.Resync {
		_, err = c.pragma("wal_checkpoint(FULL)")
	}
	return err
}

// voided is a table of each store. Changing its row overwrites what a failed commit may
// have left.
const voided = "CREATE TABLE voided (n INTEGER NOT NULL) STRICT; INSERT INTO voided VALUES (0)"

// ErrLocked is returned for a file that another program has open.
var ErrLocked = errors.New("another program has it open: close that first")

func locked(cfg *Config, err error) error {
	if errors.Is(err, sqlite3.BUSY) {
		return fmt.Errorf("%s: %w", cfg.Kind, ErrLocked)
	}
	return err
}

// identify refuses files of other applications. It reports whether the file is new.
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

// ErrDamaged is returned for a file that differs from what was written.
var ErrDamaged = errors.New("the file is damaged")

// IsDamaged reports whether err is ErrDamaged, or SQLite's error for a damaged file.
func IsDamaged(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB)
}

// guard turns a panic of go-sqlite3 v0.37.0 into an error. It panics at a table definition
// that cannot be parsed, because it uses the place of the mistake as an index into the
// statement that is being prepared (Conn.errorFor).
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

// examine refuses a damaged file: pages and indexes that disagree, if Config.Check is set,
// and tables that differ from the schema.
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

// IsUnwritten reports whether err means that the disk could not write, for example because
// it is full: nothing was stored, and what was stored before is unchanged. go-sqlite3
// v0.37.0 returns IOERR_WRITE for a full disk, because it compares with the bare ENOSPC and
// package os has wrapped the error. The index of a log needs space, too.
func IsUnwritten(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR_WRITE) || errors.Is(err, sqlite3.IOERR_SHMSIZE)
}

// IsRefused reports whether err means that the disk did not write, sync or read.
func IsRefused(err error) bool { return IsUnwritten(err) || errors.Is(err, sqlite3.IOERR) }

// hint adds a cause to an error of which SQLite says too little.
func hint(err error) error {
	if IsUnwritten(err) && !errors.Is(err, sqlite3.FULL) {
		return fmt.Errorf("%w: is the disk full?", err)
	}
	return err
}
