package bank

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
	"github.com/onebar/onebar/reference/sqlite/storetest"
	"github.com/onebar/onebar/reference/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is the instant the tests' payments are made, in Unix milliseconds.
const testTime = 1_790_000_000_000

// tester is what a testing.TB and a rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// testLedger is a ledger under test, with the keys of its wallets.
type testLedger struct {
	*Ledger
	cfg     LedgerConfig
	wallets []testWallet
	clock   *atomic.Int64 // Unix milliseconds
}

// testWallet is a wallet of the tests.
type testWallet struct{ vault.Vault }

// newTestWallet draws a wallet's keys from r; nil is crypto/rand.
func newTestWallet(tb tester, r io.Reader) testWallet {
	tb.Helper()
	v, err := vault.New(r)
	require.NoError(tb, err)
	return testWallet{v}
}

// id is the identity by which the bank knows the wallet.
func (w testWallet) id() pay.PublicKey { return w.Certificate().Identity }

// config is a ledger's in a new directory, with keys and a clock that are the
// same in every run.
func config(tb testing.TB) (LedgerConfig, *atomic.Int64) {
	tb.Helper()
	clock := new(atomic.Int64)
	clock.Store(testTime + 1000)
	_, receipts, err := ed25519.GenerateKey(rand.NewChaCha8([32]byte{1}))
	require.NoError(tb, err)
	return LedgerConfig{
		Path: filepath.Join(tb.TempDir(), "bank.db"), Receipts: receipts, Create: true,
		Clock: func() time.Time { return time.UnixMilli(clock.Load()) },
	}, clock
}

// openTestLedger opens a ledger with wallets w0, w1, ... that hold 100.00 KES each,
// merchants m0 and m1, and m2 who takes UGX.
func openTestLedger(tb testing.TB, wallets int) *testLedger {
	tb.Helper()
	cfg, clock := config(tb)
	return openTestLedgerWith(tb, wallets, cfg, clock)
}

func openTestLedgerWith(tb testing.TB, wallets int, cfg LedgerConfig, clock *atomic.Int64) *testLedger {
	tb.Helper()
	l, err := OpenLedger(cfg)
	require.NoError(tb, err)
	b := &testLedger{Ledger: l, cfg: cfg, clock: clock}
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	b.enroll(tb, wallets)
	return b
}

// receiptKey verifies the bank's receipts.
func (b *testLedger) receiptKey() ed25519.PublicKey {
	return b.cfg.Receipts.Public().(ed25519.PublicKey)
}

