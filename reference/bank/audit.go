package bank

import (
	"errors"
	"fmt"
	"iter"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// Audit reads a ledger's file while a bank writes it, after the bank was killed, or on a
// read-only disk. All its methods see the state at its opening. It is for one goroutine.
// Close it soon: while it is open the log only grows.
type Audit struct{ r *sqlite.Reader }

// OpenAudit opens the ledger in the file path, through the file layer vfs
// (empty is the operating system's). It never changes the ledger. On
// a read-only disk it reads a copy in memory: see sqlite.Attach. The caller closes it.
func OpenAudit(path, vfs string) (*Audit, error) {
	r, err := sqlite.Attach(file(path, vfs))
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return &Audit{r}, nil
}

// Close ends the audit.
func (a *Audit) Close() error { return a.r.Close() }

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
		err := a.r.Query(text, func(r sqlite.Row) error {
			t := Transfer{
				ID: r.Int(0), Order: r.Text(2), Currency: r.Text(3),
				Created: r.Int(4), Booked: r.Int(5),
				Payer: r.Text(6), Payee: r.Text(7), Amount: r.Int(8),
			}
			r.Fill(t.Key[:], 1)
			return more(yield(t, nil))
		})
		if err != nil {
			yield(Transfer{}, fmt.Errorf("read the transfers: %w", err))
		}
	}
}

// more continues a query, or ends it.
func more(wanted bool) error {
	if wanted {
		return nil
	}
	return sqlite.ErrStop
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
	err := a.r.Query(text, func(r sqlite.Row) error {
		all = append(all, Balance{
			Account: r.Text(0), Currency: r.Text(1), Equity: r.Bool(2),
			Opening: r.Int(3), Closing: r.Int(4),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the balances: %w", err)
	}
	return all, nil
}

// maxFindings is how many findings Verify reports of each kind.
const maxFindings = 10

// Verify returns an error for each damage of the file and each mistake in the ledger, or
// nil.
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
		`SELECT 'transfer ' || t.id || ' is not noted for its payer'
			FROM transfer t JOIN entry e ON e.transfer = t.id AND e.amount < 0
			WHERE t.key IS NOT NULL AND t.payer IS NOT e.account`,
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
		err := a.r.Query(q, func(r sqlite.Row) error {
			errs = append(errs, errors.New(r.Text(0)))
			n++
			return more(n < maxFindings)
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, a.verifyAnswers(), a.verifyCertificates())
	return errors.Join(errs...)
}

// verifyAnswers compares each record of an answer with the booking under its key.
func (a *Audit) verifyAnswers() error {
	const text = `
		SELECT i.key, coalesce(t.id, 0), i.result, i.reason, i.transfer, i.receipt, i.decided,
			EXISTS (SELECT 1 FROM transfer other WHERE other.id = i.transfer AND other.payer = i.payer)
		FROM idempotency i
		LEFT JOIN (transfer t JOIN entry e ON e.transfer = t.id AND e.amount < 0)
			ON t.key = i.key AND e.account = i.payer`
	var errs []error
	err := a.r.Query(text, func(r sqlite.Row) error {
		var key pay.Key
		r.Fill(key[:], 0)
		booked := r.Int(1)
		answer, err := scanAnswer(r, 2)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("the record of key %v: %w", key, err))
		case answer.Reason == pay.AlreadyPaid && booked == 0 && r.Bool(7): // with an earlier transfer
		case answer.Transfer != booked:
			errs = append(errs, fmt.Errorf("key %v was answered %v with transfer %d, but booked as transfer %d", key, answer.Result, answer.Transfer, booked))
		}
		return more(len(errs) < maxFindings)
	})
	return errors.Join(append(errs, err)...)
}

// verifyCertificates verifies the certificate of each account that has a wallet.
func (a *Audit) verifyCertificates() error {
	const text = `SELECT name, identity, transport, certificate FROM account WHERE identity IS NOT NULL`
	var errs []error
	err := a.r.Query(text, func(r sqlite.Row) error {
		var c pay.Certificate
		r.Fill(c.Identity[:], 1)
		r.Fill(c.Transport[:], 2)
		r.Fill(c.Signature[:], 3)
		if err := c.Verify(); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", r.Text(0), err))
		}
		return more(len(errs) < maxFindings)
	})
	return errors.Join(append(errs, err)...)
}
