package bank

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is the instant the tests' payments are made, in Unix milliseconds.
const testTime = 1_790_000_000_000

// book is a ledger under test, with the keys of its wallets.
type book struct {
	*Ledger
	cfg     LedgerConfig
	wallets []wire.KeyPair
	clock   *atomic.Int64 // Unix milliseconds
}

// config is a ledger's in a new directory, with keys and a clock that are the
// same in every run.
func config(tb testing.TB) (LedgerConfig, *atomic.Int64) {
	tb.Helper()
	clock := new(atomic.Int64)
	clock.Store(testTime + 1000)
	_, receipts, err := ed25519.GenerateKey(rand.NewChaCha8([32]byte{1}))
	require.NoError(tb, err)
	return LedgerConfig{
		Path: filepath.Join(tb.TempDir(), "bank.db"), Receipts: receipts,
		Now: func() time.Time { return time.UnixMilli(clock.Load()) },
	}, clock
}

// openBook opens a ledger with wallets w0, w1, ... that hold 100.00 KES each,
// merchants m0 and m1, and m2 who takes UGX.
func openBook(tb testing.TB, wallets int) *book {
	tb.Helper()
	cfg, clock := config(tb)
	return openBookWith(tb, wallets, cfg, clock)
}

func openBookWith(tb testing.TB, wallets int, cfg LedgerConfig, clock *atomic.Int64) *book {
	tb.Helper()
	l, err := OpenLedger(cfg)
	require.NoError(tb, err)
	b := &book{Ledger: l, cfg: cfg, clock: clock}
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	b.enroll(tb, wallets)
	return b
}

func (b *book) enroll(tb testing.TB, wallets int) {
	tb.Helper()
	src := rand.NewChaCha8([32]byte{2})
	var wg sync.WaitGroup
	for i := range wallets {
		k, err := wire.NewKeyPair(src)
		require.NoError(tb, err)
		b.wallets = append(b.wallets, k)
		wg.Go(func() {
			err := b.Enroll(context.Background(), Account{Name: fmt.Sprint("w", i), Key: k.Public, Currency: "KES", Opening: 100_00})
			if err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
	for name, currency := range map[string]string{"m0": "KES", "m1": "KES", "m2": "UGX"} {
		require.NoError(tb, b.Enroll(context.Background(), Account{Name: name, Currency: currency}))
	}
}

// reopen opens the file again, after a Close or a Kill.
func (b *book) reopen(tb testing.TB) {
	tb.Helper()
	l, err := OpenLedger(b.cfg)
	require.NoError(tb, err)
	b.Ledger = l
}

// payment is of 25.00 KES to m0, with a key made from n.
func payment(n int) wire.Payment {
	return wire.Payment{
		Key:   wire.Key{1, byte(n >> 16), byte(n >> 8), byte(n)},
		Order: fmt.Sprint("order-", n), Payee: "m0", Amount: 25_00, Currency: "KES",
		Created: testTime, Deadline: testTime + 60_000,
	}
}

func (b *book) ask(tb testing.TB, ask wire.Ask, wallet int, p wire.Payment) *wire.Answer {
	tb.Helper()
	a, err := b.Answer(context.Background(), b.wallets[wallet].Public, &wire.Request{Ask: ask, Payment: p})
	require.NoError(tb, err)
	require.NoError(tb, a.Validate())
	require.Equal(tb, p.Key, a.Key)
	if a.Result.Final() {
		key := b.cfg.Receipts.Public().(ed25519.PublicKey)
		require.NoError(tb, wire.VerifyReceipt(key, b.wallets[wallet].Public, &p, a))
	}
	return a
}

func (b *book) pay(tb testing.TB, wallet int, p wire.Payment) *wire.Answer {
	tb.Helper()
	return b.ask(tb, wire.AskPay, wallet, p)
}

// books returns what a reader beside the bank sees: the transfers and the
// closing balances, verified.
func (b *book) books(tb testing.TB) ([]Transfer, map[string]int64) {
	tb.Helper()
	a, err := OpenAudit(b.cfg.Path, b.cfg.VFS)
	require.NoError(tb, err)
	defer func() { require.NoError(tb, a.Close()) }()
	require.NoError(tb, a.Verify())
	var transfers []Transfer
	for tr, err := range a.Transfers() {
		require.NoError(tb, err)
		transfers = append(transfers, tr)
	}
	balances, err := a.Balances()
	require.NoError(tb, err)
	closing := map[string]int64{}
	for _, b := range balances {
		closing[b.Account] = b.Closing
	}
	return transfers, closing
}

func TestPay(t *testing.T) {
	b := openBook(t, 1)
	got := b.pay(t, 0, payment(1))
	require.Equal(t, wire.Confirmed, got.Result)
	require.Equal(t, b.clock.Load(), got.At)

	transfers, closing := b.books(t)
	require.Equal(t, []Transfer{{
		ID: got.Transfer, Key: payment(1).Key, Order: "order-1", Payer: "w0", Payee: "m0",
		Amount: 25_00, Currency: "KES", Created: testTime, Booked: testTime + 1000,
	}}, transfers)
	require.Equal(t, map[string]int64{"w0": 75_00, "m0": 25_00, "m1": 0, "m2": 0, "equity:KES": -100_00}, closing)
}

// BenchmarkLedger books payments of 64 concurrent wallets, without the network.
func BenchmarkLedger(b *testing.B) {
	const wallets = 64
	bk := openBook(b, wallets)
	var n atomic.Int64
	b.SetParallelism(wallets / 2)
	b.ReportAllocs()
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		w := bk.wallets[int(next.Add(1))%wallets].Public
		for pb.Next() {
			p := payment(int(n.Add(1)))
			p.Amount = 1
			a, err := bk.Answer(context.Background(), w, &wire.Request{Ask: wire.AskPay, Payment: p})
			if err != nil {
				b.Error(err)
				return
			}
			_ = a
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}
