package bank

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/vfs/memdb"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
	"github.com/onebar/onebar/reference/sqlite/storetest"
)

// TestKillBeforeCommit: what was not committed is as if it had never been asked.
func TestKillBeforeCommit(t *testing.T) {
	cfg, clock := config(t)
	held := make(chan struct{})
	cfg.Hooks.BeforeCommit = func(ctx context.Context, _ []pay.Key) {
		close(held)
		<-ctx.Done()
	}
	b := openTestLedgerWith(t, 1, cfg, clock)
	failed := make(chan error, 1)
	go func() {
		_, err := b.Answer(context.Background(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: payment(1)})
		failed <- err
	}()
	<-held
	require.NoError(t, b.Kill())
	require.ErrorIs(t, <-failed, ErrClosed)

	b.cfg.Hooks = Hooks{}
	b.reopen(t)
	transfers, closing := b.contents(t)
	require.Empty(t, transfers)
	require.EqualValues(t, 100_00, closing["w0"])
	require.Equal(t, pay.NotFound, b.ask(t, pay.AskStatus, 0, payment(1)).Result)
	require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
}

// TestKillAfterCommit: what was committed is there, and its answer is repeated
// although nobody was ever given it.
func TestKillAfterCommit(t *testing.T) {
	cfg, clock := config(t)
	held, killed := make(chan struct{}), make(chan struct{})
	life := make(chan context.Context, 1) // the writer's, ended by Kill
	cfg.Hooks.BeforeCommit = func(ctx context.Context, _ []pay.Key) { life <- ctx }
	cfg.Hooks.Committed = func([]pay.Key) {
		close(held)
		<-(<-life).Done()
	}
	b := openTestLedgerWith(t, 1, cfg, clock)
	failed := make(chan error, 1)
	go func() {
		_, err := b.Answer(context.Background(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: payment(1)})
		failed <- err
	}()
	<-held
	go func() { defer close(killed); _ = b.Kill() }()
	require.ErrorIs(t, <-failed, ErrClosed)
	<-killed

	b.cfg.Hooks = Hooks{}
	b.reopen(t)
	transfers, closing := b.contents(t)
	require.Len(t, transfers, 1)
	require.EqualValues(t, 75_00, closing["w0"])
	b.clock.Add(3_600_000)
	got := b.pay(t, 0, payment(1))
	require.Equal(t, pay.Confirmed, got.Result, "long past its deadline, but it was booked in time")
	require.Equal(t, transfers[0].ID, got.Transfer)
}

// TestKilledProcess kills a bank process (SIGKILL) while eight wallets pay, and
// looks for every payment it had confirmed.
func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bank.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBankProcess$")
	child.Env = append(os.Environ(), "BANK_PROCESS="+path)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	var confirmed []pay.Key
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var k pay.Key
		if n, err := hex.Decode(k[:], lines.Bytes()); n != len(k) || err != nil {
			continue // a line cut by the kill
		}
		if confirmed = append(confirmed, k); len(confirmed) == 200 {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.Error(t, child.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(confirmed), 200)

	cfg, clock := config(t)
	cfg.Path, cfg.Create = path, false
	l, err := OpenLedger(cfg)
	require.NoError(t, err)
	b := &testLedger{Ledger: l, cfg: cfg, clock: clock}
	defer b.Close()
	transfers, _ := b.contents(t)
	booked := map[pay.Key]int{}
	for _, tr := range transfers {
		booked[tr.Key]++
	}
	for _, k := range confirmed {
		require.Equal(t, 1, booked[k], "confirmed payment %v", k)
	}
}

// TestBankProcess is the bank that TestKilledProcess kills.
func TestBankProcess(t *testing.T) {
	path := os.Getenv("BANK_PROCESS")
	if path == "" {
		t.Skip("only as a process of TestKilledProcess")
	}
	cfg, clock := config(t)
	cfg.Path = path
	b := openTestLedgerWith(t, 8, cfg, clock)
	var n atomic.Int64
	var wg sync.WaitGroup
	for i := range b.wallets {
		wg.Go(func() {
			for n.Load() < 1_000_000 {
				p := payment(int(n.Add(1)))
				p.Amount = 1
				if b.pay(t, i, p).Result == pay.Confirmed {
					_, _ = fmt.Fprintln(os.Stdout, p.Key)
				}
			}
		})
	}
	wg.Wait()
}

