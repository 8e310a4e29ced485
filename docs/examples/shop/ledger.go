package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// ledger prints what is booked, a line a payment and a line an account, as
// onebar's exec ledger reads it.
func (b *books) ledger(ctx context.Context, w io.Writer) error {
	out := json.NewEncoder(w)
	payments, err := b.QueryContext(ctx, "SELECT id, key, purchase, payer, payee, amount, currency FROM payments ORDER BY id")
	if err != nil {
		return err
	}
	defer payments.Close() //nolint:errcheck // Err has what went wrong
	for payments.Next() {
		var p payment
		var id string
		err := payments.Scan(&id, &p.Key, &p.Order, &p.Payer, &p.Payee, &p.Amount, &p.Currency)
		if err == nil {
			err = out.Encode(map[string]any{"posting": map[string]any{
				"id": id, "payment": p.Key, "order": p.Order, "payer": p.Payer, "payee": p.Payee, "amount": p.Amount, "currency": p.Currency,
			}})
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(payments.Err(), b.balances(ctx, out))
}

func (b *books) balances(ctx context.Context, out *json.Encoder) error {
	accounts, err := b.QueryContext(ctx, "SELECT name, balance FROM accounts ORDER BY name")
	if err != nil {
		return err
	}
	defer accounts.Close() //nolint:errcheck // Err has what went wrong
	for accounts.Next() {
		var name string
		var balance int64
		err := accounts.Scan(&name, &balance)
		if err == nil {
			err = out.Encode(map[string]any{"account": map[string]any{"account": name, "currency": currency, "balance": balance}})
		}
		if err != nil {
			return err
		}
	}
	return accounts.Err()
}
