package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// openBooks opens the database and makes its tables.
func openBooks(ctx context.Context, name string) (*books, error) {
	driver, id := "pgx", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
	if !strings.HasPrefix(name, "postgres") {
		driver, id = "sqlite3", "INTEGER PRIMARY KEY"
		name += "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(16)
	for _, table := range []string{
		"accounts (name TEXT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0))",
		"keys (key TEXT PRIMARY KEY, status INTEGER NOT NULL)",
		"payments (id " + id + ", key TEXT NOT NULL, purchase TEXT NOT NULL, payer TEXT NOT NULL, payee TEXT NOT NULL, amount BIGINT NOT NULL, currency TEXT NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+table); err != nil {
			return nil, errors.Join(fmt.Errorf("make the tables: %w", err), db.Close())
		}
	}
	return &books{db}, nil
}

// open opens an account, once.
func (b *books) open(ctx context.Context, name string, balance int64) error {
	_, err := b.ExecContext(ctx, "INSERT INTO accounts (name, balance) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, balance)
	return err
}

// querier is a transaction, or none.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// book books a payment and keeps the answer under its key, in one transaction. Of
// two with one key the second waits at the insertion of the key until the first is
// through, and then has its answer.
func (b *books) book(ctx context.Context, p payment) (status int, err error) {
	err = b.within(ctx, func(tx *sql.Tx) error {
		fresh, err := changed(tx.ExecContext(ctx, "INSERT INTO keys (key, status) VALUES ($1, 0) ON CONFLICT DO NOTHING", p.Key))
		if err != nil {
			return err
		}
		if !fresh {
			status, _, err = seen(ctx, tx, p.Key)
			return err
		}
		if status, err = move(ctx, tx, p); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE keys SET status = $1 WHERE key = $2", status, p.Key)
		return err
	})
	return status, err
}

// seen returns the answer that is kept under a key.
func seen(ctx context.Context, q querier, key string) (status int, ok bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT status FROM keys WHERE key = $1", key).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return status, err == nil, err
}

// keep keeps an answer under a key.
func keep(ctx context.Context, q querier, key string, status int) error {
	_, err := q.ExecContext(ctx, "INSERT INTO keys (key, status) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, status)
	return err
}

// move moves the money, or declines to.
func move(ctx context.Context, tx *sql.Tx, p payment) (status int, err error) {
	paid, err := changed(tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - $1 WHERE name = $2 AND balance >= $1", p.Amount, p.Payer))
	if err != nil {
		return 0, err
	}
	if !paid {
		return http.StatusPaymentRequired, nil
	}
	received, err := changed(tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $1 WHERE name = $2", p.Amount, p.Payee))
	if err != nil {
		return 0, err
	}
	if !received {
		return 0, fmt.Errorf("there is no account %s", p.Payee)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO payments (key, purchase, payer, payee, amount, currency) VALUES ($1, $2, $3, $4, $5, $6)",
		p.Key, p.Order, p.Payer, p.Payee, p.Amount, p.Currency)
	return http.StatusCreated, err
}

// changed reports whether a statement has changed a row.
func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// within does something in a transaction.
func (b *books) within(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := b.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