// TestDiskFailures: a batch the disk did not take is never confirmed.
func TestDiskFailures(t *testing.T) {
	tryPay := func(b *testLedger, n int) (*pay.Answer, error) {
		return b.Answer(context.Background(), b.wallets[0].id(), &pay.Request{Ask: pay.AskPay, Payment: payment(n)})
	}
	t.Run("full, then not", func(t *testing.T) {
		var log bytes.Buffer // the writer's; read when it waits
		cfg, clock := config(t)
		cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		disk := storetest.NewDisk(t)
		cfg.VFS = disk.Name
		b := openTestLedgerWith(t, 1, cfg, clock)
		disk.FullAll.Store(true)
		got, err := tryPay(b, 1)
		require.NoError(t, err)
		require.Equal(t, pay.Refused, got.Result)
		require.Equal(t, pay.Busy, got.Reason)
		disk.FullAll.Store(false)
		require.Equal(t, pay.NotFound, b.ask(t, pay.AskStatus, 0, payment(1)).Result)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
		_, closing := b.contents(t)
		require.EqualValues(t, 75_00, closing["w0"])
		late := newTestWallet(t, nil)
		disk.FullAll.Store(true)
		require.Error(t, b.Enroll(t.Context(), Account{Name: "new", Certificate: late.Certificate(), Currency: "EUR", Opening: 5}))
		for n := range 3 {
			got, err := tryPay(b, 10+n)
			require.NoError(t, err)
			require.Equal(t, pay.Busy, got.Reason)
		}
		disk.FullAll.Store(false)
		got, err = tryPay(b, 20)
		require.NoError(t, err)
		require.Equal(t, pay.Confirmed, got.Result)
		require.NoError(t, b.Enroll(t.Context(), Account{Name: "other", Certificate: late.Certificate(), Currency: "EUR", Opening: 7}), "the account that was not opened is not there")
		require.Equal(t, 2, strings.Count(log.String(), "the disk takes no more payments"), log.String())
		require.Equal(t, 2, strings.Count(log.String(), "the disk takes payments again"))
		_, closing = b.contents(t)
		require.Equal(t, map[string]int64{"w0": 50_00, "m0": 50_00, "m1": 0, "m2": 0, "other": 7, "equity:KES": -100_00, "equity:EUR": -7}, closing)
	})
	t.Run("a failed sync", func(t *testing.T) {
		cfg, clock := config(t)
		disk := storetest.NewDisk(t)
		cfg.VFS = disk.Name
		b := openTestLedgerWith(t, 1, cfg, clock)
		disk.FailSyncs.Store(1)
		_, err := tryPay(b, 1)
		require.ErrorIs(t, err, sqlite3.IOERR)
		_, err = tryPay(b, 1)
		require.ErrorContains(t, err, "open it again", "after a failed sync nobody knows what is on the disk")
		require.ErrorContains(t, <-b.Failed(), "open it again", "and whoever serves it hears of it")
		require.NoError(t, b.Kill())
		b.reopen(t)
		require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
		transfers, _ := b.contents(t)
		require.Len(t, transfers, 1)
	})
}

// TestEveryAnswerIsSynced: with a write-ahead log SQLite syncs at each commit
// only if told to (synchronous=FULL); without it acknowledged payments are lost
// when the power fails, though not when the process is killed.
func TestEveryAnswerIsSynced(t *testing.T) {
	cfg, clock := config(t)
	disk := storetest.NewDisk(t)
	disk.Shared, cfg.VFS = true, disk.Name
	b := openTestLedgerWith(t, 1, cfg, clock)
	for i := range 6 { // four confirmed, two declined
		before := disk.LogSyncs.Load()
		b.pay(t, 0, payment(i))
		require.Equal(t, before+1, disk.LogSyncs.Load(), "syncs of the log for payment %d", i)
	}
	before := disk.LogSyncs.Load()
	b.pay(t, 0, payment(0))
	require.Equal(t, before, disk.LogSyncs.Load(), "a repeated answer writes nothing")
}