func (b *testLedger) enroll(tb testing.TB, wallets int) {
	tb.Helper()
	src := rand.NewChaCha8([32]byte{2})
	var wg sync.WaitGroup
	for i := range wallets {
		k := newTestWallet(tb, src)
		b.wallets = append(b.wallets, k)
		wg.Go(func() {
			err := b.Enroll(context.Background(), Account{Name: fmt.Sprint("w", i), Certificate: k.Certificate(), Currency: "KES", Opening: 100_00})
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
func (b *testLedger) reopen(tb tester) {
	tb.Helper()
	b.cfg.Create = false
	l, err := OpenLedger(b.cfg)
	require.NoError(tb, err)
	b.Ledger = l
}

// payment is of 25.00 KES to m0, with a key made from n.
func payment(n int) pay.Payment {
	return pay.Payment{
		Key:   pay.Key{1, byte(n >> 16), byte(n >> 8), byte(n)},
		Order: fmt.Sprint("order-", n), Payee: "m0", Amount: 25_00, Currency: "KES",
		Created: testTime, Deadline: testTime + 60_000,
	}
}

func (b *testLedger) ask(tb tester, ask pay.Ask, wallet int, p pay.Payment) *pay.Answer {
	tb.Helper()
	a, err := b.Answer(context.Background(), b.wallets[wallet].id(), &pay.Request{Ask: ask, Payment: p})
	require.NoError(tb, err)
	require.NoError(tb, a.Validate())
	require.Equal(tb, p.Key, a.Key)
	if a.Result.Final() {
		require.NoError(tb, pay.VerifyReceipt(b.receiptKey(), b.wallets[wallet].id(), &p, a))
	}
	return a
}

func (b *testLedger) pay(tb tester, wallet int, p pay.Payment) *pay.Answer {
	tb.Helper()
	return b.ask(tb, pay.AskPay, wallet, p)
}

// contents returns what another process reads: the transfers and the
// closing balances, verified.
func (b *testLedger) contents(tb tester) ([]Transfer, map[string]int64) {
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
	b := openTestLedger(t, 1)
	got := b.pay(t, 0, payment(1))
	require.Equal(t, pay.Confirmed, got.Result)
	require.Equal(t, b.clock.Load(), got.At)

	transfers, closing := b.contents(t)
	require.Equal(t, []Transfer{{
		ID: got.Transfer, Key: payment(1).Key, Order: "order-1", Payer: "w0", Payee: "m0",
		Amount: 25_00, Currency: "KES", Created: testTime, Booked: testTime + 1000,
	}}, transfers)
	require.Equal(t, map[string]int64{"w0": 75_00, "m0": 25_00, "m1": 0, "m2": 0, "equity:KES": -100_00}, closing)
}

func TestSameKey(t *testing.T) {
	again := func(change func(*pay.Payment)) pay.Payment {
		p := payment(1)
		change(&p)
		return p
	}
	cases := []struct {
		name   string
		wallet int
		second pay.Payment
		want   pay.Result
		booked int
	}{
		{"same content", 0, payment(1), pay.Confirmed, 1},
		{"other amount", 0, again(func(p *pay.Payment) { p.Amount++ }), pay.Conflict, 1},
		{"other payee", 0, again(func(p *pay.Payment) { p.Payee = "m1" }), pay.Conflict, 1},
		{"other currency", 0, again(func(p *pay.Payment) { p.Currency = "UGX" }), pay.Conflict, 1},
		{"other order", 0, again(func(p *pay.Payment) { p.Order = "x" }), pay.Conflict, 1},
		{"other time", 0, again(func(p *pay.Payment) { p.Created++ }), pay.Conflict, 1},
		{"other deadline", 0, again(func(p *pay.Payment) { p.Deadline++ }), pay.Conflict, 1},
		{"other payer", 1, payment(1), pay.Confirmed, 2},
		{"same order under another key", 0, again(func(p *pay.Payment) { p.Key[9]++ }), pay.Declined, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := openTestLedger(t, 2)
			first := b.pay(t, 0, payment(1))
			require.Equal(t, pay.Confirmed, first.Result)
			b.clock.Add(500)
			for range 2 {
				got := b.pay(t, c.wallet, c.second)
				require.Equal(t, c.want, got.Result)
				if c.second == payment(1) && c.wallet == 0 {
					require.Equal(t, first, got, "the very same answer")
				}
			}
			transfers, closing := b.contents(t)
			require.Len(t, transfers, c.booked)
			require.EqualValues(t, c.booked*25_00, closing["m0"])
			require.Equal(t, first, b.pay(t, 0, payment(1)), "a conflict does not change the first answer")
		})
	}
}

func TestSameKeyConcurrently(t *testing.T) {
	b := openTestLedger(t, 1)
	answers := make([]*pay.Answer, 32)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			r := &pay.Request{Ask: pay.AskPay, Payment: payment(1)}
			var err error
			if answers[i], err = b.Answer(context.Background(), b.wallets[0].id(), r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	transfers, closing := b.contents(t)
	require.Len(t, transfers, 1)
	require.EqualValues(t, 75_00, closing["w0"])
}

func TestFundsRace(t *testing.T) {
	b := openTestLedger(t, 1)
	var confirmed, declined atomic.Int64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			r := &pay.Request{Ask: pay.AskPay, Payment: payment(i)}
			switch a, err := b.Answer(context.Background(), b.wallets[0].id(), r); {
			case err != nil:
				t.Error(err)
			case a.Result == pay.Confirmed:
				confirmed.Add(1)
			case a.Reason == pay.NoFunds:
				declined.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 4, confirmed.Load(), "100.00 pays 25.00 four times")
	require.EqualValues(t, 36, declined.Load())
	transfers, closing := b.contents(t)
	require.Len(t, transfers, 4)
	require.Zero(t, closing["w0"])
}

func TestDeclines(t *testing.T) {
	cases := []struct {
		name   string
		change func(*pay.Payment)
		want   pay.Reason
	}{
		{"more than there is", func(p *pay.Payment) { p.Amount = 100_01 }, pay.NoFunds},
		{"nobody of that name", func(p *pay.Payment) { p.Payee = "m9" }, pay.UnknownPayee},
		{"to the equity account", func(p *pay.Payment) { p.Payee = "equity:KES" }, pay.UnknownPayee},
		{"to oneself", func(p *pay.Payment) { p.Payee = "w0" }, pay.SameAccount},
		{"payee has another currency", func(p *pay.Payment) { p.Payee = "m2" }, pay.WrongCurrency},
		{"payer has another currency", func(p *pay.Payment) { p.Payee, p.Currency = "m2", "UGX" }, pay.WrongCurrency},
		{"above the bank's limit", func(p *pay.Payment) { p.Amount = 100_000_01 }, pay.AmountOutOfRange},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg, clock := config(t)
			cfg.MaxAmount = 100_000_00
			b := openTestLedgerWith(t, 2, cfg, clock)
			p := payment(1)
			c.change(&p)
			got := b.pay(t, 0, p)
			require.Equal(t, pay.Declined, got.Result)
			require.Equal(t, c.want, got.Reason)

			// What would have helped comes too late for this key.
			require.NoError(t, b.Enroll(t.Context(), Account{Name: "m9", Currency: "KES"}))
			gift := payment(2)
			gift.Payee = "w0"
			require.Equal(t, pay.Confirmed, b.pay(t, 1, gift).Result)
			b.clock.Add(5)
			require.Equal(t, got, b.pay(t, 0, p), "the same answer for ever")
			require.Equal(t, got, b.ask(t, pay.AskStatus, 0, p))
			transfers, closing := b.contents(t)
			require.Len(t, transfers, 1)
			require.EqualValues(t, 125_00, closing["w0"])
		})
	}
}

func TestFullAccount(t *testing.T) {
	b := openTestLedger(t, 0)
	for i := range 2 {
		k := newTestWallet(t, rand.NewChaCha8([32]byte{byte(i)}))
		b.wallets = append(b.wallets, k)
		require.NoError(t, b.Enroll(t.Context(), Account{Name: fmt.Sprint("w", i), Certificate: k.Certificate(), Currency: "KES", Opening: pay.MaxAmount}))
	}
	b.Ledger.w.byName["m0"].balance = maxBalance - 10 // as after a thousand years of trade
	p := payment(1)
	p.Amount = 11
	require.Equal(t, pay.AmountOutOfRange, b.pay(t, 0, p).Reason)
	b.Ledger.w.byName["m0"].balance = 0
}

func TestDeadlines(t *testing.T) {
	forever := payment(1)
	forever.Deadline = 0
	const before, at, after = testTime + 1000, testTime + 60_000, testTime + 60_001
	until := testTime + pay.MaxValidity.Milliseconds()
	type step struct {
		ask  pay.Ask
		now  int64
		want pay.Result
	}
	cases := []struct {
		name   string
		p      pay.Payment
		steps  []step
		booked int
	}{
		{"in the last millisecond", payment(1), []step{{pay.AskPay, at, pay.Confirmed}}, 1},
		{"too late", payment(1), []step{{pay.AskPay, after, pay.Expired}}, 0},
		{"a late first copy after a status query", payment(1), []step{
			{pay.AskStatus, before, pay.NotFound},
			{pay.AskStatus, after, pay.Expired},
			{pay.AskPay, after, pay.Expired},
			{pay.AskPay, before, pay.Expired}, // even if the clock is set back
		}, 0},
		{"not found is not final", payment(1), []step{
			{pay.AskStatus, before, pay.NotFound},
			{pay.AskPay, before, pay.Confirmed},
			{pay.AskStatus, before, pay.Confirmed},
		}, 1},
		{"confirmed stays confirmed", payment(1), []step{
			{pay.AskPay, before, pay.Confirmed},
			{pay.AskStatus, after, pay.Confirmed},
			{pay.AskPay, after, pay.Confirmed},
		}, 1},
		{"no deadline", forever, []step{
			{pay.AskStatus, after, pay.NotFound},
			{pay.AskPay, after, pay.Confirmed},
		}, 1},
		{"no deadline, in the last millisecond", forever, []step{{pay.AskPay, until, pay.Confirmed}}, 1},
		{"no deadline, too late", forever, []step{
			{pay.AskStatus, until, pay.NotFound},
			{pay.AskStatus, until + 1, pay.Expired},
			{pay.AskPay, until, pay.Expired},
		}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := openTestLedger(t, 1)
			for i, s := range c.steps {
				b.clock.Store(s.now)
				require.Equal(t, s.want, b.ask(t, s.ask, 0, c.p).Result, "step %d", i)
			}
			transfers, _ := b.contents(t)
			require.Len(t, transfers, c.booked)
		})
	}
}

func TestNotEnrolled(t *testing.T) {
	b := openTestLedger(t, 1)
	stranger := newTestWallet(t, nil)
	b.wallets = append(b.wallets, stranger)
	got := b.pay(t, 1, payment(1))
	require.Equal(t, pay.Refused, got.Result)
	require.Equal(t, pay.NotEnrolled, got.Reason)

	// It was not final, and nothing was recorded.
	require.NoError(t, b.Enroll(t.Context(), Account{Name: "late", Certificate: stranger.Certificate(), Currency: "KES", Opening: 100_00}))
	require.Equal(t, pay.Confirmed, b.pay(t, 1, payment(1)).Result)
}

func TestEnroll(t *testing.T) {
	secrets := func(n byte) vault.Secrets {
		s, err := vault.NewSecrets(rand.NewChaCha8([32]byte{n}))
		require.NoError(t, err)
		return s
	}
	of := func(s vault.Secrets) pay.Certificate {
		v, err := vault.Open(s)
		require.NoError(t, err)
		return v.Certificate()
	}
	key := func(n byte) pay.Certificate { return of(secrets(n)) }
	forged := key(2)
	forged.Transport = key(3).Transport
	unsigned := pay.Certificate{Identity: forged.Identity, Transport: forged.Transport}
	cases := []struct {
		name string
		a    Account
		want string // nothing: it is taken
	}{
		{"merchant", Account{Name: "shop", Currency: "KES"}, ""},
		{"merchant with a balance", Account{Name: "bakery", Currency: "EUR", Opening: 5}, ""},
		{"the same again", Account{Name: "old", Certificate: key(1), Currency: "KES", Opening: 7}, ""},
		{"the same with another key", Account{Name: "old", Certificate: key(2), Currency: "KES"}, "another account of that name"},
		{"the same in another currency", Account{Name: "old", Certificate: key(1), Currency: "EUR"}, "another account of that name"},
		{"a key twice", Account{Name: "new", Certificate: key(1), Currency: "KES"}, "its identity key is that of account old"},
		{"an identity key twice", Account{Name: "new", Certificate: of(vault.Secrets{Identity: secrets(1).Identity, Transport: secrets(2).Transport}), Currency: "KES"}, "its identity key is that of account old"},
		{"a transport key twice", Account{Name: "new", Certificate: of(vault.Secrets{Identity: secrets(2).Identity, Transport: secrets(1).Transport}), Currency: "KES"}, "its transport key is that of another account"},
		{"the same with another transport key", Account{Name: "old", Certificate: of(vault.Secrets{Identity: secrets(1).Identity, Transport: secrets(2).Transport}), Currency: "KES"}, "another account of that name"},
		{"a transport key that was not certified", Account{Name: "new", Certificate: forged, Currency: "KES"}, "has not signed its transport key"},
		{"no signature", Account{Name: "new", Certificate: unsigned, Currency: "KES"}, "has not signed its transport key"},
		{"an identity alone", Account{Name: "new", Certificate: pay.Certificate{Identity: forged.Identity}, Currency: "KES"}, "has not signed its transport key"},
		{"no name", Account{Currency: "KES"}, "its name is not"},
		{"a name like equity", Account{Name: "equity:EUR", Currency: "EUR"}, "its name is not"},
		{"no currency", Account{Name: "shop"}, "its currency"},
		{"debt", Account{Name: "shop", Currency: "KES", Opening: -1}, "its opening balance -1"},
		{"too rich", Account{Name: "shop", Currency: "KES", Opening: pay.MaxAmount + 1}, "its opening balance"},
	}
	b := openTestLedger(t, 0)
	require.NoError(t, b.Enroll(t.Context(), Account{Name: "old", Certificate: key(1), Currency: "KES", Opening: 7}))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := b.Enroll(t.Context(), c.a)
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
			_, closing := b.contents(t)
			require.EqualValues(t, 7, closing["old"])
		})
	}
}

