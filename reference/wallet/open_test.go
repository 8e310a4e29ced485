package wallet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/sqlite/storetest"
)

// onDisk opens the wallet again on a disk that can be full.
func (r *rig) onDisk(disk *storetest.Disk) {
	r.t.Helper()
	r.shut()
	r.layer = disk.Name
	r.open()
}

func TestOpenRefusesAnIncompleteConfig(t *testing.T) {
	inBubble(t, func(r *rig) {
		for name, spoil := range map[string]func(*Config){
			"account": func(c *Config) { c.Account = "" },
			"vault":   func(c *Config) { c.Vault = nil },
			"dialer":  func(c *Config) { c.Dialer = nil },
			"bank":    func(c *Config) { c.Bank = c.Bank[1:] },
		} {
			cfg := r.cfg
			spoil(&cfg)
			_, err := Open(r.store, cfg)
			require.ErrorContains(r.t, err, "it needs an account, a vault", name)
		}
	})
}

// TestConfigHasDefaults: Told, Attempted, Log and Rand may be nil.
func TestConfigHasDefaults(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Told, r.cfg.Attempted, r.cfg.Log, r.cfg.Rand = nil, nil, nil, nil
		r.open()
		require.Equal(r.t, outbox.Confirmed, r.settle(r.pay("tea", 0).Key).State)
	})
}

// source is a random source of which the seed and so many keys can be drawn.
type source struct {
	io.Reader
	draws int
}

var errDry = errors.New("no randomness left")

func (s *source) Read(b []byte) (int, error) {
	if s.draws--; s.draws < 0 {
		return 0, errDry
	}
	return s.Reader.Read(b)
}

func TestRandomness(t *testing.T) {
	inBubble(t, func(r *rig) {
		open := func(draws int) (*Wallet, error) {
			cfg := r.cfg
			cfg.Rand = &source{rand.NewChaCha8([32]byte{1}), draws}
			return Open(r.store, cfg)
		}
		pay := func(w *Wallet, order string) (outbox.Payment, error) {
			return w.Pay(r.t.Context(), Order{ID: order, Payee: "m0", Amount: 1, Currency: "KES"})
		}
		_, err := open(0)
		require.ErrorIs(r.t, err, errDry)
		w, err := open(2)
		require.NoError(r.t, err)
		first, err := pay(w, "tea")
		require.NoError(r.t, err)
		_, err = pay(w, "bun")
		require.ErrorIs(r.t, err, errDry, "no payment has a key that was not drawn")
		require.NoError(r.t, w.Close())

		w, err = open(2)
		require.NoError(r.t, err)
		again, err := pay(w, "jam")
		require.ErrorContains(r.t, err, "take the payment", "a key that is in use takes no other payment")
		require.Empty(r.t, again)
		require.NoError(r.t, w.Close())
		hs, err := r.History()
		require.NoError(r.t, err)
		require.Len(r.t, hs, 1)
		require.Equal(r.t, first.Key, hs[0].Key)
	})
}

func TestPayWithoutTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx, cancel := context.WithCancel(r.t.Context())
		cancel()
		_, err := r.Pay(ctx, Order{ID: "tea", Payee: "m0", Amount: 1, Currency: "KES"})
		require.ErrorIs(r.t, err, context.Canceled)
		hs, err := r.History()
		require.NoError(r.t, err)
		require.Empty(r.t, hs, "after an error nothing is stored")
	})
}

func TestClosedWalletTakesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		p := r.pay("tea", 0)
		require.NoError(r.t, r.Close())
		_, err := r.Pay(r.t.Context(), Order{ID: "bun", Payee: "m0", Amount: 1, Currency: "KES"})
		require.ErrorIs(r.t, err, outbox.ErrClosed)
		require.ErrorIs(r.t, r.Sync(r.t.Context()), outbox.ErrClosed)
		select {
		case <-r.start(p, 0, true).done:
		default:
			require.Fail(r.t, "a sender begins after the end")
		}
	})
}

// TestStoreThatIsGone: what cannot be read or stored is an error.
func TestStoreThatIsGone(t *testing.T) {
	t.Run("when it opens", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			require.NoError(r.t, r.store.Close())
			_, err := Open(r.store, r.cfg)
			require.ErrorIs(r.t, err, outbox.ErrClosed)
			require.ErrorIs(r.t, r.Sync(r.t.Context()), outbox.ErrClosed)
		})
	})
	t.Run("while it asks", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.bank.set(func() { r.bank.deaf = true })
			r.pay("tea", 0)
			ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
			defer cancel()
			time.AfterFunc(time.Second/2, func() { _ = r.store.Close() })
			require.ErrorIs(r.t, r.Sync(ctx), outbox.ErrClosed)
		})
	})
	t.Run("when what was under way is to be told unknown", func(t *testing.T) {
		disk := storetest.NewDisk(t)
		inBubble(t, func(r *rig) {
			r.onDisk(disk)
			r.bank.set(func() { r.bank.deaf = true })
			p := r.pay("tea", 0)
			synctest.Wait()
			r.Kill()
			r.told[p.Key] = nil
			disk.FullAll.Store(true)
			_, err := Open(r.store, r.cfg)
			require.Error(r.t, err)
			require.Empty(r.t, r.toldOf(p.Key), "a state is on disk before it is told")
			disk.FullAll.Store(false)
		})
	})
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestExpiryThatCannotBeStored is not told, and made up for when the disk has room.
func TestExpiryThatCannotBeStored(t *testing.T) {
	disk := storetest.NewDisk(t)
	inBubble(t, func(r *rig) {
		log := &lines{}
		r.cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.onDisk(disk)
		r.bank.set(func() { r.bank.down = true })
		p := r.pay("tea", time.Minute)
		disk.FullAll.Store(true)
		time.Sleep(10 * time.Minute)
		require.Equal(r.t, []outbox.State{outbox.Queued}, r.toldOf(p.Key))
		require.Contains(r.t, log.String(), "cannot store a payment's state")
		require.Contains(r.t, log.String(), "wallet=w0")
		require.NotContains(r.t, log.String(), "state=expired reason=")
		disk.FullAll.Store(false)
		p = r.settle(p.Key)
		require.Equal(r.t, outbox.Expired, p.State)
		require.Equal(r.t, "it could not be sent before its deadline", p.Reason)
		require.Contains(r.t, log.String(), `state=expired reason="it could not be sent`)
		require.Empty(r.t, r.bank.requests())
	})
}

// TestKilledWalletLogsNoError: that nothing is stored is what a crash means.
func TestKilledWalletLogsNoError(t *testing.T) {
	inBubble(t, func(r *rig) {
		log := &lines{}
		r.shut()
		r.cfg.Log = slog.New(slog.NewTextHandler(log, nil))
		r.open()
		r.bank.set(func() { r.bank.deaf = true })
		r.pay("tea", 0)
		synctest.Wait()
		r.Kill()
		require.Empty(r.t, log.String())
	})
}
