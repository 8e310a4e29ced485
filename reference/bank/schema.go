package bank

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// schema is the ledger's. Amounts are minor units of the account's currency;
// times are Unix milliseconds of the bank's clock unless said otherwise.
//
// A transfer has two entries, a debit below zero and a credit above, whose sum
// is zero. Opening balances are transfers too, from the equity account of their
// currency; they alone have no key. Account.balance repeats the sum of the
// account's entries, so that a payment need not add them up; Audit.Verify
// compares the two.
const schema = `
CREATE TABLE account (
	id          INTEGER PRIMARY KEY,
	name        TEXT    NOT NULL UNIQUE,
	identity    BLOB    UNIQUE CHECK (length(identity) = 32),  -- Ed25519 key of its wallet; NULL: cannot pay
	transport   BLOB    UNIQUE CHECK (length(transport) = 32), -- X25519 key of its wallet's connections
	certificate BLOB    CHECK (length(certificate) = 64),      -- the identity's signature over transport: see pay.Certificate
	currency    TEXT    NOT NULL CHECK (length(currency) = 3),
	equity      INTEGER NOT NULL CHECK (equity IN (0, 1)),     -- 1: may be below zero, is nobody's
	balance     INTEGER NOT NULL CHECK (equity = 1 OR balance >= 0),
	CHECK ((identity IS NULL) = (transport IS NULL) AND (identity IS NULL) = (certificate IS NULL))
) STRICT;

CREATE TABLE transfer (
	id       INTEGER PRIMARY KEY,
	key      BLOB CHECK (length(key) = 16), -- the payment's idempotency key; NULL: an opening balance
	order_no TEXT    NOT NULL,              -- the wallet's word for what was bought
	currency TEXT    NOT NULL,
	created  INTEGER NOT NULL,              -- by the wallet's clock
	booked   INTEGER NOT NULL
) STRICT;

CREATE TABLE entry (
	transfer INTEGER NOT NULL REFERENCES transfer (id),
	account  INTEGER NOT NULL REFERENCES account (id),
	amount   INTEGER NOT NULL CHECK (amount <> 0),
	PRIMARY KEY (transfer, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
	payer       INTEGER NOT NULL REFERENCES account (id),
	key         BLOB    NOT NULL CHECK (length(key) = 16),
	fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32), -- of the payment's content
	result      TEXT    NOT NULL,                                  -- of the answer, by name: see pay.Result
	reason      TEXT    NOT NULL,                                  -- by name: see pay.Reason
	transfer    INTEGER NOT NULL,                                  -- its number if the payment was confirmed, else 0
	receipt     BLOB    NOT NULL CHECK (length(receipt) = 64),
	decided     INTEGER NOT NULL,
	PRIMARY KEY (payer, key)
) STRICT, WITHOUT ROWID;
`

const (
	applicationID = 0x6f626172 // "obar", in the file's header
	schemaVersion = 3
	busyTimeout   = 10_000 // milliseconds to wait for a lock another connection holds
)

// uri names a database file for SQLite.
func uri(path, vfs string) string {
	u := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	if vfs != "" {
		u += "?vfs=" + url.QueryEscape(vfs)
	}
	return u
}

// openWriter opens the ledger's file for the one connection that writes, makes
// every commit durable, and creates the tables in a new file.
func openWriter(path, vfs string) (*sqlite3.Conn, error) {
	c, err := sqlite3.OpenFlags(uri(path, vfs),
		sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	if err = prepareWriter(c); err == nil && vfs == "" {
		err = syncDir(path)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func prepareWriter(c *sqlite3.Conn) error {
	if err := c.Exec(fmt.Sprintf("PRAGMA busy_timeout=%d; PRAGMA foreign_keys=ON", busyTimeout)); err != nil {
		return err
	}
	mode, err := pragma(c, "journal_mode=WAL")
	if err != nil {
		return err
	}
	// WAL syncs once a commit, a rollback journal several times. A file layer
	// without shared memory cannot do WAL and stays with the journal it has. With
	// synchronous=EXTRA both are durable: it is FULL in WAL mode, and with a
	// journal it makes the journal's removal durable too, without which a power
	// failure brings the journal back and takes an answered payment away. The
	// in-memory modes are not durable.
	switch mode {
	case "wal", "delete", "truncate", "persist":
	default:
		return fmt.Errorf("journal mode %q does not survive a crash: use a file layer with files", mode)
	}
	err = c.Exec(fmt.Sprintf(`PRAGMA synchronous=EXTRA;
		PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON; -- what F_FULLFSYNC is for on macOS
		PRAGMA wal_autocheckpoint=%d; PRAGMA cache_size=-%d`, walPages, cacheKiB))
	if err != nil {
		return err
	}
	return migrate(c)
}

// syncDir makes the names of the files in path's directory durable. SQLite asks
// its file layer for that, but the one in go-sqlite3 v0.33.3 syncs the file once
// more instead (vfsFile.Sync), and a log without a name is lost at a power
// failure. The log is there from the opening of the database to its close.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it cannot sync a directory, and its file systems journal names
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// cacheKiB bounds the pages SQLite keeps in memory, in KiB. Keys are random, so
// a payment touches a random page of the record index: the default of 2 MB holds
// some 10,000 payments of it.
const cacheKiB = 64 << 10

// walPages is the size the write-ahead log may reach before it is copied into
// the database, in pages of 4 KiB. That costs two more syncs and the wait for
// them, so it should be rare; recovery after a crash reads the whole log, so it
// should not be large.
const walPages = 4096

func migrate(c *sqlite3.Conn) error {
	version, err := pragma(c, "user_version")
	if err != nil {
		return err
	}
	id, err := pragma(c, "application_id")
	if err != nil {
		return err
	}
	switch {
	case version == "0" && id == "0":
		return c.Exec(fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
			strings.TrimSpace(schema), applicationID, schemaVersion))
	case id != fmt.Sprint(applicationID):
		return errors.New("the file is a database, but not a ledger: name another file")
	case version != fmt.Sprint(schemaVersion):
		return fmt.Errorf("the ledger has schema %s, this program knows %d: use the program that wrote it", version, schemaVersion)
	}
	return nil
}

// pragma runs one PRAGMA and returns the first column of its first row.
func pragma(c *sqlite3.Conn, text string) (value string, err error) {
	err = query(c, "PRAGMA "+text, func(s *sqlite3.Stmt) bool {
		value = s.ColumnText(0)
		return false
	})
	return value, err
}

// query runs one statement and hands over its rows until do returns false.
func query(c *sqlite3.Conn, text string, do func(*sqlite3.Stmt) bool) error {
	s, _, err := c.Prepare(text)
	if err != nil {
		return err
	}
	more := true
	for more && s.Step() {
		more = do(s)
	}
	err = s.Err()
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}
