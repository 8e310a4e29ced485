package reference

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
)

// pair is a started subject on loopback TCP.
type pair struct {
	harness.Subject
	t       testing.TB
	net     *loopback
	witness *witness
	start   time.Time
	pressed map[string]harness.Payment
}

// quick is a policy for links without delay, so that tests need not wait.
var quick = retry.Policy{
	Base: 20 * time.Millisecond, Cap: 200 * time.Millisecond,
	First: 500 * time.Millisecond, Least: 300 * time.Millisecond, Most: time.Second,
}

func startPair(tb testing.TB, o Options, wallets int) *pair {
	tb.Helper()
	p := &pair{
		Subject: New(o), t: tb, net: &loopback{}, witness: newWitness(),
		start: time.Now(), pressed: map[string]harness.Payment{},
	}
	err := p.Start(tb.Context(), harness.Env{
		Network: p.net, Seed: 7, Start: p.start, Dir: tb.TempDir(), Observer: p.witness, Log: slog.New(slog.DiscardHandler),
		Workload: harness.Workload{
			Wallets: wallets, Merchants: 2, Payments: 1000, AmountMin: 1, AmountMax: 1000, Currency: "KES", Attempts: 30,
		},
	})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, p.Close()) })
	return p
}

// press has the user of a wallet press pay for an order of 100.
func (p *pair) press(walletIndex int, id, order string) error {
	hp := harness.Payment{
		ID: id, Order: order, Wallet: walletIndex, Payer: fmt.Sprintf("w%d", walletIndex), Payee: "m1",
		Amount: 100, Currency: "KES", Deadline: time.Since(p.start) + time.Minute,
	}
	p.pressed[id] = hp
	return p.Payer(walletIndex).Pay(p.t.Context(), hp)
}

func (p *pair) postings() (byOrder map[string][]harness.Posting) {
	p.t.Helper()
	l, err := p.Ledger(p.t.Context())
	require.NoError(p.t, err)
	byOrder = map[string][]harness.Posting{}
	for _, b := range l.Postings {
		byOrder[b.Order] = append(byOrder[b.Order], b)
	}
	sum := int64(0)
	for _, b := range l.Balances {
		sum += b.Closing - b.Opening
	}
	require.Zero(p.t, sum)
	return byOrder
}

func TestPairPays(t *testing.T) {
	p := startPair(t, Options{}, 3)
	for i := range 3 {
		require.NoError(t, p.press(i, fmt.Sprint("p", i), fmt.Sprint("o", i)))
	}
	for i := range 3 {
		id := fmt.Sprint("p", i)
		require.Equal(t, harness.Confirmed, p.witness.final(t, id))
		require.Equal(t, []harness.Outcome{harness.Queued, harness.Confirmed}, p.witness.of(id))
		require.Equal(t, 1, p.witness.committed[id])
	}
	for i, posted := range p.postings() {
		require.Len(t, posted, 1)
		want := p.pressed["p"+i[1:]]
		require.Equal(t, harness.Posting{
			ID: posted[0].ID, Payment: want.ID, Order: want.Order, Payer: want.Payer, Payee: want.Payee,
			Amount: want.Amount, Currency: want.Currency,
		}, posted[0])
	}
	require.Len(t, p.witness.attempts, 3)
	held, err := p.Subject.(harness.Holder).Held(t.Context())
	require.NoError(t, err)
	require.Empty(t, held)
}

func TestSecondPressIsToldTheSame(t *testing.T) {
	p := startPair(t, Options{Retry: quick}, 1)
	slow := p.Subject.(harness.Slower)
	hits := slow.SlowAnswers(300 * time.Millisecond)
	require.NoError(t, p.press(0, "p1", "o1"))
	require.NoError(t, p.press(0, "p2", "o1"))
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p1"))
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p2"))
	require.Positive(t, hits())
	slow.SlowAnswers(0)
	require.NoError(t, p.press(0, "p3", "o1"), "and a press that comes late")
	require.Equal(t, []harness.Outcome{harness.Confirmed}, p.witness.of("p3"))
	require.Len(t, p.postings()["o1"], 1)
	require.Equal(t, "p1", p.postings()["o1"][0].Payment)
}

