// Package channeltest tests whether a channel keeps the contract of package channel, on
// which reference/wallet and reference/bank rely. A channel's own tests call [Test].
package channeltest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

// System is a channel's two ends, with one wallet.
type System struct {
	Dialer channel.Dialer    // of the wallet
	Vault  vault.Vault       // the wallet's keys; the bank's end knows its certificate
	Bank   ed25519.PublicKey // the bank's receipt key, for which requests are signed
	// Cut breaks every open channel as a network failure does, without a call to either
	// end. Channels that are dialed later are not affected.
	Cut func()
}

// Test runs the suite. Start starts a system whose bank end hands its requests to
// the service, as those of the identity of System.Vault, and ends it with t.Cleanup.
// It is called once for each test. The service has no accounts: the bank's end
// finds the wallet's identity in the certificate of System.Vault.
func Test(t *testing.T, start func(t *testing.T, s pay.Service) System) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"a request and its answer arrive whole", testWhole},
		{"several requests are under way at once", testTogether},
		{"an answer that nobody waits for any more is dropped", testLate},
		{"a request whose context has ended is not sent", testEnded},
		{"a receipt is not the channel's business", testReceipt},
		{"a broken channel is done, and another one can be dialed", testCut},
		{"a request whose fate is unknown is not answered", testUnknownFate},
		{"closing releases those who wait", testClose},
		{"a dial whose context has ended opens nothing", testDial},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bench{t: t, held: map[pay.Key]chan struct{}{}}
			b.System = start(t, b)
			c.run(t, b)
		})
	}
}

// waitLimit bounds each wait of the suite.
const waitLimit = 20 * time.Second

// bench is the service below a system. It answers each request at once, unless a
// test holds the answer back or has given another one.
type bench struct {
	System

	t *testing.T

	mu     sync.Mutex
	seen   []seen
	held   map[pay.Key]chan struct{} // answers that wait for their release
	answer func(*pay.Request) (*pay.Answer, error)
}

type seen struct {
	payer pay.PublicKey
	r     pay.Request
}

func (b *bench) Submit(payer pay.PublicKey, r *pay.Request) func(context.Context) (*pay.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content := *r
	content.Signature = nil // whether it travels is up to the channel
	b.seen = append(b.seen, seen{payer, content})
	hold, answer := b.held[r.Payment.Key], b.answer
	if answer == nil {
		answer = func(r *pay.Request) (*pay.Answer, error) { return answerTo(r), nil }
	}
	return func(ctx context.Context) (*pay.Answer, error) {
		if hold != nil {
			select {
			case <-hold:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return answer(&content)
	}
}

// hold keeps the answer to a request back until release is called.
func (b *bench) hold(r *pay.Request) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ch := make(chan struct{})
	b.held[r.Payment.Key] = ch
	release = sync.OnceFunc(func() { close(ch) })
	b.t.Cleanup(release)
	return release
}

func (b *bench) requests() []seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]seen(nil), b.seen...)
}

// arrived waits until the service has seen n requests.
func (b *bench) arrived(n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.requests()) >= n }, waitLimit, time.Millisecond)
}

func (b *bench) dial() channel.Channel {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), waitLimit)
	defer cancel()
	c, err := b.Dialer.Dial(ctx)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, c.Close()) })
	return c
}

// do sends a request for which an answer is expected.
func (b *bench) do(c channel.Channel, r *pay.Request) *pay.Answer {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), waitLimit)
	defer cancel()
	a, err := c.Do(ctx, b.sign(r))
	require.NoError(b.t, err)
	return a
}

// sign returns r as the wallet signs it.
func (b *bench) sign(r *pay.Request) *pay.Request {
	signed := *r
	if err := signed.Sign(b.Vault, b.Bank); err != nil {
		b.t.Error(err)
	}
	return &signed
}

// request returns a request whose fields all differ from those of other requests.
func request(n int) *pay.Request {
	created := int64(1_790_000_000_000) + int64(n) // in 2026
	r := &pay.Request{Ask: pay.AskPay, Payment: pay.Payment{
		Key: pay.Key{byte(n + 1), byte(n >> 8), 3}, Order: fmt.Sprint("order ", n), Payee: fmt.Sprint("m", n),
		Amount: int64(n + 1), Currency: "KES", Created: created, Deadline: created + 60_000,
	}}
	if n%2 == 1 {
		r.Ask = pay.AskStatus
	}
	return r
}

// answerTo returns the service's answer, which belongs to r and to no other request.
func answerTo(r *pay.Request) *pay.Answer {
	a := &pay.Answer{
		Key: r.Payment.Key, Result: pay.Confirmed, Transfer: r.Payment.Amount, At: r.Payment.Created + 1,
		Receipt: make([]byte, pay.ReceiptSize),
	}
	copy(a.Receipt, r.Payment.Key[:])
	return a
}