func TestBusy(t *testing.T) { synctest.Test(t, testBusy) }

func testBusy(t *testing.T) {
	t.Helper()
	cfg, clock := config(t)
	cfg.Queue, cfg.MaxBatch = 1, 1
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	cfg.Hooks.BeforeCommit = func(context.Context, []pay.Key) {
		once.Do(func() { close(held); <-release })
	}
	b := openTestLedgerWith(t, 3, cfg, clock)
	var wg sync.WaitGroup
	wg.Go(func() { b.pay(t, 0, payment(1)) }) // holds the writer
	<-held
	wg.Go(func() { b.pay(t, 1, payment(2)) }) // fills the queue
	synctest.Wait()
	got := b.pay(t, 2, payment(3))
	require.Equal(t, pay.Refused, got.Result)
	require.Equal(t, pay.Busy, got.Reason)
	close(release)
	wg.Wait()
	transfers, _ := b.contents(t)
	require.Len(t, transfers, 2)
	require.Equal(t, pay.Confirmed, b.pay(t, 2, payment(3)).Result, "busy was not final")
}

// TestBatches shows that what arrives during a commit shares the next one, and
// that the hooks see each booking before its answer.
func TestBatches(t *testing.T) { synctest.Test(t, testBatches) }

func testBatches(t *testing.T) {
	t.Helper()
	const waiting = 16
	cfg, clock := config(t)
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var batches [][]pay.Key // the writer's until release, then read after wg.Wait
	var durable sync.Map
	cfg.Hooks.BeforeCommit = func(context.Context, []pay.Key) {
		once.Do(func() { close(held); <-release })
	}
	cfg.Hooks.Committed = func(keys []pay.Key) {
		batches = append(batches, append([]pay.Key(nil), keys...))
		for _, k := range keys {
			durable.Store(k, true)
		}
	}
	b := openTestLedgerWith(t, waiting+1, cfg, clock)
	var wg sync.WaitGroup
	for i := range waiting + 1 {
		wg.Go(func() {
			b.pay(t, i, payment(i))
			if _, ok := durable.Load(payment(i).Key); !ok {
				t.Error("answered before Committed", i)
			}
		})
		if i == 0 {
			<-held
		}
	}
	synctest.Wait()
	close(release)
	wg.Wait()
	require.Len(t, batches, 2)
	require.Len(t, batches[0], 1)
	require.Len(t, batches[1], waiting)
}

