package workload

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

// Users plays a plan: it presses pay at the planned times, and follows what the payers are
// told. It is the harness.Observer of the subject, and writes everything that it observes
// to the history first. Make it with NewUsers. Its methods may be called from several
// goroutines.
type Users struct {
	workload harness.Workload
	history  *history.Writer
	start    time.Time

	over atomic.Bool // observations are no longer recorded

	mu      sync.Mutex
	open    map[string]*order // presses without a final outcome, by payment id
	gaveUp  map[string]bool   // those of them whose app has given up
	pressed map[int]int       // presses by wallet
	presses sync.WaitGroup    // calls of Payer.Pay under way
	final   int               // orders whose presses are all final
	changed chan struct{}     // closed and replaced when a payer is told an outcome, or its app gives up
	untold  map[string]bool   // presses whose payer was told nothing yet, or queued, by payment id
	ended   chan struct{}     // closed at the end of the script
}

type order struct {
	wallet  int
	presses int
	open    int // presses without a final outcome
	settled bool
	timer   *time.Timer // when the user presses again
}

// NewUsers returns the users of a run whose offset 0 is start.
func NewUsers(w harness.Workload, h *history.Writer, start time.Time) *Users {
	return &Users{
		workload: w, history: h, start: start,
		open: map[string]*order{}, gaveUp: map[string]bool{}, pressed: map[int]int{},
		changed: make(chan struct{}),
		untold:  map[string]bool{},
		ended:   make(chan struct{}),
	}
}

// End says that the script has ended, once. No turn of Workload.InTurn comes after it.
func (u *Users) End() { close(u.ended) }

// Play presses pay for each order at its time, counted from now, and returns when each
// order was pressed once or ctx ends. With Workload.InTurn an order is pressed at its
// time, or when the payer of the order before it was told an outcome, if that is later;
// those that are not pressed by End are left out. Impatient users press again until Leave. payer
// returns the payer of a wallet, which is called with ctx. An error that a payer returns
// because ctx ended is not recorded.
func (u *Users) Play(ctx context.Context, orders []Order, payer func(wallet int) harness.Payer) {
	begin := time.Now()
	for _, o := range orders {
		if !SleepUntil(ctx, begin.Add(o.At)) {
			return
		}
		if u.workload.InTurn && !u.turn(ctx) {
			return
		}
		u.press(ctx, &order{wallet: o.Payment.Wallet}, o.Payment, payer)
	}
}

// turn waits until the payer of each press was told an outcome, which may be that it is
// unknown. It returns false if ctx or the script ends first.
func (u *Users) turn(ctx context.Context) bool {
	for {
		u.mu.Lock()
		untold, changed := len(u.untold), u.changed
		u.mu.Unlock()
		if untold == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-u.ended:
			return false
		case <-changed:
		}
	}
}

// SleepUntil waits for the instant t and returns true, or false if ctx ends
// first.
func SleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// press makes a user press pay, for the first time or again, without waiting for the app.
func (u *Users) press(ctx context.Context, o *order, p harness.Payment, payer func(int) harness.Payer) {
	u.mu.Lock()
	if ctx.Err() != nil || o.presses > 0 && (o.settled || o.open == 0) {
		u.mu.Unlock()
		return
	}
	o.presses++
	o.open++
	again := p
	if o.presses > 1 {
		p.ID = fmt.Sprintf("%s.%d", p.ID, o.presses)
	}
	if d := u.workload.Deadline; d > 0 {
		p.Deadline = time.Since(u.start) + d
	}
	u.open[p.ID] = o
	u.pressed[p.Wallet]++
	u.untold[p.ID] = true
	u.presses.Add(1)
	if u.workload.Impatient > 0 && o.presses < u.workload.Presses {
		o.timer = time.AfterFunc(u.workload.Impatient, func() { u.press(ctx, o, again, payer) })
	}
	u.mu.Unlock()

	u.history.Record(history.Record{Pay: &p})
	go func() {
		defer u.presses.Done()
		if err := payer(p.Wallet).Pay(ctx, p); err != nil && ctx.Err() == nil {
			u.Told(harness.Told{Payment: p.ID, Outcome: harness.Failed, Reason: err.Error()})
		}
	}()
}

