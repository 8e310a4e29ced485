package bank

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/onebar/onebar/reference/pay"
)

// maxBalance bounds every account, in minor units, so that no sum of a balance
// and an amount overflows.
const maxBalance = 1_000_000_000_000_000_000

// writer deals with batches of jobs, each batch in one transaction. It belongs
// to one goroutine. Accounts live in memory and are written back at the end of
// a batch; a batch that fails is forgotten and they are read again.
type writer struct {
	cfg        *LedgerConfig
	store      *store
	identities *identities

	byIdentity map[pay.PublicKey]*account
	byName     map[string]*account
	broken     error // why no further batch can be trusted

	// The batch under way:
	now      int64 // Unix milliseconds
	outcomes []outcome
	dirty    []*account // their balance may differ from the stored one
	opened   []*account
	booked   []pay.Key
}

// load reads the accounts.
func (w *writer) load() error {
	all, err := w.store.accounts()
	if err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	w.byIdentity = make(map[pay.PublicKey]*account, len(all))
	w.byName = make(map[string]*account, len(all))
	for _, a := range all {
		w.add(a)
	}
	w.identities.add(all)
	return nil
}

// recall reports every booking, if the bank asks for it.
func (w *writer) recall() error {
	if !w.cfg.Recall || w.cfg.Hooks.Committed == nil {
		return nil
	}
	keys, err := w.store.bookings()
	if err != nil {
		return fmt.Errorf("read the bookings: %w", err)
	}
	if len(keys) > 0 {
		w.cfg.Hooks.Committed(keys)
	}
	return nil
}

func (w *writer) add(a *account) {
	w.byName[a.name] = a
	if a.identity != (pay.PublicKey{}) {
		w.byIdentity[a.identity] = a
	}
}

// run deals with the jobs of a batch and tells each its outcome once the batch
// is durable. When ctx ends before the commit, nothing is committed and nobody
// is told anything.
func (w *writer) run(ctx context.Context, batch []*job) {
	err := w.broken
	if err == nil {
		err = w.transact(ctx, batch)
	}
	if ctx.Err() != nil {
		return
	}
	for i, j := range batch {
		if err != nil {
			j.done <- outcome{err: err}
		} else {
			j.done <- w.outcomes[i]
		}
	}
}

func (w *writer) transact(ctx context.Context, batch []*job) error {
	w.now = w.cfg.Now().UnixMilli()
	w.outcomes, w.dirty, w.opened, w.booked = w.outcomes[:0], w.dirty[:0], w.opened[:0], w.booked[:0]
	err := w.fill(batch)
	if err == nil {
		err = w.commit(ctx)
	}
	if err != nil {
		w.recover(err)
		return fmt.Errorf("book a batch of %d: %w", len(batch), err)
	}
	for _, a := range w.dirty {
		a.stored, a.dirty = a.balance, false
	}
	w.identities.add(w.opened)
	if w.cfg.Hooks.Committed != nil && len(w.booked) > 0 {
		w.cfg.Hooks.Committed(w.booked)
	}
	return nil
}

