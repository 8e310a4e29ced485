package database

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRow reads a row with any text in each column: an amount is the number that is
// written, or an error.
func FuzzRow(f *testing.F) {
	for _, s := range []string{"250", "250.00", "-0", "-0.0", "1.", ".5", "1.5", "+7", "1_000", "0x10", "9223372036854775807", "9223372036854775808", "1e3", "NaN", "", " 1"} {
		f.Add(s, "KES", "b1", "amount")
	}
	f.Fuzz(func(t *testing.T, amount, currency, id, column string) {
		row := map[string]string{"id": id, "payer": id, "payee": id, "amount": amount, "currency": currency, "balance": amount, "floor": amount, "account": id}
		p, err := posting(row)
		b, err2 := balance(row)
		if err != nil {
			require.ErrorContains(t, err, "whole number of minor units")
			require.Zero(t, p.Amount)
			require.Error(t, err2)
		} else {
			want, ok := new(big.Rat).SetString(amount)
			require.True(t, ok, amount)
			require.Zero(t, want.Cmp(new(big.Rat).SetInt64(p.Amount)), "%q is read as %d", amount, p.Amount)
			require.NoError(t, err2)
			require.Equal(t, p.Amount, b.Closing)
			require.Equal(t, p.Amount, b.Floor)
		}
		names := append(slices.Clone(postingColumns().needed), strings.ToLower(column))
		known := slices.Contains(postingColumns().may, strings.ToLower(column))
		require.Equal(t, known, postingColumns().check(names) == nil)
	})
}