// TestRecall: after a crash every booking is reported once more, if asked for.
func TestRecall(t *testing.T) {
	cfg, clock := config(t)
	b := openTestLedgerWith(t, 1, cfg, clock)
	for i := range 3 {
		p := payment(i)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, p).Result)
	}
	require.NoError(t, b.Kill())
	var told []pay.Key
	cfg.Hooks.Committed = func(keys []pay.Key) { told = append(told, keys...) }
	for _, recall := range []bool{false, true} {
		cfg.Recall = recall
		l, err := OpenLedger(cfg)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		require.Equal(t, recall, len(told) > 0)
	}
	require.Equal(t, []pay.Key{payment(0).Key, payment(1).Key, payment(2).Key}, told)
}

func TestClosedLedger(t *testing.T) {
	b := openTestLedger(t, 1)
	require.NoError(t, b.Close())
	_, err := b.Answer(t.Context(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: payment(1)})
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, b.Enroll(t.Context(), Account{Name: "x", Currency: "KES"}), ErrClosed)
	require.NoError(t, b.Kill(), "closing twice is harmless")
}

func TestAnswerRefusesWhatTheWireWould(t *testing.T) {
	b := openTestLedger(t, 1)
	p := payment(1)
	p.Amount = -25_00
	_, err := b.Answer(t.Context(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: p})
	require.ErrorContains(t, err, "amount -2500")
}

