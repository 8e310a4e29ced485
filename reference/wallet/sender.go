package wallet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
)

// sender carries one payment to the bank, try after try, until it has a final
// state or its tries are used up.
type sender struct {
	w     *Wallet
	p     outbox.Payment
	early int           // tries before the deadline in this round
	late  int           // tries after it
	dark  int           // tries that found no connection
	met   bool          // the last try found one
	deaf  bool          // the last try had no answer
	wait  time.Duration // until the bank can say more
	stale bool          // the last try failed on a connection that was open before: try a new one at once
	wake  chan struct{} // of capacity 1: begin a new round
	up    chan struct{} // of capacity 1: the bank has answered somebody: try now
	done  chan struct{} // closed when the sender has ended
	lag   time.Duration // how long it hesitates

	sure    bool // p is as it is stored
	resumes bool // what an earlier program has begun, as others may at this instant
}

// maxLag bounds how long a sender hesitates: next to nothing beside a round
// trip.
const maxLag = 500 * time.Microsecond

// hesitate is called after an event that may have woken other senders, too: a
// connection that opened or broke, a bank that answers again, a start of the
// program. They go on one after the other, as was drawn when they set out.
// Otherwise the scheduler would choose who is first, and what happens to wallets
// could not be repeated by a seed.
func (c *sender) hesitate() {
	t := time.NewTimer(c.lag)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.w.ctx.Done():
	}
}

