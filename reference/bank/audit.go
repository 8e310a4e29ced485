package bank

import (
	"errors"
	"fmt"
	"iter"

	"github.com/ncruces/go-sqlite3"

	"github.com/onebar/onebar/reference/pay"
)

// Audit reads a ledger's file beside the bank that writes it, or after that bank
// was killed. All its methods see the state of the moment it was opened. It is
// for one goroutine. Close it soon: while it is open the log only grows.
type Audit struct {
	conn *sqlite3.Conn
}

// OpenAudit opens the ledger in the file path, through the file layer vfs
// (empty is the operating system's). It never changes the ledger. The caller
// closes it.
func OpenAudit(path, vfs string) (*Audit, error) {
	// Not read-only: after a crash even a reader has to recover the log.
	conn, err := sqlite3.OpenFlags(uri(path, vfs), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("audit %s: %w", path, err)
	}
	if err := prepareAudit(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("audit %s: %w", path, err), conn.Close())
	}
	return &Audit{conn: conn}, nil
}

func prepareAudit(conn *sqlite3.Conn) error {
	// Without this the last connection to close writes the log into the database.
	if _, err := conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
		return err
	}
	id, err := pragma(conn, "application_id")
	if err != nil {
		return err
	}
	if id != fmt.Sprint(applicationID) {
		return errors.New("the file is not a ledger")
	}
	return conn.Exec(fmt.Sprintf(`PRAGMA busy_timeout=%d; PRAGMA query_only=ON;
		BEGIN; SELECT count(*) FROM account LIMIT 1`, busyTimeout))
}

// Close ends the audit.
func (a *Audit) Close() error {
	return errors.Join(a.conn.Exec("ROLLBACK"), a.conn.Close())
}

// Transfer is a payment as booked.
type Transfer struct {
	ID       int64
	Key      pay.Key // idempotency key
	Order    string
	Payer    string // account
	Payee    string // account
	Amount   int64  // minor units
	Currency string
	Created  int64 // Unix milliseconds of the wallet's clock
	Booked   int64 // Unix milliseconds of the bank's clock
}

// Transfers yields every payment that was booked, in the order of booking, and
// ends at the first error. Opening balances are not among them.
func (a *Audit) Transfers() iter.Seq2[Transfer, error] {
	const text = `
		SELECT t.id, t.key, t.order_no, t.currency, t.created, t.booked, payer.name, payee.name, credit.amount
		FROM transfer t
		JOIN entry debit ON debit.transfer = t.id AND debit.amount < 0
		JOIN entry credit ON credit.transfer = t.id AND credit.amount > 0
		JOIN account payer ON payer.id = debit.account
		JOIN account payee ON payee.id = credit.account
		WHERE t.key IS NOT NULL ORDER BY t.id`
	return func(yield func(Transfer, error) bool) {
		err := query(a.conn, text, func(s *sqlite3.Stmt) bool {
			t := Transfer{
				ID: s.ColumnInt64(0), Order: s.ColumnText(2), Currency: s.ColumnText(3),
				Created: s.ColumnInt64(4), Booked: s.ColumnInt64(5),
				Payer: s.ColumnText(6), Payee: s.ColumnText(7), Amount: s.ColumnInt64(8),
			}
			copy(t.Key[:], s.ColumnRawBlob(1))
			return yield(t, nil)
		})
		if err != nil {
			yield(Transfer{}, fmt.Errorf("read the transfers: %w", err))
		}
	}
}

// Balance is an account, as the sum of its entries.
type Balance struct {
	Account  string
	Currency string
	Opening  int64 // minor units
	Closing  int64 // minor units
	Equity   bool  // may be below zero; every other account may not
}

