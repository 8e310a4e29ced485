package httpapi_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/sut"
)

func TestLedger(t *testing.T) {
	s := newShop(t)
	s.bookings = []booking{{ID: "old", Ref: "p1", Amount: 7, From: "w0", To: "m0"}}
	env, _ := environment(s.Listener.Addr().String())
	client, ledger := httpapi.NewClient(described(), "."), httpapi.NewLedger(bookings(), ".")
	require.NoError(t, client.Start(t.Context(), env))
	defer client.Close()
	require.NoError(t, ledger.Open(t.Context(), env))
	defer ledger.Close()
	for n := 1; n <= 5; n++ {
		pay(t, env, client, payment(n))
	}
	s.bookings = append(s.bookings, booking{ID: "foreign", Ref: "zz", Amount: 9, From: "acct_w1", To: "m9"})
	got, err := ledger.Read(t.Context(), env)
	require.NoError(t, err)
	want := []harness.Posting{}
	for n := 1; n <= 5; n++ {
		p := payment(n)
		want = append(want, harness.Posting{ID: fmt.Sprintf("b%d", n+1), Payment: p.ID, Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: "KES"})
	}
	want = append(want, harness.Posting{ID: "foreign", Payment: "zz", Payer: "w1", Payee: "m9", Amount: 9, Currency: "KES"})
	require.Equal(t, want, got.Postings, "without what was there before the run, over several pages, in the words of the scenario")
	require.Equal(t, []string{"bookings were matched to payments by item.ref"}, ledger.Notes())
}

func TestLedgerMatchesByKeyOrderOrAmount(t *testing.T) {
	for name, tc := range map[string]struct {
		fields  sut.HTTPFields
		presses []harness.Payment
		booking booking
		want    harness.Posting
		err     string
		notes   int
	}{
		"by key": {
			fields:  sut.HTTPFields{ID: "item.id", Amount: "item.amount", Payment: "item.ref"},
			booking: booking{ID: "b", Ref: "the key", Amount: 101},
			want:    harness.Posting{ID: "b", Payment: "p1", Payer: "w1", Payee: "m0", Amount: 101, Currency: "KES"}, notes: 2,
		},
		"by order": {
			fields:  sut.HTTPFields{ID: "item.id", Amount: "item.amount", Order: "item.ref", Payer: "item.from"},
			booking: booking{ID: "b", Ref: "o1", Amount: 101, From: "w1"},
			want:    harness.Posting{ID: "b", Order: "o1", Payer: "w1", Payee: "m0", Amount: 101, Currency: "KES"}, notes: 2,
		},
		"by amount": {
			fields:  sut.HTTPFields{ID: "item.id", Amount: "item.amount"},
			booking: booking{ID: "b", Amount: 101},
			want:    harness.Posting{ID: "b", Order: "o1", Payer: "w1", Payee: "m0", Amount: 101, Currency: "KES"}, notes: 2,
		},
		"by amount, of an order pressed twice": {
			fields:  sut.HTTPFields{ID: "item.id", Amount: "item.amount"},
			presses: []harness.Payment{{ID: "p1.2", Order: "o1", Amount: 101, Currency: "KES", Payer: "w1", Payee: "m0"}},
			booking: booking{ID: "b", Amount: 101},
			want:    harness.Posting{ID: "b", Order: "o1", Payer: "w1", Payee: "m0", Amount: 101, Currency: "KES"}, notes: 2,
		},
		"by an amount that two have": {
			fields:  sut.HTTPFields{ID: "item.id", Amount: "item.amount"},
			presses: []harness.Payment{{ID: "p7", Order: "o7", Amount: 101, Currency: "KES"}},
			booking: booking{ID: "b", Amount: 101},
			err:     "posting b names no payment and no order, and several orders are of 1.01 KES: have the ledger give the key of the payment, or let amounts differ",
			notes:   2,
		},
		"by an amount that nobody has": {
			fields:  sut.HTTPFields{ID: "item.id", Amount: "item.amount"},
			booking: booking{ID: "b", Amount: 1},
			want:    harness.Posting{ID: "b", Amount: 1, Currency: "KES"}, notes: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			env, _ := environment(s.Listener.Addr().String())
			config := bookings()
			config.Fields = tc.fields
			ledger := httpapi.NewLedger(config, ".")
			require.NoError(t, ledger.Open(t.Context(), env))
			defer ledger.Close()
			env.Asked.Add(payment(1))
			env.Asked.Called("p1", "the key")
			for _, p := range tc.presses {
				env.Asked.Add(p)
			}
			s.bookings = []booking{tc.booking}
			got, err := ledger.Read(t.Context(), env)
			require.Len(t, ledger.Notes(), tc.notes)
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []harness.Posting{tc.want}, got.Postings)
		})
	}
}

