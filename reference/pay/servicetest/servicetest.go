// Package servicetest says whether a [pay.Service] keeps its contract: what every
// channel and every wallet relies on. A service's own tests call [Test].
package servicetest

import (
	"context"
	"crypto/ed25519"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
)

// System is a service with a payer who holds at least 1,000 minor units, and a
// payee in the same currency.
type System struct {
	Service  pay.Service
	Receipts ed25519.PublicKey // verifies the service's receipts
	Payer    pay.PublicKey
	Payee    string
	Currency string
	Now      pay.Clock // the service's
	// Booked returns how many payments were booked so far.
	Booked func() int
}

// Test runs the suite. Start starts a system, and ends it with t.Cleanup. It is
// called once for each test.
func Test(t *testing.T, start func(t *testing.T) System) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s *bench)
	}{
		{"a payment is booked once, and answered alike for ever", testOnce},
		{"a payment asked for many times at once is booked once", testConcurrent},
		{"a key belongs to one content", testConflict},
		{"a status query never books", testStatus},
		{"a status query after the deadline settles it", testExpired},
		{"who is not enrolled is refused, not declined", testStranger},
		{"an invalid request is an error", testInvalid},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, &bench{System: start(t), t: t}) })
	}
}

type bench struct {
	System

	t *testing.T
}

func (b *bench) payment() pay.Payment {
	now := b.Now.Now().UnixMilli()
	return pay.Payment{
		Key: pay.Key{1}, Order: "order 1", Payee: b.Payee, Amount: 10, Currency: b.Currency,
		Created: now, Deadline: now + 60_000,
	}
}

// ask makes a request of the payer, and verifies the receipt of a final answer.
func (b *bench) ask(ask pay.Ask, p pay.Payment) *pay.Answer {
	b.t.Helper()
	a, err := b.Service.Submit(b.Payer, &pay.Request{Ask: ask, Payment: p})(context.Background())
	require.NoError(b.t, err)
	require.NoError(b.t, a.Validate())
	require.Equal(b.t, p.Key, a.Key)
	if a.Result.Final() {
		require.NoError(b.t, pay.VerifyReceipt(b.Receipts, b.Payer, &p, a))
	}
	return a
}

func testOnce(t *testing.T, b *bench) {
	t.Helper()
	p := b.payment()
	first := b.ask(pay.AskPay, p)
	require.Equal(t, pay.Confirmed, first.Result)
	for _, ask := range []pay.Ask{pay.AskPay, pay.AskStatus, pay.AskPay} {
		require.Equal(t, first, b.ask(ask, p))
	}
	require.Equal(t, 1, b.Booked())
}

func testConcurrent(t *testing.T, b *bench) {
	t.Helper()
	p := b.payment()
	answers := make([]*pay.Answer, 32)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = b.ask(pay.AskPay, p) })
	}
	wg.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	require.Equal(t, 1, b.Booked())
}

func testConflict(t *testing.T, b *bench) {
	t.Helper()
	p := b.payment()
	first := b.ask(pay.AskPay, p)
	for name, change := range map[string]func(*pay.Payment){
		"order":    func(p *pay.Payment) { p.Order += "x" },
		"payee":    func(p *pay.Payment) { p.Payee += "x" },
		"amount":   func(p *pay.Payment) { p.Amount++ },
		"created":  func(p *pay.Payment) { p.Created-- },
		"deadline": func(p *pay.Payment) { p.Deadline++ },
	} {
		other := p
		change(&other)
		require.Equal(t, pay.Conflict, b.ask(pay.AskPay, other).Result, name)
		require.Equal(t, pay.Conflict, b.ask(pay.AskStatus, other).Result, name)
	}
	require.Equal(t, first, b.ask(pay.AskPay, p), "the first content keeps its answer")
	require.Equal(t, 1, b.Booked())
}

func testStatus(t *testing.T, b *bench) {
	t.Helper()
	p := b.payment()
	require.Equal(t, pay.NotFound, b.ask(pay.AskStatus, p).Result)
	require.Equal(t, 0, b.Booked())
	require.Equal(t, pay.Confirmed, b.ask(pay.AskPay, p).Result, "not found is not final")
	require.Equal(t, pay.Confirmed, b.ask(pay.AskStatus, p).Result)
}

func testExpired(t *testing.T, b *bench) {
	t.Helper()
	p := b.payment()
	p.Created -= 120_000
	p.Deadline = p.Created + 60_000
	require.Equal(t, pay.Expired, b.ask(pay.AskStatus, p).Result)
	require.Equal(t, pay.Expired, b.ask(pay.AskPay, p).Result, "a copy that arrives later is not booked")
	p = b.payment()
	p.Key[0]++
	p.Deadline, p.Created = 0, p.Created-pay.MaxValidity.Milliseconds()-1
	require.Equal(t, pay.Expired, b.ask(pay.AskPay, p).Result, "who has no deadline has pay.MaxValidity")
	require.Equal(t, 0, b.Booked())
}

func testStranger(t *testing.T, b *bench) {
	t.Helper()
	p := b.payment()
	a, err := b.Service.Submit(pay.PublicKey{1, 2, 3}, &pay.Request{Ask: pay.AskPay, Payment: p})(t.Context())
	require.NoError(t, err)
	require.Equal(t, pay.Refused, a.Result)
	require.Equal(t, pay.NotEnrolled, a.Reason)
	require.Equal(t, 0, b.Booked())
}

func testInvalid(t *testing.T, b *bench) {
	t.Helper()
	for name, r := range map[string]*pay.Request{
		"asks for nothing": {Payment: b.payment()},
		"no payment":       {Ask: pay.AskPay},
	} {
		a, err := b.Service.Submit(b.Payer, r)(t.Context())
		require.Error(t, err, name)
		require.Nil(t, a, name)
	}
	require.Equal(t, 0, b.Booked())
}
