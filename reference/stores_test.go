package reference

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/wallet"
)

// keeper is one of the pair's stores, to be broken on its own.
type keeper interface {
	// live makes the store, takes three payments, closing and opening the store
	// between the second and the third, and returns those it acknowledged.
	live(d *disk.Disk) (acknowledged []string)
	// left opens the store and returns how often it holds each payment.
	left(d *disk.Disk) (map[string]int, error)
}

// TestEveryPowerFailureOfAStore fails the power at every operation of a store's
// life, its creation and its closing with the checkpoint included.
func TestEveryPowerFailureOfAStore(t *testing.T) {
	variants := uint64(4)
	if testing.Short() {
		variants = 1
	}
	src := rand.NewChaCha8([32]byte{1})
	key, err := vault.New(src)
	require.NoError(t, err)
	_, receipts, err := ed25519.GenerateKey(src)
	require.NoError(t, err)
	for name, k := range map[string]keeper{"bank": bankKeeper{key, receipts}, "wallet": walletKeeper{key}} {
		t.Run(name, func(t *testing.T) {
			whole := disk.New()
			require.Len(t, k.live(whole), 3)
			crashes := 0
			for n := int64(1); n <= whole.Count(disk.Any); n++ {
				for seed := range variants {
					d := disk.New()
					d.FailAt(disk.Point{N: n, After: seed == 3}, seed)
					acknowledged := k.live(d)
					d.PowerFail(seed)
					d.Revive()
					left, err := k.left(d)
					require.NoError(t, err, "operation %d, seed %d", n, seed)
					for _, id := range acknowledged {
						require.Equal(t, 1, left[id], "operation %d, seed %d, payment %s: of %v is left %v", n, seed, id, acknowledged, left)
					}
					require.LessOrEqual(t, len(left), len(acknowledged)+1)
					require.NoError(t, d.Close())
					crashes++
				}
			}
			t.Logf("%d power failures at %d operations, %d of them syncs", crashes, whole.Count(disk.Any), whole.Count(disk.Sync))
			require.NoError(t, whole.Close())
		})
	}
}

type bankKeeper struct {
	payer    vault.Vault
	receipts ed25519.PrivateKey
}

func (k bankKeeper) open(d *disk.Disk) (*bank.Ledger, error) {
	l, err := bank.OpenLedger(bank.LedgerConfig{Path: "/bank/ledger.db", VFS: d.VFS(), Receipts: k.receipts, Create: true})
	if err != nil {
		return nil, err
	}
	err = l.Enroll(context.Background(), bank.Account{Name: "w0", Certificate: k.payer.Certificate(), Currency: "KES", Opening: 100_000})
	if err == nil {
		err = l.Enroll(context.Background(), bank.Account{Name: "m0", Currency: "KES"})
	}
	if err != nil {
		return nil, errors.Join(err, l.Kill())
	}
	return l, nil
}

func (k bankKeeper) pay(l *bank.Ledger, n int) (id string, err error) {
	p := pay.Payment{
		Key: pay.Key{byte(n + 1)}, Order: fmt.Sprint("o", n), Payee: "m0", Amount: 100, Currency: "KES",
		Created: time.Now().UnixMilli(), Deadline: time.Now().Add(time.Hour).UnixMilli(),
	}
	a, err := l.Answer(context.Background(), k.payer.Certificate().Identity, &pay.Request{Ask: pay.AskPay, Payment: p})
	if err == nil && a.Result != pay.Confirmed {
		err = fmt.Errorf("answered %v", a.Result)
	}
	return p.Order, err
}

func (k bankKeeper) live(d *disk.Disk) (acknowledged []string) {
	for _, payments := range [][]int{{0, 1}, {2}} {
		l, err := k.open(d)
		if err != nil {
			return acknowledged
		}
		for _, n := range payments {
			id, err := k.pay(l, n)
			if err != nil {
				_ = l.Kill() // without power
				return acknowledged
			}
			acknowledged = append(acknowledged, id)
		}
		if l.Close() != nil {
			return acknowledged
		}
	}
	return acknowledged
}

// left also holds the books against themselves, and sees whether the bank still
// works.
func (k bankKeeper) left(d *disk.Disk) (map[string]int, error) {
	l, err := k.open(d)
	if err != nil {
		return nil, err
	}
	audit, err := bank.OpenAudit("/bank/ledger.db", d.VFS())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	left := map[string]int{}
	for t, failed := range audit.Transfers() {
		err = errors.Join(err, failed)
		left[t.Order]++
	}
	err = errors.Join(err, audit.Verify(), audit.Close())
	if _, failed := k.pay(l, 3); failed != nil {
		err = errors.Join(err, failed)
	}
	return left, errors.Join(err, l.Close())
}

// noSignal is a phone without a network.
type noSignal struct{}

func (noSignal) Dial(ctx context.Context) (channel.Channel, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

type walletKeeper struct{ keys vault.Vault }

func (k walletKeeper) open(d *disk.Disk) (*outbox.Store, *wallet.Wallet, error) {
	cfg := outbox.Config{Path: "/phone/queue.db", VFS: d.VFS()}
	s, err := outbox.Open(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		s, err = outbox.Create(cfg)
	}
	if err != nil {
		return nil, nil, err
	}
	w, err := wallet.Open(s, wallet.Config{
		Account: "w0", Vault: k.keys, Dialer: noSignal{},
		Told: func(outbox.Payment) {}, Attempted: func(outbox.Payment, outbox.Attempt) {},
		Bank: make(ed25519.PublicKey, ed25519.PublicKeySize),
	})
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, w, nil
}

func (k walletKeeper) live(d *disk.Disk) (acknowledged []string) {
	for _, payments := range [][]int{{0, 1}, {2}} {
		s, w, err := k.open(d)
		if err != nil {
			return acknowledged
		}
		for _, n := range payments {
			p, err := w.Pay(context.Background(), wallet.Order{ID: fmt.Sprint("o", n), Payee: "m0", Amount: 100, Currency: "KES"})
			if err != nil {
				break
			}
			acknowledged = append(acknowledged, p.Order)
		}
		w.Kill()
		if s.Close() != nil || d.Off() {
			return acknowledged
		}
	}
	return acknowledged
}

func (k walletKeeper) left(d *disk.Disk) (map[string]int, error) {
	s, w, err := k.open(d)
	if err != nil {
		return nil, err
	}
	all, err := s.History()
	left := map[string]int{}
	for _, h := range all {
		left[h.Order]++
	}
	_, failed := w.Pay(context.Background(), wallet.Order{ID: "o3", Payee: "m0", Amount: 100, Currency: "KES"})
	w.Kill()
	return left, errors.Join(err, failed, s.Close())
}