// TestJournalRemovalIsDurable: without shared memory there is a rollback journal.
// Its removal is the commit, and is durable only with synchronous=EXTRA: with
// FULL, 109 of 200 power failures on harness/disk brought a journal back and took
// an answered payment away.
func TestJournalRemovalIsDurable(t *testing.T) {
	cfg, clock := config(t)
	cfg.VFS = storetest.NewDisk(t).Name
	b := openTestLedgerWith(t, 1, cfg, clock)
	for name, want := range map[string]string{"journal_mode": "delete", "synchronous": "3"} {
		var got string
		require.NoError(t, b.db.Update(func(tx *sqlite.Tx) error {
			return tx.Query("PRAGMA "+name, func(r sqlite.Row) error {
				got = r.Text(0)
				return nil
			})
		}))
		require.Equal(t, want, got, name)
	}
}

func TestSecondWriterIsNoticed(t *testing.T) {
	b := openTestLedger(t, 1)
	other, err := OpenLedger(b.cfg)
	require.NoError(t, err)
	defer other.Close()
	require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
	r := &pay.Request{Ask: pay.AskPay, Payment: payment(2)}
	_, err = other.Answer(t.Context(), b.wallets[0].id(), r)
	require.ErrorContains(t, err, "another program writes to the ledger")
	got, err := other.Answer(t.Context(), b.wallets[0].id(), r)
	require.NoError(t, err)
	require.Equal(t, pay.Confirmed, got.Result, "it has read the accounts again")
	_, closing := b.contents(t)
	require.EqualValues(t, 50_00, closing["w0"])
}

func TestOpenRefuses(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(t *testing.T, cfg *LedgerConfig)
		want    string
	}{
		{"no receipt key", func(_ *testing.T, cfg *LedgerConfig) { cfg.Receipts = nil }, "the receipt key has 0 bytes"},
		{"no ledger", func(_ *testing.T, cfg *LedgerConfig) { cfg.Create = false }, "if it was lost, put it back"},
		{"an empty file", func(t *testing.T, cfg *LedgerConfig) {
			t.Helper()
			cfg.Create = false
			require.NoError(t, os.WriteFile(cfg.Path, nil, 0o600))
		}, "there is no ledger in the file"},
		{"no directory", func(_ *testing.T, cfg *LedgerConfig) { cfg.Path = filepath.Join(cfg.Path, "x.db") }, "no such file"},
		{"no database", func(t *testing.T, cfg *LedgerConfig) {
			t.Helper()
			require.NoError(t, os.WriteFile(cfg.Path, []byte("dear diary, today I had no ledger at all"), 0o600))
		}, "file is not a database"},
		{"another program's database", func(t *testing.T, cfg *LedgerConfig) {
			t.Helper()
			execSQL(t, cfg.Path, "PRAGMA application_id=5")
		}, "not a ledger"},
		{"a newer ledger", func(t *testing.T, cfg *LedgerConfig) {
			t.Helper()
			l, err := OpenLedger(*cfg)
			require.NoError(t, err)
			require.NoError(t, l.Close())
			execSQL(t, cfg.Path, "PRAGMA user_version=9")
		}, "the ledger has format 9 and this program knows 5"},
		{"a ledger without identities", func(t *testing.T, cfg *LedgerConfig) {
			t.Helper()
			execSQL(t, cfg.Path, fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=2", applicationID))
		}, "the ledger has format 2 and this program knows 5: use the program that wrote it"},
		{"memory", func(_ *testing.T, cfg *LedgerConfig) { cfg.Path, cfg.VFS = "/ledger", "memdb" }, "does not survive a crash"},
		{"no such file layer", func(_ *testing.T, cfg *LedgerConfig) { cfg.VFS = "nowhere" }, "no such vfs"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := config(t)
			c.prepare(t, &cfg)
			_, err := OpenLedger(cfg)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "open ledger")
		})
	}
}

// TestOddPath: characters that mean something in a URI.
func TestOddPath(t *testing.T) {
	cfg, clock := config(t)
	cfg.Path = filepath.Join(filepath.Dir(cfg.Path), "a b?c#d%41&vfs=x é.db")
	b := openTestLedgerWith(t, 1, cfg, clock)
	require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
	require.FileExists(t, cfg.Path)
	b.contents(t)
}

