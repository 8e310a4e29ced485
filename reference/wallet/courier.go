package wallet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/onebar/onebar/reference/wire"
)

// courier carries one payment to the bank, try after try, until it has a final
// state or its tries are used up.
type courier struct {
	w     *Wallet
	p     Payment
	early int           // tries before the deadline in this round
	late  int           // tries after it
	stale bool          // the last try failed on a connection that was open before: try a new one at once
	wake  chan struct{} // of capacity 1: begin a new round
	done  chan struct{} // closed when the courier has ended
}

// nudge begins a new round of tries now. The caller holds w.mu.
func (c *courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *courier) run() {
	defer close(c.done)
	// An earlier courier may have come to an end since p was read.
	if p, err := c.w.store.payment(c.w.cfg.Account, c.p.Key); err == nil {
		c.p = p
	}
	for {
		for c.next() {
			c.try()
		}
		if c.leave() {
			return
		}
	}
}

// leave ends the courier, unless it was asked for a new round meanwhile.
func (c *courier) leave() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	select {
	case <-c.wake:
		c.early, c.late = 0, 0
		if !c.p.State.Final() && c.w.ctx.Err() == nil {
			return false
		}
	default:
	}
	delete(c.w.couriers, c.p.Key)
	return true
}

// next waits until the next try is due. It returns false if none is: the
// payment has a final state, or the tries are used up, or the wallet ends. A
// payment that never left the phone expires here, at its deadline.
func (c *courier) next() bool {
	for rested := false; c.w.ctx.Err() == nil && !c.p.State.Final(); {
		due, limited := c.p.due()
		left := time.Until(due)
		late := limited && left <= 0
		switch pause, ok := c.pause(limited, late, left); {
		case late && c.p.State == Queued:
			if !c.expire() {
				c.sleep(c.w.cfg.Pace.Cap)
			}
		case rested:
			return true
		case !ok:
			return false
		default:
			c.sleep(pause)
			rested = true
		}
	}
	return false
}

// pause returns how long to wait before the next try; ok is false if there is
// none. After a deadline the pauses begin small again: the bank can then give a
// final answer.
func (c *courier) pause(limited, late bool, left time.Duration) (d time.Duration, ok bool) {
	pace := &c.w.cfg.Pace
	spent := c.early >= pace.before()
	switch {
	case c.early+c.late >= pace.Tries:
		return 0, false
	case c.stale, c.early+c.late == 0:
		return 0, true
	case late:
		return c.w.patience.pause(c.late + 1), true
	case limited && spent && c.p.State == Queued:
		return left, true
	case limited && spent:
		return left + c.w.patience.pause(1), true
	case c.p.State == Queued && limited:
		return min(left, c.w.patience.pause(c.early)), true
	}
	return c.w.patience.pause(c.early), true
}

// try makes one try and stores what came of it.
func (c *courier) try() {
	select {
	case c.w.slots <- struct{}{}:
		defer func() { <-c.w.slots }()
	case <-c.w.ctx.Done():
		return
	}
	a := Attempt{N: c.p.tries + 1, Began: time.Now()}
	if due, limited := c.p.due(); limited && !a.Began.Before(due) {
		if c.p.State == Queued {
			return // it waited too long for its turn
		}
		a.Asked = true
		c.late++
	} else {
		c.early++
	}
	answer, err := c.exchange(&a)
	a.Took = time.Since(a.Began)
	p := c.p
	p.tries = a.N
	switch {
	case err != nil:
		a.Error = err.Error()
	case answer.Result.Final():
		p.State, p.Reason, p.Answer = verdict(answer)
	case answer.Reason != wire.NoReason:
		a.Error = fmt.Sprintf("the bank cannot take it now: %v", answer.Reason)
	default:
		a.Error = fmt.Sprintf("the bank says: %v", answer.Result)
	}
	if p.State == Sent {
		p.State, p.Reason = StateUnknown, a.Error
	}
	c.store(p, &a)
}

// verdict is the state a final answer leads to. A key in conflict means that
// the bank holds other content under it and so will never book this content.
func verdict(a *wire.Answer) (State, string, *wire.Answer) {
	switch a.Result {
	case wire.Confirmed:
		return Confirmed, "", a
	case wire.Declined:
		return Declined, a.Reason.String(), a
	case wire.Expired:
		return Expired, "the bank had not booked it by its deadline", a
	case wire.Conflict:
		return Declined, "the bank has another payment with this key", a
	case wire.Unknown, wire.NotFound, wire.Refused:
	}
	return StateUnknown, a.Result.String(), nil
}

var errNotStored = errors.New("not sent, because that could not be stored")

// exchange sends the payment, or the question about it, and waits for the
// answer. A payment is stored as sent before it can leave.
func (c *courier) exchange(a *Attempt) (*wire.Answer, error) {
	allow := c.w.patience.allow()
	ctx, cancel := context.WithTimeout(c.w.ctx, allow)
	defer cancel()
	k, dialed, err := c.w.line.get(ctx, allow)
	a.Dialed = dialed
	var answer *wire.Answer
	if err == nil && c.p.State == Queued {
		if !c.store(c.p.with(Sent), nil) {
			err = errNotStored
		}
	}
	if err == nil {
		ask := wire.AskPay
		if a.Asked {
			ask = wire.AskStatus
		}
		answer, err = k.sess.Do(ctx, &wire.Request{Ask: ask, Payment: c.p.Payment})
	}
	var timeout net.Error
	silent := errors.As(err, &timeout) && timeout.Timeout()
	used := c.w.line.put(k, a.Began, err, silent)
	c.stale = used && !dialed && !silent && err != nil && !c.stale
	switch {
	case err == nil:
		c.w.patience.answered(time.Since(a.Began))
	case c.w.ctx.Err() != nil:
		err = errors.New("the wallet was closed before an answer came")
	case silent:
		c.w.patience.timedOut(allow)
		err = fmt.Errorf("no answer within %v", allow.Round(time.Millisecond))
	}
	return answer, err
}

// sleep waits for d, or until the wallet ends. A nudge ends it early and begins
// a new round.
func (c *courier) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.wake:
		c.early, c.late = 0, 0
	case <-c.w.ctx.Done():
	}
}

// expire ends a payment that never left the phone. If that cannot be stored the
// user is told nothing, and it is tried again later.
func (c *courier) expire() bool {
	p := c.p.with(Expired)
	p.Reason = "it could not be sent before its deadline"
	return c.store(p, nil)
}

// store makes p and the try durable, and then tells. It returns false, and
// leaves everything as it was, if that was not possible.
func (c *courier) store(p Payment, a *Attempt) bool {
	from := c.p.State
	err := ErrClosed
	if !c.w.dead.Load() {
		err = c.w.store.change(&p, from, a)
	}
	if err != nil {
		if !errors.Is(err, ErrClosed) {
			c.w.cfg.Log.Error("cannot store a payment's state; will ask the bank again", "payment", p.Key, "state", p.State, "error", err)
		}
		return false
	}
	c.p = p
	if a != nil {
		c.w.cfg.Tried(p, *a)
	}
	if p.State != from {
		c.w.cfg.Log.Debug("payment", "payment", p.Key, "order", p.Order, "state", p.State, "reason", p.Reason)
		c.w.cfg.Told(p)
	}
	return true
}