func testWhole(t *testing.T, b *bench) {
	t.Helper()
	longest := request(0)
	longest.Payment.Order = strings.Repeat("é", pay.MaxOrder/2)
	longest.Payment.Payee = "merchant-with-a-name-of-32-bytes"
	longest.Payment.Amount = pay.MaxAmount
	longest.Payment.Deadline = longest.Payment.Created + pay.MaxValidity.Milliseconds()
	shortest := request(2)
	shortest.Payment.Order, shortest.Payment.Payee, shortest.Payment.Deadline = "", "m", 0
	status := request(3)

	c := b.dial()
	for i, r := range []*pay.Request{longest, shortest, status} {
		require.NoError(t, r.Validate())
		require.Equal(t, answerTo(r), b.do(c, r))
		got := b.requests()
		require.Len(t, got, i+1, "each request is seen once")
		require.Equal(t, seen{b.Vault.Certificate().Identity, *r}, got[i])
	}
	for _, a := range []pay.Answer{
		{Result: pay.Declined, Reason: pay.NoFunds, Receipt: make([]byte, pay.ReceiptSize)},
		{Result: pay.Expired, Receipt: make([]byte, pay.ReceiptSize)},
		{Result: pay.Conflict, Receipt: make([]byte, pay.ReceiptSize)},
		{Result: pay.NotFound},
		{Result: pay.Refused, Reason: pay.Busy},
	} {
		r := request(4)
		a.Key, a.At = r.Payment.Key, r.Payment.Created
		b.mu.Lock()
		b.answer = func(*pay.Request) (*pay.Answer, error) { return &a, nil }
		b.mu.Unlock()
		require.Equal(t, &a, b.do(c, r))
	}
}

func testTogether(t *testing.T, b *bench) {
	t.Helper()
	c := b.dial()
	b.do(c, request(99)) // a channel may need one answer before it takes several requests
	const n = 8
	var release []func()
	for i := range n {
		release = append(release, b.hold(request(i)))
	}
	answers := make([]*pay.Answer, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i] = b.do(c, request(i)) })
	}
	b.arrived(n + 1)
	for i := n - 1; i >= 0; i-- { // the last request is answered first
		release[i]()
	}
	wg.Wait()
	for i, a := range answers {
		require.Equal(t, answerTo(request(i)), a)
	}
	require.Len(t, b.requests(), n+1, "each request is seen once")
}

func testLate(t *testing.T, b *bench) {
	t.Helper()
	c := b.dial()
	b.do(c, request(0))
	release := b.hold(request(1))
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := c.Do(ctx, b.sign(request(1)))
		failed <- err
	}()
	b.arrived(2)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	release()
	require.Equal(t, answerTo(request(2)), b.do(c, request(2)), "the channel stays usable, and mixes no answers up")
	require.Len(t, b.requests(), 3, "no request is made twice")
}

func testEnded(t *testing.T, b *bench) {
	t.Helper()
	c := b.dial()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Do(ctx, b.sign(request(0)))
	require.ErrorIs(t, err, context.Canceled)
	b.do(c, request(2))
	got := b.requests()
	require.Len(t, got, 1)
	require.Equal(t, request(2).Payment, got[0].r.Payment)
}

func testReceipt(t *testing.T, b *bench) {
	t.Helper()
	forged := answerTo(request(0))
	forged.Receipt = make([]byte, pay.ReceiptSize)
	b.answer = func(*pay.Request) (*pay.Answer, error) { return forged, nil }
	require.Equal(t, forged, b.do(b.dial(), request(0)), "the wallet verifies receipts, in one place")
}

func testCut(t *testing.T, b *bench) {
	t.Helper()
	c := b.dial()
	b.do(c, request(0))
	b.hold(request(1))
	failed := make(chan error, 1)
	go func() {
		_, err := c.Do(t.Context(), b.sign(request(1)))
		failed <- err
	}()
	b.arrived(2)
	b.Cut()
	select {
	case err := <-failed:
		require.Error(t, err)
	case <-time.After(waitLimit):
		t.Fatal("Do still waits though the channel was cut")
	}
	select {
	case <-c.Done():
	case <-time.After(waitLimit):
		t.Fatal("Done is not closed though the channel was cut")
	}
	_, err := c.Do(t.Context(), b.sign(request(2)))
	require.Error(t, err, "a channel that has failed stays failed")
	require.Equal(t, answerTo(request(4)), b.do(b.dial(), request(4)))
}

// testUnknownFate: the service cannot give the result of a request. The wallet then gets an
// error, or the answer that the bank is busy, but nothing final.
func testUnknownFate(t *testing.T, b *bench) {
	t.Helper()
	b.answer = func(*pay.Request) (*pay.Answer, error) { return nil, errors.New("the disk failed") }
	c := b.dial()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	a, err := c.Do(ctx, b.sign(request(0)))
	require.NotErrorIs(t, err, context.DeadlineExceeded, "the wallet is not left to wait")
	if err == nil {
		require.Equal(t, pay.Refused, a.Result)
	}
}

func testClose(t *testing.T, b *bench) {
	t.Helper()
	c := b.dial()
	b.hold(request(0))
	failed := make(chan error, 1)
	go func() {
		_, err := c.Do(t.Context(), b.sign(request(0)))
		failed <- err
	}()
	b.arrived(1)
	require.NoError(t, c.Close())
	select {
	case err := <-failed:
		require.ErrorIs(t, err, channel.ErrClosed)
	case <-time.After(waitLimit):
		t.Fatal("Do still waits though the channel was closed")
	}
	<-c.Done()
	require.NoError(t, c.Close(), "closing again is nothing")
	_, err := c.Do(t.Context(), b.sign(request(1)))
	require.ErrorIs(t, err, channel.ErrClosed)
	require.Equal(t, answerTo(request(2)), b.do(b.dial(), request(2)), "other channels are not affected")
}

func testDial(t *testing.T, b *bench) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Dialer.Dial(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, b.requests())

	ctx, cancel = context.WithCancel(t.Context())
	c, err := b.Dialer.Dial(ctx)
	require.NoError(t, err)
	cancel()
	require.Equal(t, answerTo(request(0)), b.do(c, request(0)), "the end of the dial's context does not end the channel")
	require.NoError(t, c.Close())
}
