package harness_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

func TestFormatMoney(t *testing.T) {
	for want, m := range map[string]struct {
		minor    int64
		currency string
	}{
		"12.50 EUR": {1250, "EUR"}, "-0.05 EUR": {-5, "EUR"}, "12 KES": {1200, "KES"}, "7 JPY": {7, "JPY"},
		"0.125 KWD": {125, "KWD"}, "0 KES": {0, "KES"}, "-92233720368547758.08 KES": {math.MinInt64, "KES"},
	} {
		require.Equal(t, want, harness.FormatMoney(m.minor, m.currency))
	}
}