// nudge begins a new round of tries now. The caller holds w.mu.
func (c *sender) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *sender) run() {
	defer close(c.done)
	if c.resumes {
		c.hesitate()
	}
	if !c.sure { // an earlier sender may have come to an end since p was read
		if p, err := c.w.store.Find(c.p.Key); err == nil {
			c.p = p
		}
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

// leave ends the sender, unless it was asked for a new round meanwhile.
func (c *sender) leave() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	select {
	case <-c.wake:
		c.early, c.late, c.dark = 0, 0, 0
		if !c.p.State.Final() && c.w.ctx.Err() == nil {
			return false
		}
	default:
	}
	delete(c.w.senders, c.p.Key)
	return true
}

// next waits until the next try is due. It returns false if none is: the
// payment has a final state, or the tries are used up, or the wallet ends. A
// payment that never left the phone expires here, at its deadline.
func (c *sender) next() bool {
	for rested := false; c.w.ctx.Err() == nil && !c.p.State.Final(); {
		due, limited := c.p.Due()
		left := time.Until(due)
		late := limited && left <= 0
		switch pause, ok := c.pause(limited, late, left); {
		case late && c.p.State == outbox.Queued:
			if !c.expire() {
				c.sleep(c.w.cfg.Pace.Cap, nil)
			}
		case rested:
			return true
		case !ok:
			return false
		default:
			c.sleep(pause, c.news())
			rested = true
		}
	}
	return false
}

// pause returns how long to wait before the next try; ok is false if there is
// none. After a deadline the pauses begin small again: the bank can then give a
// final answer.
func (c *sender) pause(limited, late bool, left time.Duration) (d time.Duration, ok bool) {
	pace := &c.w.cfg.Pace
	spent := c.early >= pace.before() || limited && c.dark >= pace.Dark-pace.Dark/3
	switch {
	case limited && spent && c.p.State == outbox.Queued:
		return left, true
	case c.early+c.late >= pace.Tries, c.dark >= pace.Dark:
		return 0, false
	case c.stale, c.early+c.late+c.dark == 0:
		return 0, true
	case !c.met && limited && c.p.State == outbox.Queued:
		return min(left, c.w.backoff.pause(c.dark)), true
	case !c.met && (late || !spent):
		return c.w.backoff.pause(max(c.dark, 1)), true
	case late:
		return max(c.wait, c.w.backoff.pause(c.late+1)), true
	case limited && spent:
		return left + c.w.backoff.pause(1), true
	case c.p.State == outbox.Queued && limited:
		return min(left, c.w.backoff.pause(c.early)), true
	}
	return c.w.backoff.pause(c.early), true
}

// news returns what may end a pause: an answer to another payment, if the last
// try had none. A bank that is busy, or has not found the payment, is left alone
// for the whole pause, and so is one whose tries before the deadline are spent.
func (c *sender) news() <-chan struct{} {
	if !c.deaf || c.late == 0 && c.early >= c.w.cfg.Pace.before() {
		return nil
	}
	select {
	case <-c.up: // old news
	default:
	}
	return c.up
}

// try makes one try and stores what came of it.
func (c *sender) try() {
	select {
	case c.w.slots <- struct{}{}:
		defer func() { <-c.w.slots }()
	case <-c.w.ctx.Done():
		return
	}
	a := outbox.Attempt{N: c.p.Tries + 1, Began: time.Now()}
	if due, limited := c.p.Due(); limited && !a.Began.Before(due) {
		if c.p.State == outbox.Queued {
			return // it waited too long for its turn
		}
		a.Asked = true
	}
	answer, met, err := c.exchange(&a)
	c.met, c.deaf, c.wait = met, err != nil, 0
	switch {
	case !met:
		c.dark++ // the bank has not noticed it
	case a.Asked:
		c.late++
	default:
		c.early++
	}
	a.Took = time.Since(a.Began)
	p := c.p
	p.Tries = a.N
	switch {
	case err != nil:
		a.Error = err.Error()
	case answer.Result.Final():
		p.State, p.Reason, p.Answer = verdict(&c.p.Payment, answer, time.Now())
	case answer.Reason != pay.NoReason:
		a.Error = fmt.Sprintf("the bank cannot take it now: %v", answer.Reason)
	case a.Asked: // its clock is behind ours
		c.wait = time.UnixMilli(p.Deadline).Sub(time.UnixMilli(answer.At)) + time.Millisecond
		fallthrough
	default:
		a.Error = fmt.Sprintf("the bank says: %v", answer.Result)
	}
	if p.State == outbox.Sent {
		p.State, p.Reason = outbox.Unknown, a.Error
	}
	c.store(p, &a)
}

var errNotStored = errors.New("not sent, because that could not be stored")

// exchange sends the payment, or the question about it, and waits for the
// answer. A payment is stored as sent before it can leave. What the opening of a
// connection takes is not counted against the answer. It returns whether there
// was a connection.
func (c *sender) exchange(a *outbox.Attempt) (answer *pay.Answer, met bool, err error) {
	k, dialed, waited, err := c.w.connection.get(c.w.ctx)
	a.Dialed, met = dialed, err == nil
	if waited {
		c.hesitate()
	}
	if met && c.p.State == outbox.Queued && !c.store(c.p.With(outbox.Sent), nil) {
		err = errNotStored
	}
	asked, allow := time.Now(), c.w.backoff.allow()
	if err == nil {
		ask := pay.AskPay
		if a.Asked {
			ask = pay.AskStatus
		}
		ctx, cancel := context.WithTimeout(c.w.ctx, allow)
		answer, err = k.bank.Do(ctx, &pay.Request{Ask: ask, Payment: c.p.Payment})
		cancel()
		if err == nil && answer.Result.Final() {
			err = pay.VerifyReceipt(c.w.cfg.Bank, c.w.cfg.Identity, &c.p.Payment, answer)
		}
	}
	took := time.Since(asked)
	if err != nil || !c.w.alone() {
		c.hesitate()
	}
	var timeout net.Error
	silent := errors.As(err, &timeout) && timeout.Timeout()
	used := c.w.connection.put(k, asked, err, silent)
	c.stale = used && !dialed && !silent && err != nil && !c.stale
	switch {
	case err == nil:
		c.w.backoff.answered(took)
		c.w.heard()
	case c.w.ctx.Err() != nil:
		err = errors.New("the wallet was closed before an answer came")
	case silent && met:
		c.w.backoff.timedOut(allow)
		err = fmt.Errorf("no answer within %v", allow.Round(time.Millisecond))
	case silent:
		err = fmt.Errorf("no connection within %v", c.w.cfg.Pace.Dial)
	}
	return answer, met, err
}

// sleep waits for d, or until the wallet ends, or something comes over up. A
// nudge ends it early and begins a new round.
func (c *sender) sleep(d time.Duration, up <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.wake:
		c.early, c.late, c.dark = 0, 0, 0
	case <-up:
		c.hesitate()
	case <-c.w.ctx.Done():
	}
}

// expire ends a payment that never left the phone. If that cannot be stored the
// user is told nothing, and it is tried again later.
func (c *sender) expire() bool {
	p := c.p.With(outbox.Expired)
	p.Reason = "it could not be sent before its deadline"
	return c.store(p, nil)
}

// store makes p and the try durable, and then tells. It returns false, and
// leaves everything as it was, if that was not possible.
func (c *sender) store(p outbox.Payment, a *outbox.Attempt) bool {
	from := c.p.State
	err := outbox.ErrClosed
	if !c.w.dead.Load() {
		err = c.w.store.Change(&p, from, a)
	}
	if err != nil {
		if !errors.Is(err, outbox.ErrClosed) {
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
