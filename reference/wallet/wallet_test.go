package wallet

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/wire"
)

// rig is a wallet with its store and a bank, and what the user was told.
type rig struct {
	t     *testing.T
	bank  *testBank
	dsn   string
	cfg   Config
	store *Store
	*Wallet

	mu    sync.Mutex
	told  map[wire.Key][]State
	tried []Attempt
}

// inBubble runs f with a rig in virtual time, and ends with no goroutine left.
func inBubble(t *testing.T, f func(*rig)) {
	t.Helper()
	dsn := filepath.Join(t.TempDir(), "wallet.db")
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins in the year 2000, before any time the protocol takes.
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		r := &rig{t: t, bank: newTestBank(t), dsn: dsn, told: map[wire.Key][]State{}}
		r.cfg = r.bank.config()
		r.cfg.Told = func(p Payment) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told[p.Key] = append(r.told[p.Key], p.State)
		}
		r.cfg.Tried = func(_ Payment, a Attempt) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.tried = append(r.tried, a)
		}
		r.open()
		defer r.bank.wg.Wait()
		defer r.bank.hangUp()
		defer r.crash()
		f(r)
		r.shut()
	})
}

func (r *rig) open() {
	r.t.Helper()
	var err error
	r.store, err = OpenStore(r.dsn)
	require.NoError(r.t, err)
	r.Wallet, err = Open(r.store, r.cfg)
	require.NoError(r.t, err)
}

func (r *rig) shut() {
	r.t.Helper()
	require.NoError(r.t, r.Close())
	require.NoError(r.t, r.store.Close())
}

// crash loses everything but the file.
func (r *rig) crash() {
	r.Kill()
	_ = r.store.Close()
}

func (r *rig) pay(order string, deadline time.Duration) Payment {
	r.t.Helper()
	o := Order{ID: order, Payee: "m0", Amount: 250, Currency: "KES"}
	if deadline != 0 {
		o.Deadline = time.Now().Add(deadline)
	}
	p, err := r.Pay(r.t.Context(), o)
	require.NoError(r.t, err)
	return p
}

// settle waits until the payment rests, at most for an hour.
func (r *rig) settle(key wire.Key) Payment {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	p, err := r.Await(ctx, key)
	require.NoError(r.t, err)
	return p
}

func (r *rig) toldOf(key wire.Key) []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]State(nil), r.told[key]...)
}

func TestPaymentIsConfirmed(t *testing.T) {
	inBubble(t, func(r *rig) {
		p := r.settle(r.pay("tea", time.Minute).Key)
		require.Equal(t, Confirmed, p.State)
		require.Equal(t, []State{Queued, Sent, Confirmed}, r.toldOf(p.Key))
		require.Len(t, r.bank.bookings(), 1)
		require.NoError(t, wire.VerifyReceipt(r.cfg.Bank.Receipt, r.cfg.Key.Public, &p.Payment, p.Answer))
		hs, err := r.History()
		require.NoError(t, err)
		require.Len(t, hs, 1)
		require.Len(t, hs[0].Attempts, 1)
		require.True(t, hs[0].Attempts[0].Dialed)
		require.Empty(t, hs[0].Attempts[0].Error)
	})
}
