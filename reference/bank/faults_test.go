package bank

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite/storetest"
)

// breaks returns a statement that makes the bank fail when it writes to a table.
// DROP TRIGGER broken undoes it.
func breaks(when, table string) string {
	return fmt.Sprintf("CREATE TRIGGER broken BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'broken'); END", when, table)
}

// TestNothingIsBookedInPart: if a part of a booking cannot be written, nobody is
// told that it was booked, nothing of it stays, and it can be made later.
func TestNothingIsBookedInPart(t *testing.T) {
	for name, text := range map[string]string{
		"transfer": breaks("INSERT", "transfer"),
		"entries":  breaks("INSERT", "entry"),
		"record":   breaks("INSERT", "idempotency"),
		"balance":  breaks("UPDATE", "account"),
	} {
		t.Run(name, func(t *testing.T) {
			log := &lockedBuffer{}
			cfg, clock := config(t)
			cfg.Log = slog.New(slog.NewTextHandler(log, nil))
			b := openTestLedgerWith(t, 1, cfg, clock)
			execSQL(t, b.cfg.Path, text)
			for range 2 {
				a, err := b.Answer(t.Context(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: payment(1)})
				require.ErrorContains(t, err, "broken")
				require.Nil(t, a)
			}
			require.Contains(t, log.String(), "not booked")
			transfers, closing := b.contents(t)
			require.Empty(t, transfers)
			require.EqualValues(t, 100_00, closing["w0"])

			execSQL(t, b.cfg.Path, "DROP TRIGGER broken")
			require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
			require.NoError(t, b.Close())
			b.reopen(t)
			require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
			transfers, closing = b.contents(t)
			require.Len(t, transfers, 1)
			require.EqualValues(t, 75_00, closing["w0"])
		})
	}
}

