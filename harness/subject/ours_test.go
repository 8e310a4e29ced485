package subject_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
)

func TestReading(t *testing.T) {
	env := &subject.Env{Accounts: &subject.Accounts{}, Asked: &subject.Asked{}}
	env.Accounts.Name("w0", "alice")
	env.Asked.Called("p1", "key-1")
	old := harness.Posting{ID: "1", Payment: "older", Payer: "bob", Payee: "m0", Amount: 7, Currency: "KES"}
	balance := func(account string, opening, closing int64) harness.Balance {
		return harness.Balance{Account: account, Currency: "KES", Opening: opening, Closing: closing}
	}
	var r subject.Reading
	r.Open(harness.Ledger{Postings: []harness.Posting{old}, Balances: []harness.Balance{balance("alice", 0, 1000)}})
	got, err := r.Of(harness.Ledger{
		Postings: []harness.Posting{old, {ID: "2", Payment: "key-1", Payer: "alice", Payee: "m0", Amount: 250, Currency: "KES"}},
		Balances: []harness.Balance{balance("alice", 0, 750), balance("m0", 0, 250)},
	}, env)
	require.NoError(t, err)
	require.Equal(t, harness.Ledger{
		Postings: []harness.Posting{{ID: "2", Payment: "p1", Payer: "w0", Payee: "m0", Amount: 250, Currency: "KES"}},
		Balances: []harness.Balance{balance("w0", 1000, 750), balance("m0", 0, 250)},
	}, got)
	require.Empty(t, r.Notes())
}

// A payment of an earlier run that is booked now was booked late, or is booked again.
func TestReadingOfEarlierRuns(t *testing.T) {
	env := &subject.Env{Accounts: &subject.Accounts{}, Asked: &subject.Asked{}}
	env.Asked.Add(harness.Payment{ID: "p1"})
	env.Asked.Called("p1", "key-1")
	var r subject.Reading
	r.Open(harness.Ledger{Postings: []harness.Posting{{ID: "1", Payment: "1a2b3c4d-p1"}, {ID: "2", Payment: "key-1"}, {ID: "3"}}})
	got, err := r.Of(harness.Ledger{Postings: []harness.Posting{
		{ID: "4", Payment: "1a2b3c4d-p1"}, {ID: "5", Payment: "1a2b3c4d-p2"}, {ID: "6", Payment: "key-1"}, {ID: "7"},
	}}, env)
	require.NoError(t, err)
	require.Equal(t, []harness.Posting{
		{ID: "4", Payment: "1a2b3c4d-p1", Again: true}, {ID: "5", Payment: "1a2b3c4d-p2"}, {ID: "6", Payment: "p1"}, {ID: "7"},
	}, got.Postings)
}

// Wallets to which the server gives one account are one account: no posting is altered
// because another wallet was named last, and there is one balance for all of them.
func TestReadingOfASharedAccount(t *testing.T) {
	env := &subject.Env{Accounts: &subject.Accounts{}, Asked: &subject.Asked{}, Workload: harness.Workload{Wallets: 3, Merchants: 1}}
	for _, w := range []string{"w0", "w1", "w2"} {
		env.Accounts.Name(w, "acct_1")
	}
	env.Accounts.Name("m0", "shop")
	for i, w := range []string{"w0", "w1", "w2"} {
		env.Asked.Add(harness.Payment{ID: fmt.Sprintf("p%d", i), Order: fmt.Sprintf("o%d", i), Payer: w, Payee: "m0", Amount: int64(100 + i), Currency: "KES"})
	}
	var r subject.Reading
	got, err := r.Of(harness.Ledger{
		Postings: []harness.Posting{
			{ID: "1", Payment: "p0", Payer: "acct_1", Payee: "shop", Amount: 100, Currency: "KES"},
			{ID: "2", Order: "o1", Payer: "acct_1", Payee: "shop", Amount: 101, Currency: "KES"},
			{ID: "3", Payment: "p2", Payer: "acct_2", Payee: "shop", Amount: 102, Currency: "KES"},
			{ID: "4", Payment: "zz", Payer: "acct_1", Payee: "shop", Amount: 9, Currency: "KES"},
		},
		Balances: []harness.Balance{{Account: "acct_1", Currency: "KES", Closing: 5}, {Account: "shop", Currency: "KES", Closing: 6}},
	}, env)
	require.NoError(t, err)
	var payers []string
	for _, p := range got.Postings {
		payers = append(payers, p.Payer)
	}
	require.Equal(t, []string{"w0", "w1", "acct_2", "w0"}, payers, "the payer that was asked for, if that is the account")
	require.Equal(t, []harness.Balance{
		{Account: "w0", Shared: []string{"w1", "w2"}, Currency: "KES", Closing: 5},
		{Account: "m0", Currency: "KES", Closing: 6},
	}, got.Balances)
	require.Equal(t, []string{"3 accounts, such as w0 and w1, are one account of the server, acct_1: which of them a booking is for was judged by its payment"}, r.Notes())
}

