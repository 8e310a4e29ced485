package bank

import (
	"fmt"

	"github.com/onebar/onebar/reference/sqlite"
)

// schema is the schema of the ledger. Amounts are minor units of the account's currency;
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
	booked   INTEGER NOT NULL,
	payer    INTEGER REFERENCES account (id) -- whose debit it has; NULL: an opening balance
) STRICT;

CREATE INDEX orders ON transfer (payer, order_no) WHERE payer IS NOT NULL AND order_no <> '';

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
	transfer    INTEGER NOT NULL,                                  -- the answer's
	receipt     BLOB    NOT NULL CHECK (length(receipt) = 64),
	decided     INTEGER NOT NULL,
	until       INTEGER NOT NULL,                                  -- after which nothing is booked under the key: see pay.Payment.BookableUntil
	PRIMARY KEY (payer, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX refused ON idempotency (payer, until) WHERE result <> 'confirmed';
`

const (
	applicationID = 0x6f626172 // "obar", in the file's header
	schemaVersion = 5
)

// cacheKiB bounds the pages SQLite keeps in memory, in KiB. Keys are random, so
// a payment touches a random page of the record index: the default of 2 MB holds
// some 10,000 payments of it.
const cacheKiB = 64 << 10

// walPages is the size the write-ahead log may reach before it is copied into
// the database, in pages of 4 KiB. That costs two more syncs and the wait for
// them, so it should be rare; recovery after a crash reads the whole log, so it
// should not be large.
const walPages = 4096

// file returns the configuration of the ledger's file.
func file(path, vfs string) sqlite.Config {
	return sqlite.Config{
		Path: path, VFS: vfs, Kind: "ledger", Application: applicationID, Version: schemaVersion, Schema: schema,
		Closed: ErrClosed, StopOnError: true,
		Settings: fmt.Sprintf("PRAGMA wal_autocheckpoint=%d; PRAGMA cache_size=-%d", walPages, cacheKiB),
	}
}
