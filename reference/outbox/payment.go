package outbox

import (
	"errors"
	"fmt"
	"time"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// Payment is one payment of the queue. The embedded pay.Payment, which the bank is asked
// to book, never changes after it was stored: every attempt sends the same.
type Payment struct {
	pay.Payment
	State  State
	Reason string      // in words: why it was refused, or why its state is unknown
	Answer *pay.Answer // the bank's final answer with its receipt, verified; nil until then

	AttemptCount int // attempts made so far
	Connected    int // how many of them reached a connection

	id int64 // row, ascending with acceptance
}

// Due returns the instant after which the bank does not book p; ok is false if there is
// none.
func (p *Payment) Due() (t time.Time, ok bool) {
	return time.UnixMilli(p.Deadline), p.Deadline != 0
}

// With returns p in state s.
func (p Payment) With(s State) Payment {
	p.State = s
	return p
}

// Attempt is one attempt of a payment.
type Attempt struct {
	N      int // from 1
	Began  time.Time
	Took   time.Duration
	Asked  bool // it was a status query, not the payment
	Dialed bool // it began to open a connection
	// Connected: a connection was open, so the bank may have noticed the attempt.
	Connected bool
	Error     string // empty if the answer was final
}

// PaymentHistory is a payment with all its attempts.
type PaymentHistory struct {
	Payment
	Attempts []Attempt
}

// ErrOtherContent is returned for an order that is being paid already, with
// another payee, amount or currency.
var ErrOtherContent = errors.New("the order is being paid with another payee, amount or currency: give this purchase another order name")

// columns are the columns of a payment. scan verifies their checksum.
const columns = `id, key, ordered, payee, amount, currency, created, deadline, state, reason,
	result, refusal, transfer, decided, receipt, checksum,
	(SELECT coalesce(max(n), 0) FROM attempt WHERE payment = id),
	(SELECT count(*) FROM attempt WHERE payment = id AND connected)`

// answerRow is the bank's final answer as columns.
type answerRow struct {
	result, refusal   string
	transfer, decided int64
	receipt           []byte
}

func (p *Payment) row() (r answerRow) {
	if a := p.Answer; a != nil {
		r = answerRow{a.Result.String(), a.Reason.String(), a.Transfer, a.At, a.Receipt}
	}
	return r
}

// scan reads the columns. A row that differs from what was stored is an error.
func scan(r sqlite.Row, verify func(*pay.Payment, *pay.Answer) error) (p Payment, err error) {
	p = Payment{
		id: r.Int(0),
		Payment: pay.Payment{
			Order: r.Text(2), Payee: r.Text(3), Amount: r.Int(4), Currency: r.Text(5), Created: r.Int(6), Deadline: r.Int(7),
		},
		Reason:       r.Text(9),
		AttemptCount: int(r.Int(16)), Connected: int(r.Int(17)),
	}
	r.Fill(p.Key[:], 1)
	if p.State, err = parseState(r.Text(8)); err != nil {
		return p, damaged("payment", p.id, "has a state that there is not")
	}
	if p.Answer, err = scanAnswer(r, 10); err != nil {
		return p, damaged("payment", p.id, "has an answer that no bank gives")
	}
	if p.checksum() != r.Int(15) {
		return p, damaged("payment", p.id, "does not match its checksum")
	}
	if p.Answer != nil {
		p.Answer.Key = p.Key
		if verify == nil {
			return p, nil
		}
		if err := verify(&p.Payment, p.Answer); err != nil {
			return p, damaged("payment", p.id, "has an answer that the bank did not give: "+err.Error())
		}
	}
	return p, nil
}

// scanAnswer reads the bank's final answer from the columns result, refusal,
// transfer, decided and receipt, which begin at column i. It returns nil if
// there is none.
func scanAnswer(r sqlite.Row, i int) (*pay.Answer, error) {
	result, reason, transfer, at, receipt := r.Text(i), r.Text(i+1), r.Int(i+2), r.Int(i+3), r.Blob(i+4)
	if result == "" && reason == "" && transfer == 0 && at == 0 && receipt == nil {
		return nil, nil //nolint:nilnil // no answer yet
	}
	return pay.ParseAnswer(result, reason, transfer, at, receipt)
}

// find calls got with each payment that matches a condition.
func find(tx *sqlite.Tx, verify func(*pay.Payment, *pay.Answer) error, got func(Payment), where string, args ...any) error {
	return tx.Query(`SELECT `+columns+` FROM payment WHERE `+where+` ORDER BY id`, func(r sqlite.Row) error {
		p, err := scan(r, verify)
		if err == nil {
			got(p)
		}
		return err
	}, args...)
}

// Accept stores p as queued, unless its order has a payment that is not
// refused: then it returns that one, and fresh is false.
func (s *Store) Accept(p Payment) (got Payment, fresh bool, err error) {
	var other bool
	err = s.db.Update(func(tx *sqlite.Tx) error {
		got, fresh, other = p, true, false
		got.State, got.Reason, got.Answer, got.AttemptCount, got.Connected = Queued, "", nil, 0, 0
		got.id = s.last + 1
		n, err := tx.Exec(`INSERT INTO payment (id, key, ordered, payee, amount, currency, created, deadline, state, checksum)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ordered) WHERE `+sqlNotRefused()+` DO NOTHING`,
			got.id, p.Key[:], p.Order, p.Payee, p.Amount, p.Currency, p.Created, p.Deadline, Queued.String(), got.checksum())
		if err != nil {
			return err
		}
		if n == 1 {
			s.last = got.id
			s.mark.add(1)
			return nil
		}
		err = find(tx, s.cfg.Verify, func(old Payment) { got, fresh = old, false }, sqlNotRefused()+` AND ordered = ?`, p.Order)
		other = got.Payee != p.Payee || got.Amount != p.Amount || got.Currency != p.Currency
		return err
	})
	if err == nil && other {
		err = fmt.Errorf("order %s: %w", p.Order, ErrOtherContent)
	}
	return got, fresh, err
}

// Change stores the state, reason and answer of p, which had the state from, in one
// transaction. If a is not nil, it stores that attempt, too.
func (s *Store) Change(p *Payment, from State, a *Attempt) error {
	if p.State != from && !from.Follows(p.State) {
		return fmt.Errorf("payment %s cannot go from %v to %v", p.Key, from, p.State)
	}
	if p.Answer != nil {
		if err := p.Answer.Validate(); err != nil {
			return fmt.Errorf("store the answer to payment %s: %w", p.Key, err)
		}
	}
	return s.db.Update(func(tx *sqlite.Tx) error {
		if a != nil {
			s.mark.add(1)
			_, err := tx.Exec(`INSERT INTO attempt (payment, n, began, took, asked, dialed, connected, error, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				p.id, a.N, a.Began.UnixNano(), int64(a.Took), a.Asked, a.Dialed, a.Connected, a.Error, a.checksum(p.id))
			if err != nil {
				return err
			}
		}
		if p.State == from {
			return nil
		}
		return s.move(tx, p, from)
	})
}

// move stores the state of p on disk. It does not change the request to the bank.
func (s *Store) move(tx *sqlite.Tx, p *Payment, from State) error {
	s.mark.add(p.State.step() - from.step())
	r := p.row()
	n, err := tx.Exec(`UPDATE payment SET state = ?, reason = ?, result = ?, refusal = ?, transfer = ?, decided = ?, receipt = ?, checksum = ?
		WHERE id = ? AND state = ?`,
		p.State.String(), p.Reason, r.result, r.refusal, r.transfer, r.decided, r.receipt, p.checksum(), p.id, from.String())
	if err == nil && n != 1 {
		err = fmt.Errorf("payment %s is not %v on disk", p.Key, from)
	}
	return err
}

// Unfinished returns the payments without a final state, in the
// order in which they were accepted.
func (s *Store) Unfinished() (ps []Payment, err error) {
	err = s.db.View(func(tx *sqlite.Tx) error {
		ps = nil
		return find(tx, s.cfg.Verify, func(p Payment) { ps = append(ps, p) }, sqlUnfinished())
	})
	return ps, err
}

// Find returns the payment with this key.
func (s *Store) Find(key pay.Key) (p Payment, err error) {
	found := false
	err = s.db.View(func(tx *sqlite.Tx) error {
		return find(tx, s.cfg.Verify, func(got Payment) { p, found = got, true }, `key = ?`, key[:])
	})
	if err == nil && !found {
		err = fmt.Errorf("the queue has no payment %s", key)
	}
	return p, err
}

// History returns every payment with every attempt, oldest first.
func (s *Store) History() (hs []PaymentHistory, err error) { return s.all(s.cfg.Verify) }

func (s *Store) all(verify func(*pay.Payment, *pay.Answer) error) (hs []PaymentHistory, err error) {
	err = s.db.View(func(tx *sqlite.Tx) (err error) {
		hs, err = history(tx, verify)
		return err
	})
	return hs, err
}

func history(tx *sqlite.Tx, verify func(*pay.Payment, *pay.Answer) error) (hs []PaymentHistory, err error) {
	at := map[int64]int{}
	err = find(tx, verify, func(p Payment) {
		at[p.id] = len(hs)
		hs = append(hs, PaymentHistory{Payment: p})
	}, `true`)
	if err != nil {
		return nil, err
	}
	err = tx.Query(`SELECT payment, n, began, took, asked, dialed, connected, error, checksum FROM attempt ORDER BY payment, n`, func(r sqlite.Row) error {
		a := Attempt{
			N: int(r.Int(1)), Began: time.Unix(0, r.Int(2)), Took: time.Duration(r.Int(3)),
			Asked: r.Bool(4), Dialed: r.Bool(5), Connected: r.Bool(6), Error: r.Text(7),
		}
		i, known := at[r.Int(0)]
		if !known || a.checksum(r.Int(0)) != r.Int(8) {
			return damaged("attempt", r.Int(0), "does not match its checksum")
		}
		hs[i].Attempts = append(hs[i].Attempts, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hs, nil
}
