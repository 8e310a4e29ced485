package bank

import (
	"fmt"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// account is a row of the account table.
type account struct {
	id        int64
	name      string
	identity  pay.PublicKey // zero: cannot pay
	transport [32]byte      // the wallet's X25519 key, certified by identity
	currency  string
	equity    bool
	balance   int64 // minor units, with the batch under way
	stored    int64 // minor units, as the row has it
	dirty     bool  // touched by the batch under way
}

// accounts reads every account.
func accounts(tx *sqlite.Tx) (all []*account, err error) {
	err = tx.Query(`SELECT id, name, identity, transport, currency, equity, balance FROM account`, func(r sqlite.Row) error {
		a := &account{id: r.Int(0), name: r.Text(1), currency: r.Text(4), equity: r.Bool(5), balance: r.Int(6)}
		r.Fill(a.identity[:], 2)
		r.Fill(a.transport[:], 3)
		a.stored = a.balance
		all = append(all, a)
		return nil
	})
	return all, err
}

// bookings reads the key of every payment that was booked, in their order.
func bookings(tx *sqlite.Tx) (all []pay.Key, err error) {
	err = tx.Query(`SELECT key FROM transfer WHERE key IS NOT NULL ORDER BY id`, func(r sqlite.Row) error {
		var key pay.Key
		r.Fill(key[:], 0)
		all = append(all, key)
		return nil
	})
	return all, err
}

// record is what the bank remembers of a payment with a final answer.
type record struct {
	fingerprint [32]byte
	answer      pay.Answer
}

func findRecord(tx *sqlite.Tx, payer int64, key *pay.Key) (r record, found bool, err error) {
	err = tx.Query(`SELECT fingerprint, result, reason, transfer, receipt, decided FROM idempotency WHERE payer = ? AND key = ?`,
		func(row sqlite.Row) error {
			found = true
			row.Fill(r.fingerprint[:], 0)
			a, err := scanAnswer(row, 1)
			if err == nil {
				r.answer = *a
				r.answer.Key = *key
			}
			return err
		}, payer, key[:])
	return r, found, err
}

// scanAnswer reads a final answer from the columns result, reason, transfer,
// receipt and decided, which begin at column i.
func scanAnswer(r sqlite.Row, i int) (*pay.Answer, error) {
	return pay.ParseAnswer(r.Text(i), r.Text(i+1), r.Int(i+2), r.Int(i+4), r.Blob(i+3))
}

func insertRecord(tx *sqlite.Tx, payer int64, p *pay.Payment, r *record) error {
	a := &r.answer
	_, err := tx.Exec(`INSERT INTO idempotency (payer, key, fingerprint, result, reason, transfer, receipt, decided, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		payer, p.Key[:], r.fingerprint[:], a.Result.String(), a.Reason.String(), a.Transfer, a.Receipt, a.At, p.BookableUntil())
	return err
}

// keepRecord keeps the record of a refusal for as long as p can be booked. p has the same
// key and other content.
func keepRecord(tx *sqlite.Tx, payer int64, p *pay.Payment) error {
	_, err := tx.Exec(`UPDATE idempotency SET until = ?3 WHERE payer = ?1 AND key = ?2 AND until < ?3 AND result <> 'confirmed'`,
		payer, p.Key[:], p.BookableUntil())
	return err
}

// pruneRefused deletes the refusals of payer whose keys cannot be booked since an instant,
// in Unix milliseconds, and returns how many are left.
func pruneRefused(tx *sqlite.Tx, payer, before int64) (left int, err error) {
	_, err = tx.Exec(`DELETE FROM idempotency WHERE payer = ? AND result <> 'confirmed' AND until < ?`, payer, before)
	if err != nil {
		return 0, err
	}
	return left, tx.Query(`SELECT count(*) FROM idempotency WHERE payer = ? AND result <> 'confirmed'`, func(r sqlite.Row) error {
		left = int(r.Int(0))
		return nil
	}, payer)
}

// forgetRecords deletes the record of every answer.
func forgetRecords(tx *sqlite.Tx) error {
	_, err := tx.Exec(`DELETE FROM idempotency`)
	return err
}

// paid returns the transfer with which payer has paid the order of p under
// another key, or 0.
func paid(tx *sqlite.Tx, payer int64, p *pay.Payment) (transfer int64, err error) {
	err = tx.Query(`SELECT id FROM transfer WHERE payer = ? AND order_no = ? AND order_no <> '' AND key <> ? ORDER BY id LIMIT 1`,
		func(r sqlite.Row) error {
			transfer = r.Int(0)
			return nil
		}, payer, p.Order, p.Key[:])
	return transfer, err
}

// insertTransfer books p.Amount from one account to another and returns the
// transfer's number. The equity account pays without a key.
func insertTransfer(tx *sqlite.Tx, p *pay.Payment, from, to *account, booked int64) (int64, error) {
	args := []any{p.Key[:], p.Order, p.Currency, p.Created, booked, from.id}
	if from.equity {
		args[0], args[5] = []byte(nil), []byte(nil)
	}
	_, err := tx.Exec(`INSERT INTO transfer (key, order_no, currency, created, booked, payer) VALUES (?, ?, ?, ?, ?, ?)`, args...)
	if err != nil {
		return 0, err
	}
	id := tx.LastInsertID()
	_, err = tx.Exec(`INSERT INTO entry (transfer, account, amount) VALUES (?1, ?2, -?4), (?1, ?3, ?4)`, id, from.id, to.id, p.Amount)
	return id, err
}

func insertAccount(tx *sqlite.Tx, a *account, certificate []byte) error {
	var identity, transport []byte
	if a.identity == (pay.PublicKey{}) {
		certificate = nil
	} else {
		identity, transport = a.identity[:], a.transport[:]
	}
	_, err := tx.Exec(`INSERT INTO account (name, identity, transport, certificate, currency, equity, balance) VALUES (?, ?, ?, ?, ?, ?, 0)`,
		a.name, identity, transport, certificate, a.currency, a.equity)
	a.id = tx.LastInsertID()
	return err
}

// storeBalance writes a's balance. It fails if the row does not have the balance that this
// process stored: then another program writes to the file.
func storeBalance(tx *sqlite.Tx, a *account) error {
	n, err := tx.Exec(`UPDATE account SET balance = ?3 WHERE id = ?1 AND balance = ?2`, a.id, a.stored, a.balance)
	if err == nil && n != 1 {
		err = fmt.Errorf("account %s no longer has the balance this bank left: another program writes to the ledger", a.name)
	}
	return err
}
