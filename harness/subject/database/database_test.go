package database_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/database"
	"github.com/onebar/onebar/harness/subject/database/postgrestest"
	"github.com/onebar/onebar/harness/sut"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const all = "SELECT id, ref AS payment, src AS payer, dst AS payee, cents AS amount, 'KES' AS currency FROM bookings ORDER BY id"

// tables makes a database with three bookings.
func tables(t *testing.T, driver, dsn string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, s := range []string{
		"CREATE TABLE bookings (id INTEGER PRIMARY KEY, ref TEXT, src TEXT, dst TEXT, cents NUMERIC)",
		"INSERT INTO bookings VALUES (1, 'key-1', 'alice', 'shop', 250), (2, 'p2', 'w1', 'm0', 1.0), (3, NULL, 'w1', 'm0', 12)",
		"CREATE TABLE accounts (name TEXT, now NUMERIC)",
		"INSERT INTO accounts VALUES ('alice', 750)",
	} {
		_, err := db.Exec(s)
		require.NoError(t, err)
	}
}

// env is a run whose server calls wallet 0 alice and payment p1 key-1.
func env(dir string) *subject.Env {
	e := &subject.Env{Dir: dir, Server: "127.0.0.1:1", Beside: map[string]string{"db": "127.0.0.1:2"}, Accounts: &subject.Accounts{}, Asked: &subject.Asked{}}
	e.Accounts.Name("w0", "alice")
	e.Accounts.Name("m0", "shop")
	e.Asked.Called("p1", "key-1")
	return e
}

func want() harness.Ledger {
	return harness.Ledger{
		Postings: []harness.Posting{
			{ID: "1", Payment: "p1", Payer: "w0", Payee: "m0", Amount: 250, Currency: "KES"},
			{ID: "2", Payment: "p2", Payer: "w1", Payee: "m0", Amount: 1, Currency: "KES"},
			{ID: "3", Payer: "w1", Payee: "m0", Amount: 12, Currency: "KES"},
		},
		Balances: []harness.Balance{{Account: "w0", Currency: "KES", Closing: 750}},
	}
}

const balances = "SELECT name AS account, 'KES' AS currency, now AS BALANCE, 0 AS floor FROM accounts"

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	tables(t, "sqlite3", "file:"+filepath.Join(dir, "bank.db"))
	for _, dsn := range []string{"{{dir}}/bank.db", "file:{{dir}}/bank.db", "file:{{dir}}/bank.db?_pragma=query_only(1)"} {
		l := database.NewLedger(sut.SQL{Driver: "sqlite", DSN: dsn, Query: all, Balances: balances})
		got, err := l.Read(t.Context(), env(dir))
		require.NoError(t, err, dsn)
		require.Equal(t, want(), got, dsn)
		require.NoError(t, l.Close())

		require.NoError(t, l.Open(t.Context(), env(dir)))
		got, err = l.Read(t.Context(), env(dir))
		require.NoError(t, err)
		require.Equal(t, harness.Ledger{Balances: []harness.Balance{{Account: "w0", Currency: "KES", Opening: 750, Closing: 750}}}, got, "the run has booked nothing")
	}
}

func TestPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	server := postgrestest.Start(t)
	t.Setenv("ONEBAR_TEST_PASSWORD", server.Password)
	dsn := server.DSN("127.0.0.1")
	tables(t, "pgx", dsn)
	read := func(c sut.SQL) (harness.Ledger, error) {
		c.Driver = "postgres"
		return database.NewLedger(c).Read(t.Context(), env(""))
	}
	got, err := read(sut.SQL{DSN: dsn, Query: all, Balances: balances})
	require.NoError(t, err)
	require.Equal(t, want(), got)

	_, err = read(sut.SQL{DSN: dsn, Query: "WITH gone AS (DELETE FROM bookings RETURNING id) SELECT id FROM gone"})
	require.ErrorContains(t, err, "read-only transaction")

	wrong := server
	wrong.Password = "${ONEBAR_TEST_PASSWORD}x"
	_, err = read(sut.SQL{DSN: wrong.DSN("127.0.0.1"), Query: all})
	require.ErrorContains(t, err, "password authentication failed")
	require.NotContains(t, err.Error(), server.Password)
}