// An account that is named again, as after a restart, is not shared.
func TestAnAccountThatIsNamedAgain(t *testing.T) {
	var a subject.Accounts
	a.Name("w0", "alice")
	a.Name("w1", "alice")
	a.Name("w0", "alice")
	require.Equal(t, []string{"w0", "w1"}, a.Ours("alice"))
	a.Name("w1", "bob")
	require.Equal(t, []string{"w0"}, a.Ours("alice"))
	require.Equal(t, []string{"w1"}, a.Ours("bob"))
	require.Equal(t, []string{"eve"}, a.Ours("eve"))
	require.Empty(t, a.Shared())
}

// A ledger that states no floor: an account of the scenario may not be overdrawn, and
// all others have none, such as the account that money comes from.
func TestFloorsThatTheLedgerDoesNotState(t *testing.T) {
	env := &subject.Env{Accounts: &subject.Accounts{}, Asked: &subject.Asked{}, Workload: harness.Workload{Wallets: 2, Merchants: 1}}
	env.Accounts.Name("w1", "alice")
	before := map[string]int64{"w0": 0, "alice": 0, "m0": -100, "world": -5000, "w2": 0, "wx": 0, "": 0}
	want := map[string]bool{"w0": false, "w1": false, "m0": true, "world": true, "w2": true, "wx": true, "": true}
	var open, after harness.Ledger
	for name, balance := range before {
		open.Balances = append(open.Balances, harness.Balance{Account: name, Closing: balance, NoFloor: true})
		after.Balances = append(after.Balances, harness.Balance{Account: name, Closing: balance - 1, NoFloor: true})
	}
	after.Balances = append(after.Balances, harness.Balance{Account: "fees", Floor: 0})
	want["fees"] = false
	var r subject.Reading
	r.Open(open)
	got, err := r.Of(after, env)
	require.NoError(t, err)
	none := map[string]bool{}
	for _, b := range got.Balances {
		none[b.Account] = b.NoFloor
	}
	require.Equal(t, want, none)
}

func TestReadingByAmount(t *testing.T) {
	asked := &subject.Asked{}
	for _, p := range []harness.Payment{
		{ID: "p1", Order: "o1", Amount: 100, Currency: "KES"},
		{ID: "p1.2", Order: "o1", Amount: 100, Currency: "KES"},
		{ID: "p2", Order: "o2", Amount: 200, Currency: "KES"},
		{ID: "p3", Order: "o3", Amount: 200, Currency: "KES"},
	} {
		asked.Add(p)
	}
	env := &subject.Env{Accounts: &subject.Accounts{}, Asked: asked}
	var r subject.Reading
	got, err := r.Of(harness.Ledger{Postings: []harness.Posting{
		{ID: "1", Amount: 100, Currency: "KES"}, {ID: "2", Amount: 100, Currency: "KES"}, {ID: "3", Amount: 300, Currency: "KES"},
	}}, env)
	require.NoError(t, err)
	require.Equal(t, []string{"o1", "o1", ""}, []string{got.Postings[0].Order, got.Postings[1].Order, got.Postings[2].Order})
	require.Len(t, r.Notes(), 1)
	_, err = r.Of(harness.Ledger{Postings: []harness.Posting{{ID: "9", Amount: 200, Currency: "KES"}}}, env)
	require.ErrorContains(t, err, "posting 9 names no payment and no order, and several orders are of 2 KES")
	got, err = r.Of(harness.Ledger{}, env)
	require.NoError(t, err)
	require.Zero(t, got)
	require.Empty(t, r.Notes(), "nothing was matched")
}