// Told implements harness.Observer.
func (u *Users) Told(t harness.Told) {
	if u.over.Load() {
		return
	}
	u.history.Told(t)
	if !t.Outcome.Final() && !t.GivenUp && (t.Outcome == harness.Queued || !u.workload.InTurn) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.untold, t.Payment)
	defer u.broadcast()
	o, ok := u.open[t.Payment]
	if ok && t.GivenUp && !t.Outcome.Final() {
		u.gaveUp[t.Payment] = true
		return
	}
	if !ok || !t.Outcome.Final() {
		return // told again, or told about a payment that was not requested: the checks report it
	}
	delete(u.open, t.Payment)
	delete(u.gaveUp, t.Payment)
	o.open--
	o.settled = o.settled || t.Outcome == harness.Confirmed
	if o.open == 0 {
		u.final++
		if o.timer != nil {
			o.timer.Stop()
		}
	}
}

// broadcast wakes those who wait for a change. The caller holds mu.
func (u *Users) broadcast() {
	close(u.changed)
	u.changed = make(chan struct{})
}

// Attempt implements harness.Observer.
func (u *Users) Attempt(a harness.Attempt) {
	if !u.over.Load() {
		u.history.Attempt(a)
	}
}

// Committed implements harness.Observer.
func (u *Users) Committed(payment string) {
	if !u.over.Load() {
		u.history.Committed(payment)
	}
}

// Open returns how many presses of some wallets have no final outcome yet; without
// wallets of all.
func (u *Users) Open(wallets ...int) (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(wallets) == 0 {
		return len(u.open)
	}
	for _, o := range u.open {
		if slices.Contains(wallets, o.wallet) {
			n++
		}
	}
	return n
}

// Pressed returns how many times some wallets have pressed pay so far; without wallets all.
func (u *Users) Pressed(wallets ...int) (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for wallet, times := range u.pressed {
		if len(wallets) == 0 || slices.Contains(wallets, wallet) {
			n += times
		}
	}
	return n
}

// Final returns how many orders have a final outcome for each of their presses.
func (u *Users) Final() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.final
}

// stuck reports whether no open press can get a final outcome any more: each app has given
// up, and no user will press again. The caller holds the lock.
func (u *Users) stuck() bool {
	for id, o := range u.open {
		if !u.gaveUp[id] || u.workload.Impatient > 0 && o.presses < u.workload.Presses && !o.settled {
			return false
		}
	}
	return true
}

// Wait returns true once no press is open. It returns false when ctx ends first, or when no
// open press can get a final outcome any more.
func (u *Users) Wait(ctx context.Context) bool {
	for {
		u.mu.Lock()
		open, stuck, changed := len(u.open), u.stuck(), u.changed
		u.mu.Unlock()
		if open == 0 || stuck {
			return open == 0
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// Rest ends the presses: no user presses pay again. What the subject reports is recorded
// until Leave.
func (u *Users) Rest() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, o := range u.open {
		if o.timer != nil {
			o.timer.Stop()
		}
		o.settled = true
	}
}

// Leave ends the experiment: it calls Rest, and what the subject reports from now on is not
// recorded. Call it before the ledger is read: then a payment that is confirmed later does
// not count as lost, and one that fails while the subject is closed does not count as
// refused.
func (u *Users) Leave() {
	u.over.Store(true)
	u.Rest()
}

// Stop calls Leave, and waits for the presses under way. The context of Play must have
// ended, or the payers must answer.
func (u *Users) Stop() {
	u.Leave()
	u.presses.Wait()
}