func TestWrong(t *testing.T) {
	dir := t.TempDir()
	tables(t, "sqlite3", "file:"+filepath.Join(dir, "bank.db"))
	t.Setenv("ONEBAR_TEST_PASSWORD", "s3cret")
	good := sut.SQL{Driver: "sqlite", DSN: "{{dir}}/bank.db", Query: all}
	for name, tc := range map[string]struct {
		change func(*sut.SQL)
		want   string
	}{
		"no such file":     {func(c *sut.SQL) { c.DSN = "{{dir}}/bonk.db" }, "sqlite: reach the database"},
		"no such variable": {func(c *sut.SQL) { c.DSN = "${ONEBAR_TEST_NONE}" }, "the dsn: the environment has no variable ONEBAR_TEST_NONE"},
		"no such word":     {func(c *sut.SQL) { c.DSN = "{{dire}}" }, "{{dire}} is not defined here"},
		"no such table":    {func(c *sut.SQL) { c.Query = "SELECT * FROM booking" }, "query: sqlite3: SQL logic error: no such table: booking"},
		"columns missing":  {func(c *sut.SQL) { c.Query = "SELECT id, src AS payer, dst AS payee FROM bookings" }, "query: it gives the columns id, payer, payee, and amount and currency are missing: name them with AS"},
		"one missing": {func(c *sut.SQL) {
			c.Balances = "SELECT name AS account, now AS balance FROM accounts"
		}, "balances: it gives the columns account, balance, and currency is missing"},
		"a column twice":    {func(c *sut.SQL) { c.Query = "SELECT *, 1 AS id FROM (" + all + ")" }, "the column id twice"},
		"a column too much": {func(c *sut.SQL) { c.Query = "SELECT *, 1 AS memo FROM (" + all + ")" }, "a column memo, which means nothing here; it may give id, payer, payee, amount, currency and payment, order"},
		"null": {func(c *sut.SQL) {
			c.Query = "SELECT id, payment, NULL AS payer, payee, amount, currency FROM (" + all + ")"
		}, "query: row 1: payer is null"},
		"a fraction": {func(c *sut.SQL) {
			c.Query = "SELECT id, payment, payer, payee, amount / 4.0 AS amount, currency FROM (" + all + ")"
		}, `row 1: amount "62.5" is no whole number of minor units`},
		"a word": {func(c *sut.SQL) {
			c.Balances = "SELECT name AS account, 'KES' AS currency, 'much' AS balance FROM accounts"
		}, `row 1: balance "much" is no whole number`},
		"a write": {func(c *sut.SQL) {
			c.Query = "DELETE FROM bookings RETURNING id, ref AS payment, src AS payer, dst AS payee, cents AS amount, src AS currency"
		}, "readonly"},
		"nobody there": {func(c *sut.SQL) {
			c.Driver, c.DSN = "mysql", "user:${ONEBAR_TEST_PASSWORD}@tcp(127.0.0.1:1)/shop"
		}, "mysql: reach the database: dial tcp 127.0.0.1:1: connect: connection refused"},
		"a dsn of no meaning": {func(c *sut.SQL) { c.Driver, c.DSN = "mysql", "${ONEBAR_TEST_PASSWORD}" }, "mysql: read the dsn: invalid DSN"},
		"postgres is silent": {func(c *sut.SQL) {
			c.Driver, c.DSN = "postgres", "postgres://u:${ONEBAR_TEST_PASSWORD}@127.0.0.1:1/x"
		}, "postgres: reach the database"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			tc.change(&c)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, err := database.NewLedger(c).Read(ctx, env(dir))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "s3cret")
			require.Zero(t, got)
		})
	}
	got, err := database.NewLedger(good).Read(t.Context(), env(dir))
	require.NoError(t, err)
	require.Len(t, got.Postings, 3, "nothing was deleted")
}
