package exchange

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/sut"
)

// FuzzLedgerPage reads any page of a list: an item that cannot be read is an error
// without a booking, and what is read is a whole booking.
func FuzzLedgerPage(f *testing.F) {
	for _, s := range []string{
		`{"data": [{"id": "b1", "amount": "12.50", "from": "a", "to": "b", "ref": "p1"}], "next": "/more?after=b1"}`,
		`{"data": [{"id": 7, "amount": 1e3, "currency": "jpy", "kind": "payment"}]}`,
		`{"data": [{"id": "x", "amount": "1e-400000000"}, null, [], 5], "next": {}}`,
		`{"data": null}`, `{"data": {}}`, `[]`, `null`, ``, `{"data": [{"id": null}], "next": 5}`,
	} {
		f.Add([]byte(s), 200, "application/json", "")
	}
	f.Add([]byte(`<html>`), 302, "text/html", "https://elsewhere.example/?token=secret")
	l, problems := NewLedger(sut.HTTPLedger{
		Path: "/bookings", Items: "body.data", Where: `item.kind != "fee"`, Next: `body.next ?? link(headers, "next")`,
		Fields: sut.HTTPFields{
			ID: "item.id", Major: "item.amount", Currency: "item.currency", Payer: "item.from", Payee: "item.to",
			Payment: "item.ref", Order: "item.order",
		},
		Balances: &sut.HTTPBalances{Path: "/accounts", Items: "body.data", Next: "body.next", Account: "item.id", Amount: "item.amount"},
	}, "127.0.0.1:1", nil)
	require.Empty(f, problems)
	f.Fuzz(func(t *testing.T, body []byte, status int, kind, location string) {
		a := Answer{Status: status, Header: map[string][]string{"Content-Type": {kind}, "Location": {location}, "Link": {location}}, Body: body}
		items, next, err := l.Bookings.Page(a, Page{Number: 1}, Vars{})
		if err != nil {
			require.Empty(t, items)
			require.Empty(t, next)
		}
		if next != "" {
			// A path that is no URL is an error, too.
			if req, err := l.Bookings.Next(next).Make(t.Context(), Vars{}); err == nil {
				require.Contains(t, []string{"http", "https"}, req.URL.Scheme)
			}
		}
		for _, item := range items {
			p, is, err := l.Posting(item, "KES", Vars{})
			require.False(t, is && err != nil)
			if is {
				require.NotEmpty(t, p.ID)
				require.Less(t, p.Amount, int64(math.MaxInt64))
			}
			_ = l.Lacks(item, Vars{})
		}
		accounts, more, err := l.Balances.Page(a, Page{Number: 1}, Vars{})
		if err != nil {
			require.Empty(t, accounts)
			require.Empty(t, more)
		}
		for _, item := range accounts {
			if name, err := l.Account(item, Vars{}); err != nil {
				require.Empty(t, name)
			}
			if minor, err := l.Balance(item, "KES", Vars{}); err != nil {
				require.Zero(t, minor)
			}
		}
	})
}
