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

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/vault/vaulttest"
)

// testBank is a bank in memory that keeps the rules of the protocol, and breaks
// them when it is told to. It books at most once per key.
type testBank struct {
	keys    noise.KeyPair
	receipt ed25519.PrivateKey
	vault   *vaulttest.Lockable // of the wallet
	wg      sync.WaitGroup

	mu      sync.Mutex
	answers map[pay.Key]pay.Answer
	booked  []pay.Payment
	asked   []pay.Request
	dials   int
	conns   map[*noise.ServerConn]struct{}

	down   bool                                                  // dials fail
	mute   bool                                                  // requests are handled and never answered
	deaf   bool                                                  // requests are neither handled nor answered
	cut    bool                                                  // the connection ends instead of an answer
	late   time.Duration                                         // before each answer
	behind time.Duration                                         // its clock
	refuse pay.Reason                                            // answers to new payments
	twist  func(pay.Request, pay.Answer) (_ pay.Answer, ok bool) // changes an answer; ok is to send it
}

func newTestBank(tb testing.TB) *testBank {
	tb.Helper()
	b := &testBank{answers: map[pay.Key]pay.Answer{}, conns: map[*noise.ServerConn]struct{}{}}
	var err error
	b.keys, err = noise.NewKeyPair(nil)
	require.NoError(tb, err)
	keys, err := vault.New(nil)
	require.NoError(tb, err)
	b.vault = &vaulttest.Lockable{Vault: keys}
	_, b.receipt, err = ed25519.GenerateKey(rand.Reader)
	require.NoError(tb, err)
	return b
}

// config is that of a wallet of this bank.
func (b *testBank) config() Config {
	return Config{
		Account: "w0", Vault: b.vault, Bank: b.receipt.Public().(ed25519.PublicKey),
		Dialer: &noise.Dialer{
			ClientConfig: noise.ClientConfig{Vault: b.vault, Bank: b.keys.Public}, Address: "bank:1", Net: b.dial,
		},
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
	c := noise.Server(there, noise.ServerConfig{
		Static: b.keys, Receipts: b.receipt.Public().(ed25519.PublicKey), Identify: b.identify, IdleTimeout: time.Hour,
	})
	b.conns[c] = struct{}{}
	b.wg.Add(1)
	go b.serve(c)
	return here, nil
}

// identify knows the one wallet.
func (b *testBank) identify(transport [32]byte) (pay.PublicKey, bool) {
	c := b.vault.Certificate()
	return c.Identity, transport == c.Transport
}

func (b *testBank) serve(c *noise.ServerConn) {
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

func (b *testBank) answer(r pay.Request, payer pay.PublicKey) (a pay.Answer, ok bool) {
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
		a = pay.Answer{Result: pay.Expired, At: now}
	case r.Ask == pay.AskStatus:
		return pay.Answer{Key: r.Payment.Key, Result: pay.NotFound, At: now}, !b.mute
	case b.refuse == pay.Busy || b.refuse == pay.NotEnrolled:
		return pay.Answer{Key: r.Payment.Key, Result: pay.Refused, Reason: b.refuse, At: now}, !b.mute
	case b.refuse != pay.NoReason:
		a = pay.Answer{Result: pay.Declined, Reason: b.refuse, At: now}
	default:
		b.booked = append(b.booked, r.Payment)
		a = pay.Answer{Result: pay.Confirmed, Transfer: int64(len(b.booked)), At: now}
	}
	if !known {
		a.Key = r.Payment.Key
		pay.SignReceipt(b.receipt, payer, &r.Payment, &a)
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
func (b *testBank) keysAsked() map[pay.Key]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := map[pay.Key]int{}
	for _, r := range b.asked {
		keys[r.Payment.Key]++
	}
	return keys
}

func (b *testBank) bookings() []pay.Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]pay.Payment(nil), b.booked...)
}

func (b *testBank) requests() []pay.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]pay.Request(nil), b.asked...)
}