// TestACrashedBankSaysNothing: a request that the crash takes from the ledger is not
// answered, not even "busy".
func TestACrashedBankSaysNothing(t *testing.T) {
	p := startPair(t, Options{Retry: quick}, 4)
	crasher := p.Subject.(harness.Crasher)
	b := p.Subject.(*subject).server
	var log syncBuffer
	b.config.Log = slog.New(slog.NewTextHandler(&log, nil))
	held := make(chan struct{}, 1)
	b.config.Hooks.BeforeCommit = func(ctx context.Context, _ []pay.Key) {
		select {
		case held <- struct{}{}:
		default:
		}
		<-ctx.Done()
	}
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for n := range rounds {
		require.NoError(t, crasher.Crash(harness.Server))
		require.NoError(t, crasher.Restart(t.Context(), harness.Server))
		for i := range 4 {
			id := fmt.Sprint(n, ".", i)
			require.NoError(t, p.press(i, "p"+id, "o"+id))
		}
		<-held
	}
	require.NoError(t, crasher.Crash(harness.Server))
	require.NotContains(t, log.String(), "a request could not be dealt with")
	b.config.Hooks.BeforeCommit = nil
	require.NoError(t, crasher.Restart(t.Context(), harness.Server))
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p0.0"))
}

// TestForgedAnswerIsNotBelieved: an answer in a queue that the bank did not give.
func TestForgedAnswerIsNotBelieved(t *testing.T) {
	p := startPair(t, Options{Retry: quick}, 1)
	crasher := p.Subject.(harness.Crasher)
	require.NoError(t, crasher.Crash(harness.Client))
	phone := p.Payer(0).(*payer)
	s, err := outbox.Open(outbox.Config{Path: phone.storage.file("wallet-0.db")})
	require.NoError(t, err)
	now := time.Now().UnixMilli()
	forged, _, err := s.Accept(outbox.Payment{Payment: pay.Payment{
		Key: pay.Key{1}, Order: "tea", Payee: "m1", Amount: 100, Currency: "KES", Created: now,
	}})
	require.NoError(t, err)
	for _, state := range []outbox.State{outbox.Sent, outbox.Confirmed} {
		from := forged.State
		forged.State = state
		if state == outbox.Confirmed {
			forged.Answer = &pay.Answer{Key: forged.Key, Result: pay.Confirmed, Transfer: 1, At: now, Receipt: make([]byte, pay.ReceiptSize)}
		}
		require.NoError(t, s.Change(&forged, from, nil))
	}
	require.NoError(t, s.Close())
	require.NoError(t, crasher.Restart(t.Context(), harness.Client))
	require.ErrorIs(t, p.press(0, "p1", "tea"), outbox.ErrDamaged)
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestCrashes(t *testing.T) {
	p := startPair(t, Options{Retry: quick}, 4)
	crasher := p.Subject.(harness.Crasher)
	slow := p.Subject.(harness.Slower)
	n := 0
	for _, side := range []harness.Side{harness.Client, harness.Server, harness.Client, harness.Server} {
		slow.SlowAnswers(50 * time.Millisecond) // so that the crash finds payments under way
		for range 20 {
			n++
			require.NoError(t, p.press(n%4, fmt.Sprint("p", n), fmt.Sprint("o", n)))
		}
		require.NoError(t, crasher.Crash(side))
		if side == harness.Client {
			n++
			require.ErrorIs(t, p.press(0, fmt.Sprint("p", n), fmt.Sprint("o", n)), errDown)
			p.witness.Told(harness.Told{Payment: fmt.Sprint("p", n), Outcome: harness.Failed})
			_, err := p.Subject.(harness.Holder).Held(t.Context())
			require.Error(t, err)
		}
		slow.SlowAnswers(0)
		require.NoError(t, crasher.Restart(t.Context(), side))
	}
	for i := range n {
		p.witness.final(t, fmt.Sprint("p", i+1))
	}
	posted := p.postings()
	for i := range n {
		order, id := fmt.Sprint("o", i+1), fmt.Sprint("p", i+1)
		want := 1
		if p.witness.final(t, id).Refused() {
			want = 0
		}
		require.Len(t, posted[order], want, "%s was told %v", id, p.witness.of(id))
		require.Len(t, finals(p.witness.of(id)), 1, "one final outcome")
		if told := p.witness.of(id); told[0] != harness.Failed {
			require.Equal(t, harness.Queued, told[0])
			require.NotContains(t, told[1:], harness.Queued, "never back to the queue")
		}
	}
}

func finals(told []harness.Outcome) (fs []harness.Outcome) {
	for _, o := range told {
		if o.Final() {
			fs = append(fs, o)
		}
	}
	return fs
}

func TestResets(t *testing.T) {
	p := startPair(t, Options{Retry: quick}, 2)
	p.Subject.(harness.Slower).SlowAnswers(30 * time.Millisecond)
	for i := range 40 {
		require.NoError(t, p.press(i%2, fmt.Sprint("p", i), fmt.Sprint("o", i)))
		if i%10 == 5 {
			p.net.reset()
		}
	}
	p.Subject.(harness.Slower).SlowAnswers(0)
	for i := range 40 {
		require.Equal(t, harness.Confirmed, p.witness.final(t, fmt.Sprint("p", i)))
	}
	require.Len(t, p.postings(), 40)
}

func TestSameSeedSameKeys(t *testing.T) {
	key := func() pay.Certificate {
		p := startPair(t, Options{}, 2)
		c := p.Subject.(*subject).clients.payers[1].config
		require.Equal(t, c.Vault, c.Dialer.(*noise.Dialer).Vault, "one wallet, one vault")
		return c.Vault.Certificate()
	}
	require.Equal(t, key(), key())
}

func TestFaultyWalletDuplicates(t *testing.T) {
	p := startPair(t, Options{Faulty: Faulty{NewKeyPerAttempt: true}}, 1)
	slow := p.Subject.(harness.Slower)
	hits := slow.SlowAnswers(time.Hour)
	require.NoError(t, p.press(0, "p1", "o1"))
	require.Eventually(t, func() bool { return hits() > 0 }, 10*time.Second, 5*time.Millisecond)
	p.net.reset()
	slow.SlowAnswers(0)
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p1"))
	require.Len(t, p.postings()["o1"], 2)
	for _, b := range p.postings()["o1"] {
		require.Equal(t, "p1", b.Payment)
	}
}

// An attempt that found no server is none that it saw.
func TestFaultyWalletTellsDialsApart(t *testing.T) {
	p := startPair(t, Options{Faulty: Faulty{NewKeyPerAttempt: true}}, 1)
	crasher := p.Subject.(harness.Crasher)
	attempts := func() []harness.Attempt {
		p.witness.mu.Lock()
		defer p.witness.mu.Unlock()
		return slices.Clone(p.witness.attempts)
	}
	require.NoError(t, crasher.Crash(harness.Server))
	require.NoError(t, p.press(0, "p1", "o1"))
	require.Eventually(t, func() bool { return len(attempts()) > 0 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, crasher.Restart(t.Context(), harness.Server))
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p1"))
	all := attempts()
	require.True(t, all[0].NoConnection)
	require.NotEmpty(t, all[0].Error)
	require.False(t, all[len(all)-1].NoConnection)
}

func TestFaultyBankLoses(t *testing.T) {
	p := startPair(t, Options{Faulty: Faulty{AnswerBeforeCommit: true}}, 1)
	crasher := p.Subject.(harness.Crasher)
	require.NoError(t, p.press(0, "p1", "o1"))
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p1"))
	require.NoError(t, crasher.Crash(harness.Server))
	require.NoError(t, crasher.Restart(t.Context(), harness.Server))
	require.Empty(t, p.postings()["o1"])
}

func TestFaultyBankBooksLate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the fault")
	}
	p := startPair(t, Options{Faulty: Faulty{AnswerBeforeCommit: true}}, 1)
	require.NoError(t, p.press(0, "p1", "o1"))
	require.Equal(t, harness.Confirmed, p.witness.final(t, "p1"))
	require.Len(t, p.postings()["o1"], 1)
}