func execSQL(tb testing.TB, path, text string) {
	tb.Helper()
	c, err := sqlite3.Open("file:" + (&url.URL{Path: path}).EscapedPath())
	require.NoError(tb, err)
	require.NoError(tb, c.Exec(text))
	require.NoError(tb, c.Close())
}

// TestVerifyFinds tampers with the books in every way Verify looks for.
func TestVerifyFinds(t *testing.T) {
	cases := []struct {
		name, tamper, want string
	}{
		{"nothing", "SELECT 1", ""},
		{"money made", "UPDATE entry SET amount = amount + 1 WHERE amount > 0", "the entries in KES sum to"},
		{"one leg", "DELETE FROM entry WHERE amount = 2500", "has 1 entries that sum to -2500"},
		{"no legs", "INSERT INTO transfer (key, order_no, currency, created, booked) VALUES (NULL, '', 'KES', 0, 0)", "has 0 entries"},
		{"legs of nothing", "DELETE FROM transfer WHERE key IS NOT NULL", "belongs to none"},
		{"wrong currency", "UPDATE transfer SET currency = 'UGX' WHERE key IS NOT NULL", "in UGX touches account w0 in KES"},
		{"balance altered", "UPDATE account SET balance = balance + 5 WHERE name = 'w0'", "account w0 is said to hold 7505, its entries sum to 7500"},
		{"overdraft", "PRAGMA ignore_check_constraints=ON; UPDATE account SET balance = -1 WHERE name = 'w0'", "account w0 is below zero: -1"},
		{"record lost", "DELETE FROM idempotency", "has a key without a record"},
		{"record for nothing", "UPDATE idempotency SET key = randomblob(16)", "was answered confirmed with transfer"},
		{"record unreadable", "UPDATE idempotency SET result = 'maybe'", "is no result of a payment"},
		{"identity altered", "UPDATE account SET identity = randomblob(32) WHERE name = 'w0'", "account w0: verify the certificate"},
		{"transport key altered", "UPDATE account SET transport = randomblob(32) WHERE name = 'w0'", "account w0: verify the certificate"},
		{"certificate altered", "UPDATE account SET certificate = randomblob(64) WHERE name = 'w0'", "account w0: verify the certificate"},
		{"payer lost", "UPDATE transfer SET payer = NULL", "is not noted for its payer"},
		{"paid before with nothing", "UPDATE idempotency SET result = 'declined', reason = 'order already paid', key = randomblob(16), transfer = 1", "was answered declined with transfer 1"},
		{"booked twice", `INSERT INTO transfer SELECT 99, key, order_no, currency, created, booked, payer FROM transfer WHERE key IS NOT NULL;
			INSERT INTO entry SELECT 99, account, amount FROM entry WHERE transfer = (SELECT id FROM transfer WHERE key IS NOT NULL);`, "was booked 2 times"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := openTestLedger(t, 1)
			require.Equal(t, pay.Confirmed, b.pay(t, 0, payment(1)).Result)
			require.NoError(t, b.Close())
			execSQL(t, b.cfg.Path, "PRAGMA foreign_keys=OFF; "+c.tamper)
			a, err := OpenAudit(b.cfg.Path, "")
			require.NoError(t, err)
			defer a.Close()
			err = a.Verify()
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
		})
	}
	t.Run("a damaged page", func(t *testing.T) {
		b := openTestLedger(t, 40)
		require.NoError(t, b.Close())
		f, err := os.OpenFile(b.cfg.Path, os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("coffee, spilt over the books"), 4096+2)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		a, err := OpenAudit(b.cfg.Path, "")
		if err == nil {
			err = a.Verify()
			require.NoError(t, a.Close())
		}
		require.Error(t, err)
	})
	t.Run("no ledger", func(t *testing.T) {
		_, err := OpenAudit(filepath.Join(t.TempDir(), "none.db"), "")
		require.ErrorContains(t, err, "none.db")
	})
}

func TestAuditIsOneMoment(t *testing.T) {
	b := openTestLedger(t, 1)
	b.pay(t, 0, payment(1))
	a, err := OpenAudit(b.cfg.Path, "")
	require.NoError(t, err)
	defer a.Close()
	b.pay(t, 0, payment(2))
	n := 0
	for _, err := range a.Transfers() {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 1, n)
	for range a.Transfers() {
		break // stopping early is allowed
	}
	require.NoError(t, a.Verify())
}

