package wallet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
)

// sender attempts one payment until it has a final state, or until retry.Policy allows no
// further attempt: then the payment rests.
type sender struct {
	w     *Wallet
	p     outbox.Payment
	s     retry.Status // of the present round; Elapsed, Left, Limited and Unsent are filled in by status
	began time.Time    // when the round began, by the monotonic clock
	lag   time.Duration

	wake   chan struct{} // of capacity 1: begin a new round
	heard  chan struct{} // of capacity 1: the bank has answered another payment
	linkUp chan struct{} // of capacity 1: the link has come up
	done   chan struct{} // closed when the sender has ended

	sure    bool // p equals the stored payment
	resumes bool // it continues a payment of an earlier process; other senders may do so at the same instant
}

// hesitate waits for the lag of Config.Stagger. It is called after an event that may have
// woken several senders: a connection opened or broke, the bank answers again, the wallet
// was opened, or a commit is durable that may have several changes in it.
func (c *sender) hesitate() {
	if c.lag <= 0 {
		return
	}
	t := time.NewTimer(c.lag)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.w.ctx.Done():
	}
}

// ring puts a message into a channel of capacity 1, unless it has one.
func ring(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// drain removes the message from a channel of capacity 1, if it has one.
func drain(ch chan struct{}) {
	select {
	case <-ch:
	default:
	}
}

func (c *sender) run() {
	defer close(c.done)
	if c.resumes {
		c.hesitate()
	}
	if !c.sure { // an earlier sender may have ended the payment since p was read
		if p, err := c.w.store.Find(c.p.Key); err == nil {
			c.p = p
		}
	}
	for {
		for c.next() {
			c.attempt()
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
		c.newRound()
		if !c.p.State.Final() && c.w.ctx.Err() == nil {
			return false
		}
	default:
	}
	delete(c.w.senders, c.p.Key)
	return true
}

// newRound starts a new round, in which the earlier attempts do not count.
func (c *sender) newRound() { c.s, c.began = retry.Status{}, time.Now() }

// status returns c.s as of now.
func (c *sender) status() retry.Status {
	s := c.s
	s.Elapsed, s.Unsent = time.Since(c.began), c.p.State == outbox.Queued
	due, limited := c.p.Due()
	s.Limited = limited
	if limited {
		s.Left = due.Sub(c.w.cfg.Clock.Now())
	}
	return s
}

// next waits until the next attempt is due. It returns false if none is: the
// payment has a final state, or rests, or the wallet ends. A payment that never
// left the device expires here, at its deadline.
func (c *sender) next() bool {
	for paused := false; c.w.ctx.Err() == nil && !c.p.State.Final(); {
		step := c.w.cfg.Retry.Next(c.status())
		switch {
		case step.Action == retry.Expire:
			if !c.expire() {
				c.sleep(retry.Step{Least: c.w.cfg.Retry.Cap, Most: c.w.cfg.Retry.Cap})
			}
		case paused:
			return true
		case step.Action != retry.Send:
			return false
		default:
			c.sleep(step)
			paused = true
		}
	}
	return false
}

// sleep waits for the pause of a step. It ends early if the wallet ends, if an event comes
// that the step waits for, or if a new round begins.
func (c *sender) sleep(step retry.Step) {
	var heard, linkUp chan struct{}
	if step.Wake {
		drain(c.heard) // from before the attempt that has failed
		heard, linkUp = c.heard, c.linkUp
	}
	pause := c.w.backoff.Draw(step.Least, step.Most)
	if step.Cut > 0 {
		pause = min(pause, step.Cut)
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return
	case <-c.w.ctx.Done():
		return
	case <-c.wake:
		c.newRound()
		return
	case <-heard:
	case <-linkUp:
	}
	c.s.Dials, c.began = 0, time.Now() // failed dials say nothing about the link as it is now
	c.hesitate()
}

// attempt makes one attempt and stores its result.
func (c *sender) attempt() {
	select {
	case c.w.slots <- struct{}{}:
		defer func() { <-c.w.slots }()
	case <-c.w.ctx.Done():
		return
	}
	a := outbox.Attempt{N: c.p.AttemptCount + 1, Began: c.w.cfg.Clock.Now()}
	began := time.Now()
	if s := c.status(); s.Limited && s.Left <= 0 {
		if s.Unsent {
			return // it waited too long for its turn
		}
		a.Asked = true
	}
	drain(c.linkUp)
	answer, err := c.exchange(&a)
	// A request that could not be stored as sent was not sent: the bank has not seen it.
	noticed := a.Connected && !errors.Is(err, errNotStored)
	c.s.Connected, c.s.Silent, c.s.Wait = noticed, err != nil, 0
	switch {
	case !noticed:
		c.s.Dials++
	case a.Asked:
		c.s.Late++
	default:
		c.s.Early++
	}
	a.Start, a.Took = began, time.Since(began)
	p := c.p
	p.AttemptCount = a.N
	if a.Connected {
		p.Connected++
	}
	switch {
	case err != nil:
		a.Error = err.Error()
	case answer.Result.Final():
		p.State, p.Reason, p.Answer = verdict(&c.p.Payment, answer, c.w.cfg.Clock.Now())
	case answer.Reason != pay.NoReason:
		a.Error = fmt.Sprintf("the bank cannot take it now: %v", answer.Reason)
	case a.Asked: // its clock is behind ours
		c.s.Wait = time.UnixMilli(p.Deadline).Sub(time.UnixMilli(answer.At)) + time.Millisecond
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

// exchange sends the payment, or a status query, and waits for the answer. It signs the
// request first: with a locked vault it does not dial, and a queued payment stays queued.
// It stores a payment as sent before the request can leave. The time limit for the answer
// begins when the connection is open.
func (c *sender) exchange(a *outbox.Attempt) (answer *pay.Answer, err error) {
	r := &pay.Request{Ask: pay.AskPay, Payment: c.p.Payment}
	if a.Asked {
		r.Ask = pay.AskStatus
	}
	if err := r.Sign(c.w.cfg.Vault, c.w.cfg.Bank); err != nil {
		c.s.Stale = false
		return nil, err
	}
	k, dialed, waited, err := c.w.connection.get(c.w.ctx)
	a.Dialed, a.Connected = dialed, err == nil
	if waited {
		c.hesitate()
	}
	if a.Connected && c.p.State == outbox.Queued && !c.store(c.p.With(outbox.Sent), nil) {
		err = errNotStored
	}
	asked, allow := time.Now(), c.w.backoff.Allow()
	if err == nil {
		answer, err = c.ask(k.bank, r, allow)
	}
	took := time.Since(asked)
	if err != nil || !c.w.alone() {
		c.hesitate()
	}
	var timeout net.Error
	silent := errors.As(err, &timeout) && timeout.Timeout()
	used := c.w.connection.put(k, asked, err, silent)
	c.s.Stale = used && !dialed && !silent && err != nil && !c.s.Stale
	switch {
	case err == nil:
		c.w.backoff.Answered(took)
		c.w.heard()
	case c.w.ctx.Err() != nil:
		err = errors.New("the wallet was closed before an answer came")
	case silent && a.Connected:
		c.w.backoff.TimedOut(allow)
		err = fmt.Errorf("no answer within %v", allow.Round(time.Millisecond))
	case silent:
		err = fmt.Errorf("no connection within %v", c.w.cfg.Retry.Dial)
	}
	return answer, err
}

// ask exchanges the request for an answer and verifies the receipt of the answer.
func (c *sender) ask(bank channel.Channel, r *pay.Request, allow time.Duration) (*pay.Answer, error) {
	ctx, cancel := context.WithTimeout(c.w.ctx, allow)
	defer cancel()
	answer, err := bank.Do(ctx, r)
	if err == nil && answer.Result.Final() {
		err = pay.VerifyReceipt(c.w.cfg.Bank, c.w.cfg.Vault.Certificate().Identity, &r.Payment, answer)
	}
	return answer, err
}

// expire ends a payment that never left the phone. If that cannot be stored, the user is
// told nothing, and the wallet attempts it again later.
func (c *sender) expire() bool {
	p := c.p.With(outbox.Expired)
	p.Reason = "it could not be sent before its deadline"
	return c.store(p, nil)
}

// store makes p and the attempt durable, and then calls Attempted and Told. If it cannot
// store them, it changes nothing and returns false.
func (c *sender) store(p outbox.Payment, a *outbox.Attempt) bool {
	from := c.p.State
	err, alone := outbox.ErrClosed, c.w.alone()
	if !c.w.dead.Load() {
		err = c.w.store.Change(&p, from, a)
	}
	if err != nil {
		if !errors.Is(err, outbox.ErrClosed) {
			c.w.cfg.Log.Error("cannot store a payment's state; will ask the bank again", "payment", p.Key, "state", p.State, "error", err)
		}
		return false
	}
	if !alone {
		c.hesitate()
	}
	c.p = p
	if a != nil {
		c.w.cfg.Attempted(p, *a)
	}
	if p.State != from {
		c.w.cfg.Log.Debug("payment", "payment", p.Key, "order", p.Order, "state", p.State, "reason", p.Reason)
		c.w.cfg.Told(p)
	}
	return true
}
