package outbox

import (
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/onebar/onebar/reference/pay"
)

// Payment is one payment of the queue. What is asked of the bank, the embedded
// pay.Payment, never changes once it is stored, so every try asks the same.
type Payment struct {
	pay.Payment
	State  State
	Reason string      // for people: why it was refused, or is not known to be anything
	Answer *pay.Answer // the bank's final answer with its receipt, verified; nil until then

	Tries int // made so far
	// Connected is how many of the attempts reached a connection.
	Connected int

	id int64 // row, ascending with acceptance
}

// Due is the instant after which the bank does not book p; ok is false if there
// is none.
func (p *Payment) Due() (t time.Time, ok bool) {
	return time.UnixMilli(p.Deadline), p.Deadline != 0
}

// With returns p in state s.
func (p Payment) With(s State) Payment {
	p.State = s
	return p
}

// Attempt is one try to get a payment through.
type Attempt struct {
	N      int // from 1
	Began  time.Time
	Took   time.Duration
	Asked  bool // a question about the payment, not the payment
	Dialed bool // it tried to open a connection
	// Connected: a connection was open, so the bank may have noticed the attempt.
	Connected bool
	Error     string // empty: an answer came that settles the payment
}

// PaymentHistory is a payment with every try there was.
type PaymentHistory struct {
	Payment
	Attempts []Attempt
}

// ErrOtherContent is returned for an order that is being paid already, with
// another payee, amount or currency.
var ErrOtherContent = errors.New("the order is being paid with another payee, amount or currency: give this purchase an order name of its own")

const columns = `id, key, ordered, payee, amount, currency, created, deadline, state, reason,
	result, refusal, transfer, decided, receipt,
	(SELECT coalesce(max(n), 0) FROM attempt WHERE payment = id),
	(SELECT count(*) FROM attempt WHERE payment = id AND connected)`

// scan reads the columns. An answer that cannot be read is left out: the state
// is what counts, and it was stored with the answer.
func scan(s *sqlite3.Stmt) Payment {
	p := Payment{
		id: s.ColumnInt64(0),
		Payment: pay.Payment{
			Order: s.ColumnText(2), Payee: s.ColumnText(3), Amount: s.ColumnInt64(4), Currency: s.ColumnText(5),
			Created: s.ColumnInt64(6), Deadline: s.ColumnInt64(7),
		},
		State:  State(s.ColumnInt(8)),
		Reason: s.ColumnText(9),
		Tries:  s.ColumnInt(15), Connected: s.ColumnInt(16),
	}
	copy(p.Key[:], s.ColumnRawBlob(1))
	p.Answer = scanAnswer(s, 10)
	if p.Answer != nil {
		p.Answer.Key = p.Key
	}
	return p
}

// scanAnswer reads the bank's final answer from the columns result, refusal,
// transfer, decided and receipt, which begin at column i. It returns nil if
// there is none.
func scanAnswer(s *sqlite3.Stmt, i int) *pay.Answer {
	a := &pay.Answer{Transfer: s.ColumnInt64(i + 2), At: s.ColumnInt64(i + 3), Receipt: s.ColumnBlob(i+4, nil)}
	var errs [2]error
	a.Result, errs[0] = pay.ParseResult(s.ColumnText(i))
	a.Reason, errs[1] = pay.ParseReason(s.ColumnText(i + 1))
	if errors.Join(errs[:]...) != nil || a.Validate() != nil {
		return nil
	}
	return a
}

// Accept stores p as queued, unless its order has a payment that is not
// refused: then it returns that one, and fresh is false.
func (s *Store) Accept(p Payment) (got Payment, fresh bool, err error) {
	var other bool
	err = s.do(func(d *db) error {
		got, fresh, other = p, true, false
		err := d.query(`INSERT INTO payment (key, ordered, payee, amount, currency, created, deadline, state)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ordered) WHERE state NOT IN (4, 5) DO NOTHING`, nil,
			p.Key[:], p.Order, p.Payee, p.Amount, p.Currency, p.Created, p.Deadline, int(Queued))
		if err != nil {
			return err
		}
		if d.c.Changes() == 1 {
			got.State, got.id = Queued, d.c.LastInsertRowID()
			return nil
		}
		err = d.query(`SELECT `+columns+` FROM payment WHERE ordered = ? AND state NOT IN (4, 5)`,
			func(r *sqlite3.Stmt) { got, fresh = scan(r), false }, p.Order)
		other = got.Payee != p.Payee || got.Amount != p.Amount || got.Currency != p.Currency
		return err
	})
	if err == nil && other {
		err = fmt.Errorf("order %s: %w", p.Order, ErrOtherContent)
	}
	return got, fresh, err
}