// lists serves pages by path.
func lists(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestLedgersThatCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		pages map[string]string
		want  string
	}{
		"HTML":        {map[string]string{"/bookings": "<html>"}, "page 1 of the ledger, GET /bookings: the answer is no JSON (text/html; charset=utf-8): is this the API? check url and path; it says: <html>"},
		"not there":   {nil, "page 1 of the ledger, GET /bookings: the answer is HTTP 404: check url and path; it says: 404 page not found"},
		"no list":     {map[string]string{"/bookings": `{"data": 1}`}, `page 1 of the ledger, GET /bookings: items: body.data is 1 and no list; it says: {"data": 1}`},
		"a circle":    {map[string]string{"/bookings": `{"data": [], "next": "/bookings"}`}, "page 1 of the ledger leads back to /bookings, which was read already; check next"},
		"no such row": {map[string]string{"/bookings": `{"data": [{"id": 1}]}`}, "page 1 of the ledger, item 1: fields: amount: item.amount: is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			env, _ := environment(lists(t, tc.pages))
			ledger := httpapi.NewLedger(bookings(), ".")
			defer ledger.Close()
			require.EqualError(t, ledger.Open(t.Context(), env), tc.want)
			_, err := ledger.Read(t.Context(), env)
			require.Error(t, err, "never an empty ledger")
		})
	}
}

func TestABookingThatSlidesCountsOnce(t *testing.T) {
	env, _ := environment(lists(t, map[string]string{
		"/bookings":   `{"data": [{"id": 1, "amount": 5}, {"id": 2, "amount": 6}], "next": "/bookings?2"}`,
		"/bookings?2": `{"data": [{"id": 2, "amount": 6}, {"id": 3, "amount": 7}], "next": null}`,
	}))
	config := bookings()
	config.Fields = sut.HTTPFields{ID: "item.id", Amount: "item.amount"}
	config.Where = "item.amount > 5"
	ledger := httpapi.NewLedger(config, ".")
	require.NoError(t, ledger.Open(t.Context(), env))
	defer ledger.Close()
	got, err := ledger.Read(t.Context(), env)
	require.NoError(t, err)
	require.Empty(t, got.Postings, "all of it was there before")
}