// TestRepeatedOrder: an order is paid once, whatever the key, and the answer
// names the payment there is. Payments without an order are all different.
func TestRepeatedOrder(t *testing.T) {
	nameless := func(n int) pay.Payment {
		p := payment(n)
		p.Order = ""
		return p
	}
	again := payment(1)
	again.Key[9]++
	t.Run("refused", func(t *testing.T) {
		b := openTestLedger(t, 2)
		first := b.pay(t, 0, payment(1))
		got := b.pay(t, 0, again)
		require.Equal(t, pay.AlreadyPaid, got.Reason)
		require.Equal(t, first.Transfer, got.Transfer)
		require.Equal(t, first, b.pay(t, 0, payment(1)))
		require.Equal(t, pay.Confirmed, b.pay(t, 1, again).Result, "an order of another payer is another one")
		require.Equal(t, pay.Confirmed, b.pay(t, 0, nameless(2)).Result)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, nameless(3)).Result)
		transfers, _ := b.contents(t)
		require.Len(t, transfers, 4)
		require.NoError(t, b.Close())
		b.reopen(t)
		require.Equal(t, got, b.pay(t, 0, again), "the same answer for ever")
	})
	t.Run("a refused one is free", func(t *testing.T) {
		b := openTestLedger(t, 1)
		poor := payment(1)
		poor.Amount = 100_01
		require.Equal(t, pay.NoFunds, b.pay(t, 0, poor).Reason)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, again).Result)
	})
	t.Run("allowed", func(t *testing.T) {
		cfg, clock := config(t)
		cfg.AllowRepeatedOrders = true
		b := openTestLedgerWith(t, 1, cfg, clock)
		b.pay(t, 0, payment(1))
		require.Equal(t, pay.Confirmed, b.pay(t, 0, again).Result)
	})
}

