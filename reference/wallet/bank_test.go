package wallet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/wire"
)

// testBank is a bank in memory that keeps the rules of the protocol, and breaks
// them when it is told to. It books at most once per key.
type testBank struct {
	keys    wire.KeyPair
	receipt ed25519.PrivateKey
	wallet  wire.KeyPair
	wg      sync.WaitGroup

	mu      sync.Mutex
	answers map[wire.Key]wire.Answer
	booked  []wire.Payment
	asked   []wire.Request
	dials   int
	conns   map[*wire.ServerConn]struct{}

	down   bool                                                     // dials fail
	mute   bool                                                     // requests are handled and never answered
	deaf   bool                                                     // requests are neither handled nor answered
	cut    bool                                                     // the connection ends in place of an answer
	late   time.Duration                                            // before each answer
	behind time.Duration                                            // its clock
	refuse wire.Reason                                              // answers to new payments
	twist  func(wire.Request, wire.Answer) (_ wire.Answer, ok bool) // changes an answer; ok is to send it
}

func newTestBank(tb testing.TB) *testBank {
	tb.Helper()
	b := &testBank{answers: map[wire.Key]wire.Answer{}, conns: map[*wire.ServerConn]struct{}{}}
	var err error
	b.keys, err = wire.NewKeyPair(nil)
	require.NoError(tb, err)
	b.wallet, err = wire.NewKeyPair(nil)
	require.NoError(tb, err)
	_, b.receipt, err = ed25519.GenerateKey(rand.Reader)
	require.NoError(tb, err)
	return b
}

// config is that of a wallet of this bank.
func (b *testBank) config() Config {
	return Config{
		Account: "w0", Key: b.wallet, Address: "bank:1", Dial: b.dial,
		Bank: wire.BankKey{Static: b.keys.Public, Receipt: b.receipt.Public().(ed25519.PublicKey)},
	}
}

func (b *testBank) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials++
	if b.down {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	c := wire.Server(there, wire.ServerConfig{Static: b.keys, IdleTimeout: time.Hour})
	b.conns[c] = struct{}{}
	b.wg.Add(1)
	go b.serve(c)
	return here, nil
}

func (b *testBank) serve(c *wire.ServerConn) {
	defer b.wg.Done()
	defer c.Close()
	for {
		in, err := c.Receive()
		if err != nil {
			return
		}
		a, ok := b.answer(*in.Request, c.Payer())
		if !ok {
			continue
		}
		b.mu.Lock()
		late, cut := b.late, b.cut
		b.mu.Unlock()
		time.Sleep(late)
		if cut || c.Send(in.Number, &a) != nil {
			return
		}
	}
}

func (b *testBank) answer(r wire.Request, payer wire.PublicKey) (a wire.Answer, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r)
	if b.deaf {
		return a, false
	}
	a, known := b.answers[r.Payment.Key]
	now := time.Now().Add(-b.behind).UnixMilli()
	switch {
	case known:
	case r.Payment.Deadline != 0 && now > r.Payment.Deadline:
		a = wire.Answer{Result: wire.Expired, At: now}
	case r.Ask == wire.AskStatus:
		return wire.Answer{Key: r.Payment.Key, Result: wire.NotFound, At: now}, !b.mute
	case b.refuse == wire.Busy || b.refuse == wire.NotEnrolled:
		return wire.Answer{Key: r.Payment.Key, Result: wire.Refused, Reason: b.refuse, At: now}, !b.mute
	case b.refuse != wire.NoReason:
		a = wire.Answer{Result: wire.Declined, Reason: b.refuse, At: now}
	default:
		b.booked = append(b.booked, r.Payment)
		a = wire.Answer{Result: wire.Confirmed, Transfer: int64(len(b.booked)), At: now}
	}
	if !known {
		a.Key = r.Payment.Key
		wire.SignReceipt(b.receipt, payer, &r.Payment, &a)
		b.answers[a.Key] = a
	}
	if b.twist != nil {
		return b.twist(r, a)
	}
	return a, !b.mute
}

// set changes the bank under its lock.
func (b *testBank) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// hangUp ends every connection.
func (b *testBank) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		c.Close()
		delete(b.conns, c)
	}
}

// keysAsked returns the different keys the bank has seen.
func (b *testBank) keysAsked() map[wire.Key]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := map[wire.Key]int{}
	for _, r := range b.asked {
		keys[r.Payment.Key]++
	}
	return keys
}

func (b *testBank) bookings() []wire.Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]wire.Payment(nil), b.booked...)
}

func (b *testBank) requests() []wire.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]wire.Request(nil), b.asked...)
}
