package reference

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/wallet"
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

// quick is a pace for links without delay, so that tests need not wait.
var quick = wallet.Pace{
	Base: 20 * time.Millisecond, Cap: 200 * time.Millisecond,
	First: 500 * time.Millisecond, Least: 300 * time.Millisecond, Most: time.Second,
}

func startPair(t testing.TB, o Options, wallets int) *pair {
	t.Helper()
	p := &pair{
		Subject: New(o), t: t, net: &loopback{}, witness: newWitness(),
		start: time.Now(), pressed: map[string]harness.Payment{},
	}
	err := p.Start(t.Context(), harness.Env{
		Network: p.net, Seed: 7, Start: p.start, Dir: t.TempDir(), Observer: p.witness, Log: slog.New(slog.DiscardHandler),
		Workload: harness.Workload{
			Wallets: wallets, Merchants: 2, Payments: 1000, AmountMin: 1, AmountMax: 1000, Currency: "KES", Attempts: 30,
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
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
