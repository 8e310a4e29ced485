package bank

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"github.com/onebar/onebar/reference/pay"
)

// store is the writer's connection with its prepared statements. It belongs to
// one goroutine.
type store struct {
	conn *sqlite3.Conn

	begin, commit, rollback   *sqlite3.Stmt
	findRecord, addRecord     *sqlite3.Stmt
	addTransfer, addEntries   *sqlite3.Stmt
	addAccount, changeBalance *sqlite3.Stmt
}

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

func openStore(path, vfs string) (*store, error) {
	conn, err := openWriter(path, vfs)
	if err != nil {
		return nil, err
	}
	st := &store{conn: conn}
	for _, p := range []struct {
		stmt **sqlite3.Stmt
		text string
	}{
		{&st.begin, `BEGIN IMMEDIATE`},
		{&st.commit, `COMMIT`},
		{&st.rollback, `ROLLBACK`},
		{&st.findRecord, `SELECT fingerprint, result, reason, transfer, receipt, decided FROM idempotency WHERE payer = ? AND key = ?`},
		{&st.addRecord, `INSERT INTO idempotency (payer, key, fingerprint, result, reason, transfer, receipt, decided) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&st.addTransfer, `INSERT INTO transfer (key, order_no, currency, created, booked) VALUES (?, ?, ?, ?, ?)`},
		{&st.addEntries, `INSERT INTO entry (transfer, account, amount) VALUES (?1, ?2, -?4), (?1, ?3, ?4)`},
		{&st.addAccount, `INSERT INTO account (name, identity, transport, certificate, currency, equity, balance) VALUES (?, ?, ?, ?, ?, ?, 0)`},
		{&st.changeBalance, `UPDATE account SET balance = ?3 WHERE id = ?1 AND balance = ?2`},
	} {
		if *p.stmt, _, err = conn.PrepareFlags(p.text, sqlite3.PREPARE_PERSISTENT); err != nil {
			return nil, errors.Join(err, st.close())
		}
	}
	return st, nil
}

// close closes the connection; SQLite then copies the log into the database.
func (st *store) close() error {
	for _, s := range slices.Collect(st.conn.Stmts()) {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return st.conn.Close()
}

// abandon closes the connection and leaves the files as a crash would: the log
// is not copied into the database, and a transaction under way is undone when
// the file is next opened.
func (st *store) abandon() error {
	_, err := st.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	return errors.Join(err, st.close())
}

// accounts reads every account.
func (st *store) accounts() ([]*account, error) {
	var all []*account
	err := query(st.conn, `SELECT id, name, identity, transport, currency, equity, balance FROM account`, func(s *sqlite3.Stmt) bool {
		a := &account{
			id: s.ColumnInt64(0), name: s.ColumnText(1), currency: s.ColumnText(4),
			equity: s.ColumnBool(5), balance: s.ColumnInt64(6),
		}
		copy(a.identity[:], s.ColumnRawBlob(2))
		copy(a.transport[:], s.ColumnRawBlob(3))
		a.stored = a.balance
		all = append(all, a)
		return true
	})
	return all, err
}

// bookings reads the key of every payment that was booked, in their order.
func (st *store) bookings() ([]pay.Key, error) {
	var all []pay.Key
	err := query(st.conn, `SELECT key FROM transfer WHERE key IS NOT NULL ORDER BY id`, func(s *sqlite3.Stmt) bool {
		var key pay.Key
		copy(key[:], s.ColumnRawBlob(0))
		all = append(all, key)
		return true
	})
	return all, err
}

// record is what is remembered of a payment that was given a final answer.
type record struct {
	fingerprint [32]byte
	answer      pay.Answer
}

func (st *store) record(payer int64, key *pay.Key) (r record, found bool, err error) {
	s := st.findRecord
	if err := bind(s).int(payer).blob(key[:]).err; err != nil {
		return record{}, false, err
	}
	if found = s.Step(); found {
		copy(r.fingerprint[:], s.ColumnRawBlob(0))
		r.answer, err = scanAnswer(s, 1)
		r.answer.Key = *key
	}
	return r, found, errors.Join(err, s.Reset())
}

// scanAnswer reads a final answer from the columns result, reason, transfer,
// receipt and decided, which begin at column i.
func scanAnswer(s *sqlite3.Stmt, i int) (a pay.Answer, err error) {
	if a.Result, err = pay.ParseResult(s.ColumnText(i)); err != nil {
		return a, err
	}
	if a.Reason, err = pay.ParseReason(s.ColumnText(i + 1)); err != nil {
		return a, err
	}
	a.Transfer, a.Receipt, a.At = s.ColumnInt64(i+2), s.ColumnBlob(i+3, nil), s.ColumnInt64(i+4)
	return a, a.Validate()
}

func (st *store) insertRecord(payer int64, key *pay.Key, r record) error {
	return bind(st.addRecord).int(payer).blob(key[:]).blob(r.fingerprint[:]).text(r.answer.Result.String()).
		text(r.answer.Reason.String()).int(r.answer.Transfer).blob(r.answer.Receipt).int(r.answer.At).exec()
}

// insertTransfer books p.Amount from one account to another and returns the
// transfer's number. A nil key is an opening balance.
func (st *store) insertTransfer(key []byte, p *pay.Payment, from, to int64, booked int64) (int64, error) {
	err := bind(st.addTransfer).blob(key).text(p.Order).text(p.Currency).int(p.Created).int(booked).exec()
	if err != nil {
		return 0, err
	}
	id := st.conn.LastInsertRowID()
	return id, bind(st.addEntries).int(id).int(from).int(to).int(p.Amount).exec()
}

func (st *store) insertAccount(a *account, certificate []byte) error {
	var identity, transport []byte
	if a.identity == (pay.PublicKey{}) {
		certificate = nil
	} else {
		identity, transport = a.identity[:], a.transport[:]
	}
	equity := int64(0)
	if a.equity {
		equity = 1
	}
	if err := bind(st.addAccount).text(a.name).blob(identity).blob(transport).blob(certificate).text(a.currency).int(equity).exec(); err != nil {
		return err
	}
	a.id = st.conn.LastInsertRowID()
	return nil
}

// storeBalance writes a's balance. It fails if the row does not have the balance
// it is thought to have, which means that somebody else writes to the file.
func (st *store) storeBalance(a *account) error {
	if err := bind(st.changeBalance).int(a.id).int(a.stored).int(a.balance).exec(); err != nil {
		return err
	}
	if n := st.conn.Changes(); n != 1 {
		return fmt.Errorf("account %s no longer has the balance this bank left: another program writes to the ledger", a.name)
	}
	return nil
}

// binder binds the parameters of a statement in order and keeps the first error.
type binder struct {
	s   *sqlite3.Stmt
	n   int
	err error
}

func bind(s *sqlite3.Stmt) binder { return binder{s: s} }

func (b binder) int(v int64) binder {
	b.n++
	if b.err == nil {
		b.err = b.s.BindInt64(b.n, v)
	}
	return b
}

func (b binder) text(v string) binder {
	b.n++
	if b.err == nil {
		b.err = b.s.BindText(b.n, v)
	}
	return b
}

// blob binds v, or NULL if v is nil.
func (b binder) blob(v []byte) binder {
	b.n++
	switch {
	case b.err != nil:
	case v == nil:
		b.err = b.s.BindNull(b.n)
	default:
		b.err = b.s.BindBlob(b.n, v)
	}
	return b
}

func (b binder) exec() error {
	if b.err != nil {
		return b.err
	}
	return b.s.Exec()
}
