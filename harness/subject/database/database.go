// Package database reads the ledger of an external server from its database, by a
// query in a read-only transaction. It is the only package that knows database drivers.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"       // driver mysql
	_ "github.com/jackc/pgx/v5/stdlib"       // driver pgx
	_ "github.com/ncruces/go-sqlite3/driver" // driver sqlite3

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/secrets"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// Ledger is a query to a database. It is a subject.Ledger, a subject.Opener and a
// harness.Noter.
type Ledger struct {
	config sut.SQL
	subject.Whole
}

// NewLedger returns a ledger. Only Open and Read connect to the database.
func NewLedger(c sut.SQL) *Ledger {
	l := &Ledger{config: c}
	l.All = l.all
	return l
}

// readWithin is the time limit for reading a ledger.
const readWithin = 2 * time.Minute

// all returns what the database holds, with the server's names for accounts and
// payments.
func (l *Ledger) all(ctx context.Context, env *subject.Env) (harness.Ledger, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	words := map[string]string{"server": env.Server, "dir": env.Dir}
	maps.Copy(words, env.Beside)
	dsn, err := subject.Expand(l.config.DSN, words)
	if err != nil {
		return harness.Ledger{}, fmt.Errorf("the dsn: %w", err)
	}
	ledger, err := l.read(ctx, dsn)
	if err != nil {
		return harness.Ledger{}, fmt.Errorf("%s: %w", l.config.Driver, hidden(err, dsn, l.config.DSN))
	}
	return ledger, nil
}

func (l *Ledger) read(ctx context.Context, dsn string) (ledger harness.Ledger, err error) {
	driver, dsn := driverOf(l.config.Driver, dsn)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return ledger, fmt.Errorf("read the dsn: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return ledger, fmt.Errorf("reach the database: %w", err)
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return ledger, fmt.Errorf("begin a read-only transaction: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	columns := postingColumns()
	err = query(ctx, tx, "query", l.config.Query, columns, func(row map[string]string) error {
		p, err := posting(row)
		ledger.Postings = append(ledger.Postings, p)
		return err
	})
	if err != nil || l.config.Balances == "" {
		return ledger, err
	}
	err = query(ctx, tx, "balances", l.config.Balances, balanceColumns(), func(row map[string]string) error {
		b, err := balance(row)
		ledger.Balances = append(ledger.Balances, b)
		return err
	})
	return ledger, err
}

// driverOf returns the name of a driver, and a dsn that does not create a file.
func driverOf(name, dsn string) (driver, only string) {
	switch name {
	case "postgres":
		return "pgx", dsn
	case "sqlite":
		return "sqlite3", readOnly(dsn)
	}
	return name, dsn
}

// readOnly makes SQLite open an existing file only, and never write to it. A mode in
// the dsn overrides that.
func readOnly(dsn string) string {
	if !strings.HasPrefix(dsn, "file:") {
		dsn = "file:" + (&url.URL{Path: dsn}).EscapedPath()
	}
	path, query, _ := strings.Cut(dsn, "?")
	if slices.ContainsFunc(strings.Split(query, "&"), func(s string) bool { return strings.HasPrefix(s, "mode=") }) {
		return dsn
	}
	if query != "" {
		query += "&"
	}
	return path + "?" + query + "mode=ro&_pragma=busy_timeout(10000)"
}

// hidden hides a dsn, the passwords in it and the variables that it was made from in the
// text of an error.
func hidden(err error, dsn, written string) error {
	var s secrets.Set
	s.AddDSN(dsn, written)
	s.AddVariables(written)
	if text := s.Hide(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}