func TestManyWallets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const wallets = 1000
	before := inUse()
	p := startPair(t, Options{}, wallets)
	for i := range wallets {
		require.NoError(t, p.press(i, fmt.Sprint("p", i), fmt.Sprint("o", i)))
	}
	for i := range wallets {
		require.Equal(t, harness.Confirmed, p.witness.final(t, fmt.Sprint("p", i)))
	}
	require.Len(t, p.postings(), wallets)
	per := (inUse() - before) / wallets
	t.Logf("%d bytes of heap and stacks a wallet with its connection, both ends", per)
	require.Less(t, per, uint64(300<<10))
}

// inUse returns the bytes of heap and stacks in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// BenchmarkPay measures a payment from the press to the confirmation: three
// commits of the wallet's queue, one of the bank's ledger, and a round trip over
// loopback TCP on an open connection.
func BenchmarkPay(b *testing.B) {
	for _, wallets := range []int{1, 64} {
		b.Run(fmt.Sprintf("wallets=%d", wallets), func(b *testing.B) {
			p := startPair(b, Options{}, wallets)
			b.ReportAllocs()
			var wg sync.WaitGroup
			b.ResetTimer()
			for i := range wallets {
				wg.Go(func() {
					for n := i; n < b.N; n += wallets {
						id := fmt.Sprint(n)
						hp := harness.Payment{
							ID: "p" + id, Order: "o" + id, Payee: "m0", Amount: 1, Currency: "KES",
						}
						if err := p.Payer(i).Pay(b.Context(), hp); err != nil {
							b.Error(err)
							return
						}
						p.witness.final(b, hp.ID)
					}
				})
			}
			wg.Wait()
		})
	}
}
