package main

import (
	"context"
	"database/sql"
)

// The mistakes.
const (
	keyOutside   = "key-outside"
	keyAfter     = "key-after"
	keyForgotten = "key-forgotten"
)

// chargeKeyOutside looks for the key first and books then. Of two requests at once
// neither sees the key of the other.
func (s *shop) chargeKeyOutside(ctx context.Context, p payment) (status int, err error) {
	if status, ok, err := seen(ctx, s.books, p.Key); ok || err != nil {
		return status, err
	}
	if err := after(ctx, s.fraud); err != nil {
		return 0, err
	}
	err = s.books.within(ctx, func(tx *sql.Tx) error {
		if status, err = move(ctx, tx, p); err != nil {
			return err
		}
		return keep(ctx, tx, p.Key, status)
	})
	if err != nil {
		return 0, err
	}
	return status, s.print(ctx)
}

// chargeKeyAfter charges, prints the receipt, and keeps the key then. What ends
// the request in between, as a customer does who has no more patience, leaves a
// charge without a key.
func (s *shop) chargeKeyAfter(ctx context.Context, p payment) (status int, err error) {
	if status, ok, err := seen(ctx, s.books, p.Key); ok || err != nil {
		return status, err
	}
	if err := after(ctx, s.fraud); err != nil {
		return 0, err
	}
	err = s.books.within(ctx, func(tx *sql.Tx) error {
		status, err = move(ctx, tx, p)
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := s.print(ctx); err != nil {
		return 0, err
	}
	return status, keep(ctx, s.books, p.Key, status)
}

// forget has a key never been seen.
func (b *books) forget(ctx context.Context, key string) error {
	_, err := b.ExecContext(ctx, "DELETE FROM keys WHERE key = $1", key)
	return err
}
