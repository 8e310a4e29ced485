package quantity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
)

func TestMoney(t *testing.T) {
	tests := []struct {
		text        string
		least, most int64
		problem     string
	}{
		{"250 KES", 25000, 25000, ""},
		{"10..900 KES", 1000, 90000, ""},
		{"0.01..0.99 EUR", 1, 99, ""},
		{"500 JPY", 500, 500, ""},
		{"0.125 KWD", 125, 125, ""},
		{"10000000000 EUR", 1e12, 1e12, ""},
		{"0.5 JPY", 0, 0, "has more decimal digits than JPY, which has 0"},
		{"0 EUR", 0, 0, "is out of range (0.01 EUR to 10000000000 EUR)"},
		{"10000000000.01 EUR", 0, 0, "is out of range (0.01 EUR to 10000000000 EUR)"},
		{"10..5 EUR", 0, 0, "goes from more to less"},
		{"10", 0, 0, "has no currency"},
		{"10EUR", 0, 0, "has no currency"},
		{"10 eur", 0, 0, "has a currency in the wrong case (EUR)"},
		{"10 XXX", 0, 0, `has "XXX", which is no ISO 4217 currency`},
		{"10 ", 0, 0, `has "", which is no ISO 4217 currency`},
		{"ten EUR", 0, 0, `has "ten", which is not a number`},
		{"1..2..3 EUR", 0, 0, `has "2..3", which is not a number`},
		{"-5 EUR", 0, 0, `has "-5", which is not a number`},
		{"1e3 EUR", 0, 0, `has "1e3", which is not a number`},
		{"1_0 EUR", 0, 0, `has "1_0", which is not a number`},
		{"1/3 EUR", 0, 0, `has "1/3", which is not a number`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			least, most, _, err := quantity.ParseAmounts(tt.text)
			if tt.problem != "" {
				require.EqualError(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, [2]int64{tt.least, tt.most}, [2]int64{least, most})
		})
	}
}

func TestFormat(t *testing.T) {
	require.Equal(t, "1m", quantity.FormatDuration(time.Minute))
	require.Equal(t, "2h", quantity.FormatDuration(2*time.Hour))
	require.Equal(t, "10s", quantity.FormatDuration(10*time.Second))
	require.Equal(t, "1h0m5s", quantity.FormatDuration(time.Hour+5*time.Second))
	require.Equal(t, "9.6kbit", quantity.FormatRate(9600))
	require.Equal(t, "1.638mbit", quantity.FormatRate(1638000))
	require.Equal(t, "1638.4kbit", quantity.FormatRate(1638400))
	require.Equal(t, "0bit", quantity.FormatRate(0))
	require.Equal(t, "1.5KB", quantity.FormatSize(1500))
	require.Equal(t, "1500.001KB", quantity.FormatSize(1500001))
	require.Equal(t, "120B", quantity.FormatSize(120))
	require.Equal(t, "64KiB", quantity.FormatSize(64<<10))
	require.Equal(t, "20KB", quantity.FormatSize(20000))
	require.Equal(t, "2%", quantity.FormatShare(0.02))
	require.Equal(t, "0.0001%", quantity.FormatShare(0.000001))
	require.Equal(t, "100%", quantity.FormatShare(1))
	require.Equal(t, "0%", quantity.FormatShare(0))
}

// TestFormatReadsBack: what is formatted reads as the same value.
func TestFormatReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "duration"))
		gotDuration, err := quantity.ParseDuration(quantity.FormatDuration(d))
		require.NoError(t, err)
		require.Equal(t, d, gotDuration)

		bps := rapid.Int64Range(0, 100e9).Draw(t, "rate")
		gotRate, err := quantity.ParseRate(quantity.FormatRate(bps))
		require.NoError(t, err)
		require.Equal(t, bps, gotRate)

		bytes := rapid.Int64Range(0, 1e9).Draw(t, "size")
		gotSize, err := quantity.ParseSize(quantity.FormatSize(bytes))
		require.NoError(t, err)
		require.Equal(t, bytes, gotSize)

		f := rapid.Float64Range(1e-6, 1).Draw(t, "share")
		if gotShare, err := quantity.ParseShare(quantity.FormatShare(f)); err == nil { // more than maxDigits digits cannot be written
			require.Equal(t, f, gotShare)
		}

		minor := rapid.Int64Range(1, quantity.MaxMinor).Draw(t, "minor")
		currency := rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		gotMinor, gotCurrency, err := quantity.ParseAmount(harness.FormatMoney(minor, currency))
		require.NoError(t, err)
		require.Equal(t, minor, gotMinor)
		require.Equal(t, currency, gotCurrency)
	})
}