// TestKillLogsNoError: that nothing was booked is what a crash means.
func TestKillLogsNoError(t *testing.T) {
	log := &lockedBuffer{}
	cfg, clock := config(t)
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	held := make(chan struct{})
	cfg.Hooks.BeforeCommit = func(ctx context.Context, _ []pay.Key) { close(held); <-ctx.Done() }
	b := openTestLedgerWith(t, 1, cfg, clock)
	var wg sync.WaitGroup
	wg.Go(func() {
		a, err := b.Answer(t.Context(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: payment(1)})
		if err == nil {
			t.Error("answered by a dead bank", a)
		}
	})
	<-held
	require.NoError(t, b.Kill())
	wg.Wait()
	require.Empty(t, log.String())
	transfers, _ := b.contents(t)
	require.Empty(t, transfers)
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAFullDiskLeavesNothingInMemory: when the disk is full at the end of a
// transaction, what was in it has not happened, neither to a balance nor to an
// account.
func TestAFullDiskLeavesNothingInMemory(t *testing.T) {
	synctest.Test(t, testAFullDiskLeavesNothingInMemory)
}

func testAFullDiskLeavesNothingInMemory(t *testing.T) {
	t.Helper()
	disk := storetest.NewDisk(t)
	cfg, clock := config(t)
	cfg.VFS = disk.Name
	held, release, transactions := make(chan struct{}), make(chan struct{}), 0
	cfg.Hooks.BeforeCommit = func(context.Context, []pay.Key) {
		switch transactions++; transactions {
		case 1:
			close(held)
			<-release
		case 2:
			disk.FullAll.Store(true)
		}
	}
	b := openTestLedgerWith(t, 1, cfg, clock)
	late := newTestWallet(t, nil)
	enroll := func() error {
		return b.Enroll(t.Context(), Account{Name: "late", Certificate: late.Certificate(), Currency: "KES", Opening: 7})
	}
	var wg sync.WaitGroup
	wg.Go(func() { b.pay(t, 0, payment(1)) })
	<-held
	wg.Go(func() {
		if a := b.pay(t, 0, payment(2)); a.Reason != pay.Busy {
			t.Error("booked on a full disk", a)
		}
	})
	wg.Go(func() {
		if enroll() == nil {
			t.Error("enrolled on a full disk")
		}
	})
	synctest.Wait()
	close(release)
	wg.Wait()
	disk.FullAll.Store(false)
	require.Equal(t, 2, transactions)

	b.wallets = append(b.wallets, late)
	require.Equal(t, pay.NotEnrolled, b.pay(t, 1, payment(9)).Reason)
	toLate := payment(10)
	toLate.Payee = "late"
	require.Equal(t, pay.UnknownPayee, b.pay(t, 0, toLate).Reason)
	for n := range 4 {
		want := pay.Confirmed
		if n == 3 {
			want = pay.Declined
		}
		require.Equal(t, want, b.pay(t, 0, payment(100+n)).Result, "75.00 pays 25.00 three times")
	}
	require.NoError(t, enroll())
	_, closing := b.contents(t)
	require.Zero(t, closing["w0"])
	require.EqualValues(t, 7, closing["late"])
}

// TestATransactionThatCannotBeginUndoesNothing: what the one before it made durable
// stays, in memory too.
func TestATransactionThatCannotBeginUndoesNothing(t *testing.T) {
	disk := storetest.NewDisk(t)
	cfg, clock := config(t)
	cfg.VFS = disk.Name
	b := openTestLedgerWith(t, 1, cfg, clock)
	late := newTestWallet(t, nil)
	require.NoError(t, b.Enroll(t.Context(), Account{Name: "late", Certificate: late.Certificate(), Currency: "KES", Opening: 25_00}))
	b.wallets = append(b.wallets, late)
	refused := func(p pay.Payment) {
		t.Helper()
		disk.FailBegin.Store(1)
		require.Equal(t, pay.Busy, b.pay(t, 0, p).Reason)
		require.Zero(t, disk.FailBegin.Load())
	}
	toLate := payment(1)
	toLate.Payee = "late"
	refused(toLate)
	require.Equal(t, pay.Confirmed, b.pay(t, 0, toLate).Result)
	refused(payment(2))
	require.Equal(t, pay.Confirmed, b.pay(t, 1, payment(3)).Result)
	_, closing := b.contents(t)
	require.EqualValues(t, 75_00, closing["w0"])
	require.EqualValues(t, 25_00, closing["late"])
}

// TestNoAccountIsOpenedInPart: neither in the file nor in memory.
func TestNoAccountIsOpenedInPart(t *testing.T) {
	for name, text := range map[string]string{
		"account":  breaks("INSERT", "account"),
		"equity":   "CREATE TRIGGER broken BEFORE INSERT ON account WHEN new.equity = 1 BEGIN SELECT RAISE(ABORT, 'broken'); END",
		"transfer": breaks("INSERT", "transfer"),
		"entries":  breaks("INSERT", "entry"),
	} {
		t.Run(name, func(t *testing.T) {
			b := openTestLedger(t, 1)
			shop := Account{Name: "shop", Currency: "EUR", Opening: 7}
			execSQL(t, b.cfg.Path, text)
			require.ErrorContains(t, b.Enroll(t.Context(), shop), "broken")
			execSQL(t, b.cfg.Path, "DROP TRIGGER broken")
			p := payment(1)
			p.Payee = "shop"
			require.Equal(t, pay.UnknownPayee, b.pay(t, 0, p).Reason)
			_, closing := b.contents(t)
			require.NotContains(t, closing, "shop")
			require.NotContains(t, closing, "equity:EUR")

			require.NoError(t, b.Enroll(t.Context(), shop))
			_, closing = b.contents(t)
			require.EqualValues(t, 7, closing["shop"])
			require.EqualValues(t, -7, closing["equity:EUR"])
		})
	}
}

// TestEnrollWithoutTime opens nothing.
func TestEnrollWithoutTime(t *testing.T) {
	b := openTestLedger(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Enroll(ctx, Account{Name: "shop", Currency: "KES"}), context.Canceled)
	_, closing := b.contents(t)
	require.NotContains(t, closing, "shop")
}

// TestDamagedRecordsAreNotAnswered: what the bank has said is repeated as it was, or
// not at all, and nothing is booked in its place.
func TestDamagedRecordsAreNotAnswered(t *testing.T) {
	for _, change := range []string{"result = 'perhaps'", "reason = 'whim'", "transfer = -5", "decided = 7", "result = 'expired'"} {
		t.Run(change, func(t *testing.T) {
			b := openTestLedger(t, 1)
			first := b.pay(t, 0, payment(1))
			require.Equal(t, pay.Confirmed, first.Result)
			execSQL(t, b.cfg.Path, "CREATE TABLE kept AS SELECT * FROM idempotency; UPDATE idempotency SET "+change)
			for _, ask := range []pay.Ask{pay.AskPay, pay.AskStatus} {
				a, err := b.Answer(t.Context(), b.wallets[0].id(), &pay.Request{Ask: ask, Payment: payment(1)})
				require.Error(t, err)
				require.Nil(t, a)
			}
			execSQL(t, b.cfg.Path, "DELETE FROM idempotency; INSERT INTO idempotency SELECT * FROM kept; DROP TABLE kept")
			transfers, closing := b.contents(t)
			require.Len(t, transfers, 1)
			require.EqualValues(t, 75_00, closing["w0"])
			require.Equal(t, first, b.pay(t, 0, payment(1)))
		})
	}
}

// TestOpenReadsEverything: a file of which a part cannot be read is not opened.
func TestOpenReadsEverything(t *testing.T) {
	for _, table := range []string{"account", "transfer"} {
		t.Run(table, func(t *testing.T) {
			b := openTestLedger(t, 1)
			require.NoError(t, b.Close())
			execSQL(t, b.cfg.Path, "ALTER TABLE "+table+" RENAME TO elsewhere")
			cfg := b.cfg
			cfg.Recall = true
			cfg.Hooks.Committed = func([]pay.Key) {}
			l, err := OpenLedger(cfg)
			require.ErrorContains(t, err, "no such table")
			require.Nil(t, l)
			execSQL(t, b.cfg.Path, "ALTER TABLE elsewhere RENAME TO "+table)
			b.reopen(t)
			require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
		})
	}
}

// TestRecallOfNothing reports nothing.
func TestRecallOfNothing(t *testing.T) {
	b := openTestLedger(t, 1)
	require.NoError(t, b.Close())
	cfg := b.cfg
	cfg.Recall = true
	cfg.Hooks.Committed = func([]pay.Key) { t.Error("nothing was booked") }
	l, err := OpenLedger(cfg)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// TestAmountsAtTheirBounds: the largest payment, and the fullest accounts.
func TestAmountsAtTheirBounds(t *testing.T) {
	amount := func(n int, amount int64) pay.Payment {
		p := payment(n)
		p.Amount = amount
		return p
	}
	t.Run("largest payment", func(t *testing.T) {
		cfg, clock := config(t)
		cfg.MaxAmount = 30_00
		b := openTestLedgerWith(t, 1, cfg, clock)
		require.Equal(t, pay.AmountOutOfRange, b.pay(t, 0, amount(1, 30_01)).Reason)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, amount(2, 30_00)).Result)
	})
	t.Run("everything there is", func(t *testing.T) {
		b := openTestLedger(t, 1)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, amount(1, 100_00)).Result)
		require.Equal(t, pay.NoFunds, b.pay(t, 0, amount(2, 1)).Reason)
		_, closing := b.contents(t)
		require.Zero(t, closing["w0"])
	})
	t.Run("full account", func(t *testing.T) {
		b := openTestLedger(t, 1)
		require.NoError(t, b.Close())
		execSQL(t, b.cfg.Path, fmt.Sprintf("UPDATE account SET balance = %d WHERE name = 'm0'", int64(maxBalance-10)))
		b.reopen(t)
		require.Equal(t, pay.AmountOutOfRange, b.pay(t, 0, amount(1, 11)).Reason)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, amount(2, 10)).Result)
		require.Equal(t, pay.AmountOutOfRange, b.pay(t, 0, amount(3, 1)).Reason)
	})
	t.Run("opening balances together", func(t *testing.T) {
		b := openTestLedger(t, 0)
		first, second := Account{Name: "first", Currency: "KES", Opening: 20}, Account{Name: "second", Currency: "KES", Opening: 10}
		require.NoError(t, b.Enroll(t.Context(), first))
		require.NoError(t, b.Close())
		execSQL(t, b.cfg.Path, fmt.Sprintf("UPDATE account SET balance = %d WHERE equity = 1", int64(10-maxBalance)))
		b.reopen(t)
		more := second
		more.Opening++
		require.ErrorContains(t, b.Enroll(t.Context(), more), "would be more than")
		require.NoError(t, b.Enroll(t.Context(), second))
		require.NoError(t, b.Enroll(t.Context(), first), "the same again takes no room")
	})
}
