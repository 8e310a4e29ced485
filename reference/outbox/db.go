package outbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/ncruces/go-sqlite3"
)

// schemaVersion is kept in SQLite's user_version. It is raised when an older
// program would misread the tables.
const schemaVersion = 2

// schema holds the rules that must survive any mistake in the program: one
// payment per order that is not refused (the states of the partial index are
// Declined and Expired), one key per payment, no way out of a final state, and no
// change to what is asked of the bank. Created and deadline are Unix milliseconds
// as on the wire; the times of an attempt are nanoseconds.
const schema = `
CREATE TABLE payment (
	id       INTEGER PRIMARY KEY,
	key      BLOB    NOT NULL UNIQUE CHECK (length(key) = 16),
	ordered  TEXT    NOT NULL,
	payee    TEXT    NOT NULL,
	amount   INTEGER NOT NULL CHECK (amount > 0),
	currency TEXT    NOT NULL,
	created  INTEGER NOT NULL,
	deadline INTEGER NOT NULL,
	state    INTEGER NOT NULL,
	reason   TEXT    NOT NULL DEFAULT '',
	result   TEXT    NOT NULL DEFAULT '', -- of the bank's final answer, by name: see pay.Result; empty is none yet
	refusal  TEXT    NOT NULL DEFAULT '', -- its reason, by name: see pay.Reason
	transfer INTEGER NOT NULL DEFAULT 0,
	decided  INTEGER NOT NULL DEFAULT 0,
	receipt  BLOB
) STRICT;
CREATE UNIQUE INDEX one_payment_per_order ON payment (ordered) WHERE state NOT IN (4, 5);
CREATE INDEX unfinished ON payment (id) WHERE state < 3;
CREATE TABLE attempt (
	payment INTEGER NOT NULL REFERENCES payment,
	n       INTEGER NOT NULL,
	began   INTEGER NOT NULL,
	took    INTEGER NOT NULL,
	asked   INTEGER NOT NULL,
	dialed  INTEGER NOT NULL,
	connected INTEGER NOT NULL,
	error   TEXT    NOT NULL,
	PRIMARY KEY (payment, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE voided (n INTEGER NOT NULL) STRICT;
INSERT INTO voided VALUES (0);
CREATE TRIGGER final_stays BEFORE UPDATE OF state ON payment WHEN old.state >= 3
	BEGIN SELECT raise(ABORT, 'a final state never changes'); END;
CREATE TRIGGER request_stays BEFORE UPDATE OF key, ordered, payee, amount, currency, created, deadline ON payment
	BEGIN SELECT raise(ABORT, 'a request never changes'); END;
`

// db is one SQLite connection with its prepared statements. Only one goroutine
// uses it.
type db struct {
	c     *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

// openDB opens the file and makes its tables if it is new. The file is locked
// until close: two programs on one queue would both send it. The exclusive lock
// also frees a replaced file layer from shared memory. synchronous=FULL syncs
// the log at every commit; with NORMAL a commit in WAL mode may be lost with
// the power (https://sqlite.org/pragma.html#pragma_synchronous). fullfsync is
// what a sync takes on iOS and macOS to reach the flash. A commit writes whole
// pages to the log, and a payment has a few hundred bytes: with pages of 1 KiB it
// costs the flash 10 KB, with SQLite's 4 KiB it would be 41.
func openDB(dsn string) (*db, error) {
	if err := placeImage(dsn); err != nil {
		return nil, err
	}
	c, err := sqlite3.Open(dsn)
	if err != nil {
		return nil, err
	}
	d := &db{c: c, stmts: map[string]*sqlite3.Stmt{}}
	if err = d.prepare(); err == nil {
		err = d.syncNames()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// syncNames makes the names of the queue's files durable: a log without a name
// is lost with the power, and all it holds with it. SQLite asks its file layer
// for that, but the one in go-sqlite3 v0.33.3 syncs the file once more instead
// of its directory (vfsFile.Sync). A replaced file layer, and a queue without a
// file, have no directory here. The log is there from the opening of the queue
// to its close.
func (d *db) syncNames() error {
	name := d.c.Filename("main")
	if name == nil || name.String() == "" || name.URIParameter("vfs") != "" {
		return nil
	}
	return syncDir(filepath.Dir(name.String()))
}

func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it cannot sync a directory, and its file systems journal names
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (d *db) prepare() error {
	err := d.c.Exec(`
		PRAGMA busy_timeout = 0;
		` + pageSize + `
		PRAGMA locking_mode = EXCLUSIVE;
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
		PRAGMA foreign_keys = ON;
		BEGIN EXCLUSIVE; COMMIT`)
	if errors.Is(err, sqlite3.BUSY) {
		return errors.New("another program has this wallet open: close it first")
	}
	if err != nil {
		return err
	}
	var version int64
	err = d.query("PRAGMA user_version", func(s *sqlite3.Stmt) { version = s.ColumnInt64(0) })
	switch {
	case err != nil:
		return err
	case version == schemaVersion:
		return nil
	case version != 0:
		return fmt.Errorf("the queue has format %d and this program knows %d: use a newer program", version, schemaVersion)
	}
	return d.c.Exec(createTables())
}

const pageSize = "PRAGMA page_size = 1024;"

func createTables() string {
	return fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", schema, schemaVersion)
}

func (d *db) close() error {
	var errs []error
	for _, s := range d.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, d.c.Close())...)
}

// query runs sql with args and calls row for each row of the result; row may be
// nil.
func (d *db) query(sql string, row func(*sqlite3.Stmt), args ...any) error {
	s := d.stmts[sql]
	if s == nil {
		var err error
		if s, _, err = d.c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			return err
		}
		d.stmts[sql] = s
	}
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			return err
		}
	}
	for s.Step() {
		if row != nil {
			row(s)
		}
	}
	err := s.Reset()
	if len(args) > 0 {
		err = errors.Join(err, s.ClearBindings())
	}
	return err
}

func bind(s *sqlite3.Stmt, i int, a any) error {
	switch v := a.(type) {
	case int64:
		return s.BindInt64(i, v)
	case int:
		return s.BindInt(i, v)
	case bool:
		return s.BindBool(i, v)
	case string:
		return s.BindText(i, v)
	case []byte:
		return s.BindBlob(i, v)
	}
	return fmt.Errorf("cannot store a %T", a)
}

// transact runs f between BEGIN and COMMIT, and undoes it if any part fails.
func (d *db) transact(f func() error) error {
	if err := d.query("BEGIN", nil); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = d.query("COMMIT", nil)
	}
	if err != nil && !d.c.GetAutocommit() {
		err = errors.Join(err, d.query("ROLLBACK", nil))
	}
	return err
}
