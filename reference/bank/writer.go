package bank

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// maxBalance bounds every account, in minor units, so that no sum of a balance
// and an amount overflows.
const maxBalance = 1_000_000_000_000_000_000

// writer decides requests in the transactions of the store. It belongs to the
// goroutine that writes. Accounts are kept in memory and written at the end of a
// transaction. If that fails they are reset, or read again if they may differ from the
// file.
type writer struct {
	cfg        *LedgerConfig
	identities *identities

	byIdentity map[pay.PublicKey]*account
	byName     map[string]*account
	full       bool // the last transaction was not written, as on a full disk

	// The transaction under way:
	now    int64      // Unix milliseconds
	dirty  []*account // their balance may differ from the stored one
	opened []*account
	booked []pay.Key
}

// load reads the accounts.
func (w *writer) load(tx *sqlite.Tx) error {
	all, err := accounts(tx)
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
func (w *writer) recall(tx *sqlite.Tx) error {
	if !w.cfg.Recall || w.cfg.Hooks.Committed == nil {
		return nil
	}
	keys, err := bookings(tx)
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

// begin is called when a transaction begins.
func (w *writer) begin() { w.now = w.cfg.Clock.Milli() }

// end forgets the transaction under way.
func (w *writer) end() { w.dirty, w.opened, w.booked = w.dirty[:0], w.opened[:0], w.booked[:0] }

// flush writes the balances back, before the commit.
func (w *writer) flush(ctx context.Context, tx *sqlite.Tx) error {
	for _, a := range w.dirty {
		if err := storeBalance(tx, a); err != nil {
			return err
		}
	}
	if w.cfg.Hooks.BeforeCommit != nil && len(w.booked) > 0 {
		w.cfg.Hooks.BeforeCommit(ctx, w.booked)
	}
	return nil
}

// done is called when the transaction is durable, before any request is answered.
func (w *writer) done() {
	defer w.end()
	for _, a := range w.dirty {
		a.stored, a.dirty = a.balance, false
	}
	w.identities.add(w.opened)
	if w.full {
		w.full = false
		w.cfg.Log.Warn("the disk takes payments again")
	}
	if w.cfg.Hooks.Committed != nil && len(w.booked) > 0 {
		w.cfg.Hooks.Committed(w.booked)
	}
}

// undone is called when the transaction failed.
func (w *writer) undone(tx *sqlite.Tx, cause error) error {
	defer w.end()
	switch {
	case errors.Is(cause, ErrClosed):
	case !sqlite.IsUnwritten(cause):
		w.cfg.Log.Error("payments were not booked", "error", cause)
	case !w.full: // logged once, not for every payment
		w.full = true
		w.cfg.Log.Error("the disk takes no more payments: they are answered busy until there is room", "error", cause)
	}
	if !sqlite.IsUnwritten(cause) {
		return w.load(tx)
	}
	for _, a := range w.dirty {
		a.balance, a.dirty = a.stored, false
	}
	for _, a := range w.opened {
		delete(w.byName, a.name)
		delete(w.byIdentity, a.identity)
	}
	return nil
}

// answer decides a request and writes the result. An error is an error of the file, never of
// the request.
func (w *writer) answer(tx *sqlite.Tx, j *job) (*pay.Answer, error) {
	p := &j.request.Payment
	a := &pay.Answer{Key: p.Key, At: w.now}
	payer := w.byIdentity[j.payer]
	if payer == nil {
		a.Result, a.Reason = pay.Refused, pay.NotEnrolled
		return a, nil
	}
	r, found, err := findRecord(tx, payer.id, &p.Key)
	if err != nil {
		return nil, err
	}
	if found {
		return w.repeat(tx, j, &r, payer)
	}
	late := w.now > p.BookableUntil()
	if !late && j.request.Ask == pay.AskStatus {
		a.Result = pay.NotFound
		return a, nil
	}
	if err := w.decide(tx, a, p, payer, late); err != nil {
		return nil, err
	}
	remember := a.Result == pay.Confirmed
	if !remember {
		if remember, err = w.remember(tx, a, p, payer); err != nil {
			return nil, err
		}
	}
	pay.SignReceipt(w.cfg.Receipts, j.payer, p, a)
	if !remember {
		return a, nil
	}
	return a, insertRecord(tx, payer.id, p, &record{fingerprint: j.fingerprint, answer: *a})
}

// decide books the payment, or sets in a why not.
func (w *writer) decide(tx *sqlite.Tx, a *pay.Answer, p *pay.Payment, payer *account, late bool) (err error) {
	if late {
		a.Result = pay.Expired
		return nil
	}
	a.Result = pay.Declined
	if !w.cfg.AllowRepeatedOrders {
		if a.Transfer, err = paid(tx, payer.id, p); err != nil {
			return err
		}
		if a.Transfer != 0 {
			a.Reason = pay.AlreadyPaid
			return nil
		}
	}
	payee := w.byName[p.Payee]
	if a.Reason = w.decline(p, payer, payee); a.Reason != pay.NoReason {
		return nil
	}
	a.Result = pay.Confirmed
	if a.Transfer, err = w.book(tx, p, payer, payee); err == nil {
		w.booked = append(w.booked, p.Key)
	}
	return err
}

// refusedGrace is how long a refusal is remembered after the payment can no longer be
// booked. So even if the bank's clock is set back by as much, a copy of the payment is not
// booked.
const refusedGrace = 24 * time.Hour

// remember reports whether the refusal a must be recorded, and bounds the records of a
// payer. A payment that is long past its deadline, or MaxValidity if it has none, needs no
// record, because it will always be late. A payer with too many refusals is answered "busy".
func (w *writer) remember(tx *sqlite.Tx, a *pay.Answer, p *pay.Payment, payer *account) (bool, error) {
	before := w.now - refusedGrace.Milliseconds()
	if p.BookableUntil() < before {
		return false, nil
	}
	left, err := pruneRefused(tx, payer.id, before)
	if err != nil || left < w.cfg.MaxRefused {
		return true, err
	}
	*a = pay.Answer{Key: p.Key, Result: pay.Refused, Reason: pay.Busy, At: w.now}
	return false, nil
}

// repeat answers a request whose key is known already. A conflict is final: the record that
// causes it is kept for as long as the payment could be booked.
func (w *writer) repeat(tx *sqlite.Tx, j *job, r *record, payer *account) (*pay.Answer, error) {
	p := &j.request.Payment
	if r.fingerprint == j.fingerprint {
		return &r.answer, nil
	}
	if err := keepRecord(tx, payer.id, p); err != nil {
		return nil, err
	}
	a := &pay.Answer{Key: p.Key, Result: pay.Conflict, At: r.answer.At}
	pay.SignReceipt(w.cfg.Receipts, j.payer, p, a)
	return a, nil
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

// book moves p.Amount. The caller has checked that it can be moved.
func (w *writer) book(tx *sqlite.Tx, p *pay.Payment, from, to *account) (int64, error) {
	id, err := insertTransfer(tx, p, from, to, w.now)
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

// enroll opens an account. The first error is the caller's mistake, the second one is an
// error of the file.
func (w *writer) enroll(tx *sqlite.Tx, a *Account) (refused, err error) {
	if refused := w.refuseAccount(a); refused != nil {
		return refused, nil
	}
	if old := w.byName[a.Name]; old != nil {
		return nil, nil
	}
	c := &a.Certificate
	acc := &account{name: a.Name, identity: c.Identity, transport: c.Transport, currency: a.Currency}
	if err := w.open(tx, acc, c.Signature[:]); err != nil || a.Opening == 0 {
		return nil, err
	}
	equity := w.byName[equityName(a.Currency)]
	if equity == nil {
		equity = &account{name: equityName(a.Currency), currency: a.Currency, equity: true}
		if err := w.open(tx, equity, nil); err != nil {
			return nil, err
		}
	}
	p := pay.Payment{Currency: a.Currency, Amount: a.Opening, Created: w.now}
	_, err = w.book(tx, &p, equity, acc)
	return nil, err
}

// open stores a new account. certificate is the signature of its identity, if it has one.
func (w *writer) open(tx *sqlite.Tx, a *account, certificate []byte) error {
	if err := insertAccount(tx, a, certificate); err != nil {
		return err
	}
	w.add(a)
	w.opened = append(w.opened, a)
	return nil
}

// equityPrefix begins the names of equity accounts, and of no other.
const equityPrefix = "equity:"

func equityName(currency string) string { return equityPrefix + currency }

// refuseAccount returns why an account cannot be opened, or nil if it can be opened or
// exists already.
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
