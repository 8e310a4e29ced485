package bank

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
)

// TestService holds the ledger to the contract of a [pay.Service]: what every channel and
// every wallet relies on.
func TestService(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, b *serviceBench)
	}{
		{"a payment is booked once, and answered alike for ever", testOnce},
		{"a payment asked for many times at once is booked once", testConcurrent},
		{"a key belongs to one content", testConflict},
		{"a status query never books", testStatus},
		{"a status query after the deadline settles it", testExpired},
		{"who is not enrolled is refused, not declined", testStranger},
		{"an invalid request is an error", testInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openTestLedger(t, 1)
			c.run(t, &serviceBench{t: t, ledger: b, payer: b.wallets[0].id()})
		})
	}
}

// serviceBench is a ledger with one payer.
type serviceBench struct {
	t      *testing.T
	ledger *testLedger
	payer  pay.PublicKey
}

// booked returns how many payments were booked so far.
func (b *serviceBench) booked() int {
	transfers, closing := b.ledger.contents(b.t)
	require.EqualValues(b.t, 100_00-10*len(transfers), closing["w0"])
	return len(transfers)
}

func (b *serviceBench) payment() pay.Payment {
	now := b.ledger.cfg.Clock.Now().UnixMilli()
	return pay.Payment{
		Key: pay.Key{1}, Order: "order 1", Payee: "m0", Amount: 10, Currency: "KES",
		Created: now, Deadline: now + 60_000,
	}
}

// ask makes a request of the payer, and verifies the receipt of a final answer.
func (b *serviceBench) ask(ask pay.Ask, p pay.Payment) *pay.Answer {
	b.t.Helper()
	a, err := b.ledger.Submit(b.payer, &pay.Request{Ask: ask, Payment: p})(context.Background())
	require.NoError(b.t, err)
	require.NoError(b.t, a.Validate())
	require.Equal(b.t, p.Key, a.Key)
	if a.Result.Final() {
		require.NoError(b.t, pay.VerifyReceipt(b.ledger.receiptKey(), b.payer, &p, a))
	}
	return a
}

func testOnce(t *testing.T, b *serviceBench) {
	t.Helper()
	p := b.payment()
	first := b.ask(pay.AskPay, p)
	require.Equal(t, pay.Confirmed, first.Result)
	for _, ask := range []pay.Ask{pay.AskPay, pay.AskStatus, pay.AskPay} {
		require.Equal(t, first, b.ask(ask, p))
	}
	require.Equal(t, 1, b.booked())
}

func testConcurrent(t *testing.T, b *serviceBench) {
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
	require.Equal(t, 1, b.booked())
}

func testConflict(t *testing.T, b *serviceBench) {
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
	require.Equal(t, 1, b.booked())
}

func testStatus(t *testing.T, b *serviceBench) {
	t.Helper()
	p := b.payment()
	require.Equal(t, pay.NotFound, b.ask(pay.AskStatus, p).Result)
	require.Equal(t, 0, b.booked())
	require.Equal(t, pay.Confirmed, b.ask(pay.AskPay, p).Result, "not found is not final")
	require.Equal(t, pay.Confirmed, b.ask(pay.AskStatus, p).Result)
}

func testExpired(t *testing.T, b *serviceBench) {
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
	require.Equal(t, 0, b.booked())
}

func testStranger(t *testing.T, b *serviceBench) {
	t.Helper()
	p := b.payment()
	a, err := b.ledger.Submit(pay.PublicKey{1, 2, 3}, &pay.Request{Ask: pay.AskPay, Payment: p})(t.Context())
	require.NoError(t, err)
	require.Equal(t, pay.Refused, a.Result)
	require.Equal(t, pay.NotEnrolled, a.Reason)
	require.Equal(t, 0, b.booked())
}

func testInvalid(t *testing.T, b *serviceBench) {
	t.Helper()
	for name, r := range map[string]*pay.Request{
		"asks for nothing": {Payment: b.payment()},
		"no payment":       {Ask: pay.AskPay},
	} {
		a, err := b.ledger.Submit(b.payer, r)(t.Context())
		require.Error(t, err, name)
		require.Nil(t, a, name)
	}
	require.Equal(t, 0, b.booked())
}