// Two items of one id are a wrong fields.id, or a server that lists a booking twice:
// never one booking. The last case is that of a booking that changes while it moves to
// the next page: the list is read again.
func TestItemsOfOneID(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second, balances string // pages
		again                   string // the second page when it is read again; empty is the same
		want                    string // the error; empty is none
	}{
		"on one page": {
			first: `[{"id": "p1", "amount": 5, "own": 1}, {"id": "p1", "amount": 5, "own": 2}]`,
			want:  `page 1 of the ledger lists a booking of id "p1" twice; give fields.id what is different for each booking, or leave one out with where`,
		},
		"the same on one page": {
			first: `[{"id": "p1", "amount": 5}, {"id": "p1", "amount": 5}]`,
			want:  `page 1 of the ledger lists a booking of id "p1" twice; give fields.id what is different for each booking, or leave one out with where`,
		},
		"another on the next page": {
			first: `[{"id": "p1", "amount": 5, "own": 1}]`, second: `[{"id": "p1", "amount": 5, "own": 2}]`,
			want: `pages 1 and 2 of the ledger list a booking of id "p1" with different content; give fields.id what is different for each booking, or leave one out with where`,
		},
		"one of them left out":       {first: `[{"id": "p1", "amount": 5}, {"id": "p1", "amount": 5, "refund": true}]`},
		"it slides":                  {first: `[{"id": "p1", "amount": 5}]`, second: `[{"id": "p1", "amount": 5}]`},
		"it changes while it slides": {first: `[{"id": "p1", "amount": 5}]`, second: `[{"id": "p1", "amount": 5, "state": "done"}]`, again: `[]`},
		"an account twice": {
			first: `[{"id": "p1", "amount": 5}]`, balances: `[{"name": "w0", "cents": 1}, {"name": "w0", "cents": 2}]`,
			want: `page 1 of the balances lists an account "w0" twice; the list must have each account once`,
		},
		"a foreign account twice": {first: `[{"id": "p1", "amount": 5}]`, balances: `[{"name": "x", "cents": 1}, {"name": "x", "cents": 2}]`},
	} {
		t.Run(name, func(t *testing.T) {
			reads := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				page := `{"data": ` + cmp.Or(tc.balances, "[]") + `}`
				switch r.URL.RequestURI() {
				case "/bookings":
					page = `{"data": ` + tc.first + `, "next": "/bookings?2"}`
				case "/bookings?2":
					second := cmp.Or(tc.second, "[]")
					if reads++; reads > 1 {
						second = cmp.Or(tc.again, second)
					}
					page = `{"data": ` + second + `}`
				}
				_, _ = io.WriteString(w, page)
			}))
			defer s.Close()
			env, _ := environment(s.Listener.Addr().String())
			config := bookings()
			config.Fields, config.Where = sut.HTTPFields{ID: "item.id", Amount: "item.amount"}, "item.refund != true"
			config.Balances = &sut.HTTPBalances{Path: "/balances", Items: "body.data", Account: "item.name", Amount: "item.cents"}
			ledger := httpapi.NewLedger(config, ".")
			defer ledger.Close()
			err := ledger.Open(t.Context(), env)
			if tc.want != "" {
				require.EqualError(t, err, tc.want)
				return
			}
			require.NoError(t, err)
			got, err := ledger.Read(t.Context(), env)
			require.NoError(t, err)
			require.Empty(t, got.Postings, "it was there before")
		})
	}
}

// Balances may have pages, as bookings have.
func TestBalancesInPages(t *testing.T) {
	env, _ := environment(lists(t, map[string]string{
		"/bookings":          `{"data": []}`,
		"/balances":          `{"data": [{"name": "w0", "cents": 1}, {"name": "fees", "cents": 9}], "more": true}`,
		"/balances?offset=2": `{"data": [{"name": "w0", "cents": 1}, {"name": "m0", "cents": 3}], "more": true}`,
		"/balances?offset=4": `{"data": [{"name": "w1", "cents": 2}], "more": false}`,
	}))
	config := bookings()
	config.Balances = &sut.HTTPBalances{
		Path: "/balances", Items: "body.data", Account: "item.name", Amount: "item.cents",
		Next: `body.more ? "/balances?offset=" + string(offset + len(items)) : ""`,
	}
	ledger := httpapi.NewLedger(config, ".")
	defer ledger.Close()
	require.NoError(t, ledger.Open(t.Context(), env))
	got, err := ledger.Read(t.Context(), env)
	require.NoError(t, err)
	require.Equal(t, []harness.Balance{
		{Account: "w0", Currency: "KES", Opening: 1, Closing: 1},
		{Account: "m0", Currency: "KES", Opening: 3, Closing: 3},
		{Account: "w1", Currency: "KES", Opening: 2, Closing: 2},
	}, got.Balances)
}