// TestBooksAgreeWithAModel throws payments, status queries, repeats, crashes and
// a moving clock at a ledger and at a model of thirty lines, and compares every
// answer and the books at the end.
func TestBooksAgreeWithAModel(t *testing.T) {
	vfsName := storetest.NewDisk(t).Name // does not wait for the disk: this is about logic
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		cfg, clock := config(t)
		runs++
		cfg.Path, cfg.VFS = filepath.Join(dir, fmt.Sprint(runs, ".db")), vfsName
		l, err := OpenLedger(cfg)
		require.NoError(rt, err)
		b := &testLedger{Ledger: l, cfg: cfg, clock: clock}
		defer func() { require.NoError(rt, b.Close()) }()
		m := model{balance: map[string]int64{"m0": 0, "w0": 300, "w1": 0}, answers: map[string]modelAnswer{}}
		b.enrollModel(rt, m.balance)
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			b.clock.Add(rapid.Int64Range(0, 20_000).Draw(rt, "pause"))
			if rapid.IntRange(0, 9).Draw(rt, "crash") == 0 {
				require.NoError(rt, b.Kill())
				b.reopen(rt)
			}
			wallet := rapid.IntRange(0, 1).Draw(rt, "wallet")
			p := payment(rapid.IntRange(0, 9).Draw(rt, "key"))
			p.Amount = rapid.SampledFrom([]int64{50, 200}).Draw(rt, "amount")
			p.Payee = rapid.SampledFrom([]string{"m0", "m0", "w0", "w1", "nobody"}).Draw(rt, "payee")
			ask := rapid.SampledFrom([]pay.Ask{pay.AskPay, pay.AskPay, pay.AskStatus}).Draw(rt, "ask")
			got := b.ask(rt, ask, wallet, p)
			require.Equal(rt, m.answer(ask, wallet, p, b.clock.Load()), modelAnswer{p, got.Result, got.Reason})
		}
		transfers, closing := b.contents(rt)
		require.Len(rt, transfers, m.booked)
		for name, want := range m.balance {
			require.Equal(rt, want, closing[name], name)
		}
	})
}

func (b *testLedger) enrollModel(rt *rapid.T, balances map[string]int64) {
	src := rand.NewChaCha8([32]byte{3})
	for i := range 2 {
		k := newTestWallet(rt, src)
		b.wallets = append(b.wallets, k)
		name := fmt.Sprint("w", i)
		require.NoError(rt, b.Enroll(context.Background(), Account{Name: name, Certificate: k.Certificate(), Currency: "KES", Opening: balances[name]}))
	}
	require.NoError(rt, b.Enroll(context.Background(), Account{Name: "m0", Currency: "KES"}))
}

// model is what a ledger should do, said as shortly as possible.
type model struct {
	balance map[string]int64
	answers map[string]modelAnswer // by payer and key
	booked  int
}

type modelAnswer struct {
	p      pay.Payment
	result pay.Result
	reason pay.Reason
}

func (m *model) answer(ask pay.Ask, wallet int, p pay.Payment, now int64) modelAnswer {
	payer := fmt.Sprint("w", wallet)
	id := payer + p.Key.String()
	if old, ok := m.answers[id]; ok {
		if old.p != p {
			return modelAnswer{p, pay.Conflict, pay.NoReason}
		}
		return old
	}
	a := modelAnswer{p, pay.Declined, pay.NoReason}
	_, known := m.balance[p.Payee]
	switch {
	case now > p.Deadline:
		a.result = pay.Expired
	case ask == pay.AskStatus:
		return modelAnswer{p, pay.NotFound, pay.NoReason}
	case !known:
		a.reason = pay.UnknownPayee
	case p.Payee == payer:
		a.reason = pay.SameAccount
	case m.balance[payer] < p.Amount:
		a.reason = pay.NoFunds
	default:
		a.result = pay.Confirmed
		m.balance[payer] -= p.Amount
		m.balance[p.Payee] += p.Amount
		m.booked++
	}
	m.answers[id] = a
	return a
}