// Change stores the state, reason and answer of p, which had the state from,
// and the try that led there unless a is nil, in one transaction.
func (s *Store) Change(p *Payment, from State, a *Attempt) error {
	if p.State != from && !from.Follows(p.State) {
		return fmt.Errorf("payment %s cannot go from %v to %v", p.Key, from, p.State)
	}
	var answer pay.Answer
	result, refusal := "", ""
	if p.Answer != nil {
		if err := p.Answer.Validate(); err != nil {
			return fmt.Errorf("store the answer to payment %s: %w", p.Key, err)
		}
		answer, result, refusal = *p.Answer, p.Answer.Result.String(), p.Answer.Reason.String()
	}
	return s.do(func(d *db) error {
		if a != nil {
			err := d.query(`INSERT INTO attempt (payment, n, began, took, asked, dialed, connected, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, nil,
				p.id, a.N, a.Began.UnixNano(), int64(a.Took), a.Asked, a.Dialed, a.Connected, a.Error)
			if err != nil {
				return err
			}
		}
		if p.State == from {
			return nil
		}
		err := d.query(`UPDATE payment SET state = ?, reason = ?, result = ?, refusal = ?, transfer = ?, decided = ?, receipt = ?
			WHERE id = ? AND state = ?`, nil,
			int(p.State), p.Reason, result, refusal, answer.Transfer, answer.At, answer.Receipt, p.id, int(from))
		if err == nil && d.c.Changes() != 1 {
			err = fmt.Errorf("payment %s is not %v on disk", p.Key, from)
		}
		return err
	})
}

// Unfinished returns the payments without a final state, in the
// order in which they were accepted.
func (s *Store) Unfinished() (ps []Payment, err error) {
	err = s.read(func(d *db) error {
		ps = nil
		return d.query(`SELECT `+columns+` FROM payment WHERE state < 3 ORDER BY id`,
			func(r *sqlite3.Stmt) { ps = append(ps, scan(r)) })
	})
	return ps, err
}

// Find returns the payment with this key.
func (s *Store) Find(key pay.Key) (p Payment, err error) {
	found := false
	err = s.read(func(d *db) error {
		return d.query(`SELECT `+columns+` FROM payment WHERE key = ?`,
			func(r *sqlite3.Stmt) { p, found = scan(r), true }, key[:])
	})
	if err == nil && !found {
		err = fmt.Errorf("the queue has no payment %s", key)
	}
	return p, err
}

// History returns every payment with every try, oldest first.
func (s *Store) History() (hs []PaymentHistory, err error) {
	err = s.read(func(d *db) error {
		hs = nil
		at := map[int64]int{}
		err := d.query(`SELECT `+columns+` FROM payment ORDER BY id`, func(r *sqlite3.Stmt) {
			p := scan(r)
			at[p.id] = len(hs)
			hs = append(hs, PaymentHistory{Payment: p})
		})
		if err != nil {
			return err
		}
		return d.query(`SELECT payment, n, began, took, asked, dialed, connected, error FROM attempt ORDER BY payment, n`, func(r *sqlite3.Stmt) {
			h := &hs[at[r.ColumnInt64(0)]]
			h.Attempts = append(h.Attempts, Attempt{
				N: r.ColumnInt(1), Began: time.Unix(0, r.ColumnInt64(2)), Took: time.Duration(r.ColumnInt64(3)),
				Asked: r.ColumnBool(4), Dialed: r.ColumnBool(5), Connected: r.ColumnBool(6), Error: r.ColumnText(7),
			})
		})
	})
	return hs, err
}