// fill does everything of a transaction but the commit.
func (w *writer) fill(batch []*job) error {
	if err := w.store.begin.Exec(); err != nil {
		return err
	}
	for _, j := range batch {
		var o outcome
		var err error
		if j.enroll != nil {
			o.err, err = w.enroll(j.enroll)
		} else {
			o.answer, err = w.answer(j)
		}
		if err != nil {
			return err
		}
		w.outcomes = append(w.outcomes, o)
	}
	for _, a := range w.dirty {
		if err := w.store.storeBalance(a); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) commit(ctx context.Context) error {
	if w.cfg.Hooks.BeforeCommit != nil && len(w.booked) > 0 {
		w.cfg.Hooks.BeforeCommit(ctx, w.booked)
	}
	if ctx.Err() != nil {
		return ErrClosed
	}
	return w.store.commit.Exec()
}

// recover undoes a batch that failed. If it cannot, or if the disk failed while
// something was made durable, nothing this process believes about the file is
// certain any more, and the ledger has to be opened again.
func (w *writer) recover(cause error) {
	if !w.store.conn.GetAutocommit() {
		if err := w.store.rollback.Exec(); err != nil {
			w.broken = fmt.Errorf("the ledger could not undo a failed transaction, open it again: %w", err)
		}
	}
	if errors.Is(cause, sqlite3.IOERR) || errors.Is(cause, sqlite3.CORRUPT) {
		w.broken = fmt.Errorf("the ledger's file failed, open it again: %w", cause)
	}
	if err := w.load(); err != nil && w.broken == nil {
		w.broken = fmt.Errorf("the ledger could not read its accounts, open it again: %w", err)
	}
	if errors.Is(cause, ErrClosed) {
		return
	}
	w.cfg.Log.Error("a batch of payments was not booked", "error", cause, "broken", w.broken != nil)
}

// answer decides a request and writes what follows from it. An error is one of
// the file, never of the request.
func (w *writer) answer(j *job) (*pay.Answer, error) {
	p := &j.request.Payment
	a := &pay.Answer{Key: p.Key, At: w.now}
	payer := w.byIdentity[j.payer]
	if payer == nil {
		a.Result, a.Reason = pay.Refused, pay.NotEnrolled
		return a, nil
	}
	r, found, err := w.store.record(payer.id, &p.Key)
	if err != nil {
		return nil, err
	}
	if found {
		return w.repeat(j, &r), nil
	}
	payee := w.byName[p.Payee]
	switch {
	case p.Deadline != 0 && w.now > p.Deadline:
		a.Result = pay.Expired
	case j.request.Ask == pay.AskStatus:
		a.Result = pay.NotFound
		return a, nil
	default:
		a.Result, a.Reason = pay.Declined, w.decline(p, payer, payee)
	}
	if a.Reason == pay.NoReason && a.Result == pay.Declined {
		a.Result = pay.Confirmed
		if a.Transfer, err = w.book(p.Key[:], p, payer, payee); err != nil {
			return nil, err
		}
		w.booked = append(w.booked, p.Key)
	}
	pay.SignReceipt(w.cfg.Receipts, j.payer, p, a)
	return a, w.store.insertRecord(payer.id, &p.Key, record{fingerprint: j.fingerprint, answer: *a})
}

// repeat answers a request whose key is known already.
func (w *writer) repeat(j *job, r *record) *pay.Answer {
	p := &j.request.Payment
	if r.fingerprint == j.fingerprint {
		return &r.answer
	}
	a := &pay.Answer{Key: p.Key, Result: pay.Conflict, At: r.answer.At}
	pay.SignReceipt(w.cfg.Receipts, j.payer, p, a)
	return a
}

// decline returns why a payment cannot be booked, or NoReason.
func (w *writer) decline(p *pay.Payment, payer, payee *account) pay.Reason {
	switch {
	case payee == nil || payee.equity:
		return pay.UnknownPayee
	case payee == payer:
		return pay.SameAccount
	case p.Currency != payer.currency || p.Currency != payee.currency:
		return pay.WrongCurrency
	case p.Amount > w.cfg.MaxAmount || payee.balance > maxBalance-p.Amount:
		return pay.AmountOutOfRange
	case payer.balance < p.Amount:
		return pay.NoFunds
	}
	return pay.NoReason
}

// book moves p.Amount. The caller has made sure that it can be moved.
func (w *writer) book(key []byte, p *pay.Payment, from, to *account) (int64, error) {
	id, err := w.store.insertTransfer(key, p, from.id, to.id, w.now)
	if err != nil {
		return 0, err
	}
	for _, a := range [...]*account{from, to} {
		if !a.dirty {
			a.dirty = true
			w.dirty = append(w.dirty, a)
		}
	}
	from.balance -= p.Amount
	to.balance += p.Amount
	return id, nil
}

// enroll opens an account. The first error is the caller's, the second one is
// of the file.
func (w *writer) enroll(a *Account) (refused, err error) {
	if refused := w.refuseAccount(a); refused != nil {
		return refused, nil
	}
	if old := w.byName[a.Name]; old != nil {
		return nil, nil
	}
	c := &a.Certificate
	acc := &account{name: a.Name, identity: c.Identity, transport: c.Transport, currency: a.Currency}
	if err := w.open(acc, c.Signature[:]); err != nil || a.Opening == 0 {
		return nil, err
	}
	equity := w.byName[equityName(a.Currency)]
	if equity == nil {
		equity = &account{name: equityName(a.Currency), currency: a.Currency, equity: true}
		if err := w.open(equity, nil); err != nil {
			return nil, err
		}
	}
	p := pay.Payment{Currency: a.Currency, Amount: a.Opening, Created: w.now}
	_, err = w.book(nil, &p, equity, acc)
	return nil, err
}

// open stores a new account. The certificate is the signature of its identity, if
// it has one.
func (w *writer) open(a *account, certificate []byte) error {
	if err := w.store.insertAccount(a, certificate); err != nil {
		return err
	}
	w.add(a)
	w.opened = append(w.opened, a)
	return nil
}

// equityPrefix begins the names of equity accounts, and of no other.
const equityPrefix = "equity:"

func equityName(currency string) string { return equityPrefix + currency }

// refuseAccount returns why an account cannot be opened, or nil if it can be or
// is there already.
func (w *writer) refuseAccount(a *Account) error {
	if !pay.IsAccount(a.Name) || strings.HasPrefix(a.Name, equityPrefix) {
		return fmt.Errorf("its name is not 1 to %d letters, digits or . _ : - @, or begins with %q", pay.MaxPayee, equityPrefix)
	}
	if !pay.IsCurrency(a.Currency) {
		return fmt.Errorf("its currency %q is not three upper-case letters (ISO 4217)", a.Currency)
	}
	if a.Opening < 0 || a.Opening > pay.MaxAmount {
		return fmt.Errorf("its opening balance %d is not between 0 and %d", a.Opening, int64(pay.MaxAmount))
	}
	c := &a.Certificate
	old := w.byName[a.Name]
	if old != nil && (old.identity != c.Identity || old.transport != c.Transport || old.currency != a.Currency) {
		return errors.New("there is another account of that name: choose another name")
	}
	if old == nil && *c != (pay.Certificate{}) {
		if err := w.refuseCertificate(c); err != nil {
			return err
		}
	}
	if e := w.byName[equityName(a.Currency)]; old == nil && e != nil && e.balance < a.Opening-maxBalance {
		return fmt.Errorf("the opening balances in %s would be more than %d together", a.Currency, int64(maxBalance))
	}
	return nil
}

// refuseCertificate returns why no new account can have this certificate, or nil.
func (w *writer) refuseCertificate(c *pay.Certificate) error {
	if err := c.Verify(); err != nil {
		return err
	}
	if taken := w.byIdentity[c.Identity]; taken != nil {
		return fmt.Errorf("its identity key is that of account %s: make another wallet", taken.name)
	}
	_, taken := w.identities.find(c.Transport)
	if taken || slices.ContainsFunc(w.opened, func(a *account) bool { return a.transport == c.Transport }) {
		return errors.New("its transport key is that of another account: make another wallet")
	}
	return nil
}