// With several currencies each account is set up in its own, with an opening balance that is
// enough in it, and has its balance in it.
func TestSeveralCurrencies(t *testing.T) {
	var mu sync.Mutex
	var setup []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.URL.Path {
		case "/accounts":
			body, _ := io.ReadAll(r.Body)
			setup = append(setup, string(body))
		case "/bookings":
			fmt.Fprint(w, `{"data": []}`)
		default:
			fmt.Fprint(w, `{"data": [{"name": "w0", "major": "1.50"}, {"name": "w1", "major": "150"}, {"name": "m1", "major": "7"}]}`)
		}
	}))
	defer s.Close()
	env, _ := environment(s.Listener.Addr().String())
	env.Workload.Merchants, env.Workload.Others = 2, []harness.Price{{Min: 1, Max: 5000, Currency: "JPY"}}
	config := described()
	request := sut.HTTPRequest{Path: "/accounts", Body: "{{ account }} {{ currency }} {{ balance }} {{ balance_major }}"}
	config.Setup = []sut.HTTPSetup{{For: "wallet", HTTPRequest: request}, {For: "merchant", HTTPRequest: request}}
	client := httpapi.NewClient(config, ".")
	require.NoError(t, client.Start(t.Context(), env))
	defer client.Close()
	require.Equal(t, []string{"w0 KES 9000 90.00", "w1 JPY 50000 50000", "m0 KES 0 0.00", "m1 JPY 0 0"}, setup)

	described := bookings()
	described.Balances = &sut.HTTPBalances{Path: "/balances", Items: "body.data", Account: "item.name", Major: "item.major"}
	require.ErrorContains(t, httpapi.NewLedger(described, ".").Open(t.Context(), env),
		"ledger.http.fields has no currency, and the workload has several (KES, JPY): say where an item has its own")
	described.Fields.Currency = "item.currency"
	ledger := httpapi.NewLedger(described, ".")
	require.NoError(t, ledger.Open(t.Context(), env))
	defer ledger.Close()
	got, err := ledger.Read(t.Context(), env)
	require.NoError(t, err)
	require.ElementsMatch(t, []harness.Balance{
		{Account: "w0", Currency: "KES", Opening: 150, Closing: 150},
		{Account: "w1", Currency: "JPY", Opening: 150, Closing: 150},
		{Account: "m1", Currency: "JPY", Opening: 7, Closing: 7},
	}, got.Balances)
}

func TestBalances(t *testing.T) {
	held := map[string]any{"w0": 100, "w1": 200, "m0": 0, "fees": 3}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all []map[string]any
		if r.URL.Path == "/balances" {
			for _, name := range []string{"w0", "w1", "m0", "fees"} {
				all = append(all, map[string]any{"name": "x" + name, "cents": held[name]})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": append([]map[string]any{}, all...)})
	}))
	defer s.Close()
	env, _ := environment(s.Listener.Addr().String())
	for _, name := range []string{"w0", "w1", "m0"} {
		env.Accounts.Name(name, "x"+name)
	}
	config := bookings()
	config.Balances = &sut.HTTPBalances{Path: "/balances", Items: "body.data", Account: "item.name", Amount: "item.cents"}
	ledger := httpapi.NewLedger(config, ".")
	require.NoError(t, ledger.Open(t.Context(), env))
	defer ledger.Close()
	held["w0"], held["m0"] = 70, 30
	got, err := ledger.Read(t.Context(), env)
	require.NoError(t, err)
	require.ElementsMatch(t, []harness.Balance{
		{Account: "w0", Currency: "KES", Opening: 100, Closing: 70},
		{Account: "w1", Currency: "KES", Opening: 200, Closing: 200},
		{Account: "m0", Currency: "KES", Opening: 0, Closing: 30},
	}, got.Balances)
}
