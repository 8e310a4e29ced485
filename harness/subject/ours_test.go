package subject_test

import (
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