// TestRefusalsAreBounded: a wallet without funds cannot fill the bank's disk.
func TestRefusalsAreBounded(t *testing.T) {
	rows := func(b *testLedger) (n int) {
		require.NoError(t, b.db.View(func(tx *sqlite.Tx) error {
			return tx.Query("SELECT count(*) FROM idempotency", func(r sqlite.Row) error {
				n = int(r.Int(0))
				return nil
			})
		}))
		return n
	}
	poor := func(n int, deadline int64) pay.Payment {
		p := payment(n)
		p.Amount, p.Deadline = 100_01, deadline
		return p
	}
	open := func(t *testing.T) *testLedger {
		t.Helper()
		cfg, clock := config(t)
		cfg.VFS, cfg.MaxRefused = storetest.NewDisk(t).Name, 50 // does not wait for the disk
		return openTestLedgerWith(t, 2, cfg, clock)
	}
	t.Run("no deadline", func(t *testing.T) {
		b := open(t)
		for n := range 10_000 {
			if testing.Short() && n == 500 {
				break
			}
			got := b.pay(t, 0, poor(n, 0))
			if n < 50 {
				require.Equal(t, pay.NoFunds, got.Reason)
			} else {
				require.Equal(t, pay.Busy, got.Reason)
			}
		}
		require.Equal(t, 50, rows(b))
		require.Equal(t, pay.NoFunds, b.pay(t, 0, poor(7, 0)).Reason, "what was said is repeated")
		require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(20_000)).Result, "what can be booked is")
		require.Equal(t, pay.NoFunds, b.pay(t, 1, poor(1, 0)).Reason, "others are not touched")

		// Without a deadline they are late after pay.MaxValidity.
		b.clock.Store(testTime + (pay.MaxValidity + refusedGrace).Milliseconds())
		require.Equal(t, pay.Expired, b.pay(t, 1, poor(2, 0)).Result)
		require.Equal(t, pay.Busy, b.pay(t, 0, poor(30_000, 0)).Reason, "they may not be forgotten yet")
		b.clock.Add(1)
		fresh := poor(30_001, 0)
		fresh.Created = b.clock.Load()
		require.Equal(t, pay.NoFunds, b.pay(t, 0, fresh).Reason)
		require.Equal(t, 4, rows(b), "what was booked, the new one, two of the other payer")
		for n := range 60 {
			p := poor(n, 0)
			p.Amount = 1
			require.Equal(t, pay.Expired, b.pay(t, 0, p).Result, "what is forgotten is not booked")
		}
		require.Equal(t, 4, rows(b))
		b.contents(t)
	})
	t.Run("a conflict", func(t *testing.T) {
		b := open(t)
		require.Equal(t, pay.NoFunds, b.pay(t, 0, poor(1, testTime+2000)).Reason)
		other := payment(1)
		other.Deadline = 0
		require.Equal(t, pay.Conflict, b.pay(t, 0, other).Result)
		b.clock.Add(10 * refusedGrace.Milliseconds())
		trigger := poor(2, 0)
		trigger.Created = b.clock.Load()
		require.Equal(t, pay.NoFunds, b.pay(t, 0, trigger).Reason)
		require.Equal(t, pay.Conflict, b.pay(t, 0, other).Result, "what was in conflict is not booked")
		transfers, _ := b.contents(t)
		require.Empty(t, transfers)
	})
	t.Run("deadlines", func(t *testing.T) {
		b := open(t)
		confirmed := payment(9_999)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, confirmed).Result)
		for day := range 5 {
			now := b.clock.Load()
			for n := range 60 {
				p := poor(100*day+n, now+1000)
				p.Created = now
				want := pay.NoFunds
				if n >= 50 {
					want = pay.Busy
				}
				require.Equal(t, want, b.pay(t, 0, p).Reason, "day %d, payment %d", day, n)
			}
			b.clock.Add(refusedGrace.Milliseconds() + 2000)
		}
		require.Equal(t, 51, rows(b))
		old := poor(3, testTime+2000)
		old.Created = testTime + 1000
		require.Equal(t, pay.Expired, b.pay(t, 0, old).Result, "a copy of a forgotten one is late")
		require.Equal(t, 51, rows(b), "and is not remembered")
		require.Equal(t, pay.Confirmed, b.pay(t, 0, confirmed).Result, "what was booked is never forgotten")
		b.contents(t)
	})
}

// TestVirtualTime runs a ledger with its default clock in a bubble.
func TestVirtualTime(t *testing.T) {
	cfg, _ := config(t)
	cfg.Clock = nil
	synctest.Test(t, func(t *testing.T) {
		l, err := OpenLedger(cfg)
		require.NoError(t, err)
		b := &testLedger{Ledger: l, cfg: cfg}
		defer func() { require.NoError(t, b.Close()) }()
		b.enroll(t, 1)
		p := payment(1)
		p.Created = time.Now().UnixMilli()
		p.Deadline = time.Now().Add(time.Minute).UnixMilli()
		late := p
		late.Key[0]++
		require.Equal(t, pay.Confirmed, b.pay(t, 0, p).Result)
		time.Sleep(time.Hour)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, p).Result)
		require.Equal(t, pay.Expired, b.pay(t, 0, late).Result)
	})
}