// Balances returns every account, equity too, in the order of opening.
func (a *Audit) Balances() ([]Balance, error) {
	const text = `
		SELECT a.name, a.currency, a.equity,
			coalesce(sum(e.amount) FILTER (WHERE t.key IS NULL), 0), coalesce(sum(e.amount), 0)
		FROM account a
		LEFT JOIN entry e ON e.account = a.id
		LEFT JOIN transfer t ON t.id = e.transfer
		GROUP BY a.id ORDER BY a.id`
	var all []Balance
	err := query(a.conn, text, func(s *sqlite3.Stmt) bool {
		all = append(all, Balance{
			Account: s.ColumnText(0), Currency: s.ColumnText(1), Equity: s.ColumnBool(2),
			Opening: s.ColumnInt64(3), Closing: s.ColumnInt64(4),
		})
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read the balances: %w", err)
	}
	return all, nil
}

// maxFindings is how many findings Verify reports of each kind.
const maxFindings = 10

// Verify returns nil if the file is sound and the books are right, and
// otherwise what is wrong.
func (a *Audit) Verify() error {
	var errs []error
	for _, q := range []string{
		`SELECT 'the file is damaged: ' || quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'`,
		`SELECT 'the entries in ' || a.currency || ' sum to ' || sum(e.amount) || ', not to zero'
			FROM entry e JOIN account a ON a.id = e.account GROUP BY a.currency HAVING sum(e.amount) <> 0`,
		`SELECT 'transfer ' || t.id || ' has ' || count(e.amount) || ' entries that sum to ' || coalesce(sum(e.amount), 0)
			FROM transfer t LEFT JOIN entry e ON e.transfer = t.id
			GROUP BY t.id HAVING count(e.amount) <> 2 OR sum(e.amount) <> 0`,
		`SELECT 'entry of transfer ' || e.transfer || ' belongs to none'
			FROM entry e LEFT JOIN transfer t ON t.id = e.transfer WHERE t.id IS NULL`,
		`SELECT 'transfer ' || t.id || ' in ' || t.currency || ' touches account ' || a.name || ' in ' || a.currency
			FROM transfer t JOIN entry e ON e.transfer = t.id JOIN account a ON a.id = e.account
			WHERE a.currency <> t.currency`,
		`SELECT 'account ' || a.name || ' is said to hold ' || a.balance || ', its entries sum to ' || coalesce(sum(e.amount), 0)
			FROM account a LEFT JOIN entry e ON e.account = a.id
			GROUP BY a.id HAVING a.balance <> coalesce(sum(e.amount), 0)`,
		`SELECT 'account ' || name || ' is below zero: ' || balance FROM account WHERE equity = 0 AND balance < 0`,
		`SELECT 'transfer ' || t.id || ' has a key without a record of its answer'
			FROM transfer t JOIN entry e ON e.transfer = t.id AND e.amount < 0
			LEFT JOIN idempotency i ON i.payer = e.account AND i.key = t.key
			WHERE t.key IS NOT NULL AND i.key IS NULL`,
		`SELECT 'key ' || lower(hex(t.key)) || ' was booked ' || count(*) || ' times'
			FROM transfer t JOIN entry e ON e.transfer = t.id AND e.amount < 0
			WHERE t.key IS NOT NULL GROUP BY e.account, t.key HAVING count(*) > 1`,
	} {
		n := 0
		err := query(a.conn, q, func(s *sqlite3.Stmt) bool {
			errs = append(errs, errors.New(s.ColumnText(0)))
			n++
			return n < maxFindings
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, a.verifyAnswers(), a.verifyCertificates())
	return errors.Join(errs...)
}

// verifyAnswers compares each record of an answer with what was booked under
// its key.
func (a *Audit) verifyAnswers() error {
	const text = `
		SELECT i.key, coalesce(t.id, 0), i.result, i.reason, i.transfer, i.receipt, i.decided
		FROM idempotency i
		LEFT JOIN (transfer t JOIN entry e ON e.transfer = t.id AND e.amount < 0)
			ON t.key = i.key AND e.account = i.payer`
	var errs []error
	err := query(a.conn, text, func(s *sqlite3.Stmt) bool {
		var key pay.Key
		copy(key[:], s.ColumnRawBlob(0))
		booked := s.ColumnInt64(1)
		switch answer, err := scanAnswer(s, 2); {
		case err != nil:
			errs = append(errs, fmt.Errorf("the record of key %v: %w", key, err))
		case answer.Transfer != booked:
			errs = append(errs, fmt.Errorf("key %v was answered %v with transfer %d, but booked as transfer %d", key, answer.Result, answer.Transfer, booked))
		}
		return len(errs) < maxFindings
	})
	return errors.Join(append(errs, err)...)
}

// verifyCertificates verifies the certificate of each account that has a wallet.
func (a *Audit) verifyCertificates() error {
	const text = `SELECT name, identity, transport, certificate FROM account WHERE identity IS NOT NULL`
	var errs []error
	err := query(a.conn, text, func(s *sqlite3.Stmt) bool {
		var c pay.Certificate
		copy(c.Identity[:], s.ColumnRawBlob(1))
		copy(c.Transport[:], s.ColumnRawBlob(2))
		copy(c.Signature[:], s.ColumnRawBlob(3))
		if err := c.Verify(); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", s.ColumnText(0), err))
		}
		return len(errs) < maxFindings
	})
	return errors.Join(append(errs, err)...)
}
