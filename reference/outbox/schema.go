package outbox

import "fmt"

const (
	applicationID = 0x6f626f78 // "obox", in the file's header
	schemaVersion = 4
)

// settings are those of SQLite. A commit writes whole pages to the log, and a payment has a
// few hundred bytes: with pages of 1 KiB a payment writes 10 KB to the flash, with SQLite's
// default of 4 KiB it would write 41 KB.
const settings = "PRAGMA page_size=1024"

// schema holds the rules that must hold in spite of any mistake in the program: at most one
// payment per order that is not refused, one key per payment, only the allowed changes of
// state, and no change of the request to the bank. Created and deadline are Unix
// milliseconds as on the wire; the times of an attempt are nanoseconds.
func schema() string {
	return fmt.Sprintf(`
CREATE TABLE payment (
	id       INTEGER PRIMARY KEY,
	key      BLOB    NOT NULL UNIQUE CHECK (length(key) = 16),
	ordered  TEXT    NOT NULL,
	payee    TEXT    NOT NULL,
	amount   INTEGER NOT NULL CHECK (amount > 0),
	currency TEXT    NOT NULL,
	created  INTEGER NOT NULL,
	deadline INTEGER NOT NULL,
	state    TEXT    NOT NULL CHECK %s,
	reason   TEXT    NOT NULL DEFAULT '',
	result   TEXT    NOT NULL DEFAULT '', -- of the bank's final answer, by name: see pay.Result; empty is none yet
	refusal  TEXT    NOT NULL DEFAULT '', -- its reason, by name: see pay.Reason
	transfer INTEGER NOT NULL DEFAULT 0,
	decided  INTEGER NOT NULL DEFAULT 0,
	receipt  BLOB,
	checksum INTEGER NOT NULL             -- of the other columns: see Payment.checksum
) STRICT;
CREATE UNIQUE INDEX one_payment_per_order ON payment (ordered) WHERE %s;
CREATE INDEX unfinished ON payment (id) WHERE %s;
CREATE TABLE attempt (
	payment  INTEGER NOT NULL REFERENCES payment,
	n        INTEGER NOT NULL,
	began    INTEGER NOT NULL,
	took     INTEGER NOT NULL,
	asked    INTEGER NOT NULL,
	dialed   INTEGER NOT NULL,
	connected INTEGER NOT NULL,
	error    TEXT    NOT NULL,
	checksum INTEGER NOT NULL,
	PRIMARY KEY (payment, n)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER transition BEFORE UPDATE OF state ON payment WHEN NOT (%s)
	BEGIN SELECT raise(ABORT, 'no such change of state: a final state never changes, and what was sent is never queued again'); END;
CREATE TRIGGER request_stays BEFORE UPDATE OF key, ordered, payee, amount, currency, created, deadline ON payment
	BEGIN SELECT raise(ABORT, 'a request never changes'); END;
`, sqlAny(), sqlNotRefused(), sqlUnfinished(), sqlFollows())
}
