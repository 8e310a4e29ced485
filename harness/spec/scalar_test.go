package spec

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
)

func TestScalars(t *testing.T) {
	type number interface {
		leaf
		measure() float64
	}
	tests := []struct {
		kind    number
		text    string
		want    float64
		problem string
	}{
		{&duration{}, "300ms", 0.3, ""},
		{&duration{}, "1m30s", 90, ""},
		{&duration{}, "1.5h", 5400, ""},
		{&duration{}, "0s", 0, ""},
		{&duration{}, "0", 0, "has no unit (0s? 0ms?)"},
		{&duration{}, "300 ms", 0, "has a space before its unit"},
		{&duration{}, "3d", 0, "is not a duration"},
		{&duration{}, "-3s", 0, "is not a duration"},
		{&duration{}, "9999999999h", 0, "is not a duration"},
		{&duration{}, "", 0, "is not a duration"},

		{&bitrate{}, "64kbit", 64e3, ""},
		{&bitrate{}, "9.6kbit", 9600, ""},
		{&bitrate{}, "2mbit", 2e6, ""},
		{&bitrate{}, "1.25gbit", 125e7, ""},
		{&bitrate{}, "300bit", 300, ""},
		{&bitrate{}, "64", 0, "has no unit"},
		{&bitrate{}, "64Kbit", 0, `has the unknown unit "Kbit"`},
		{&bitrate{}, "64 kbit", 0, "has a space before its unit"},
		{&bitrate{}, "0.0001kbit", 0, "is not whole in the smallest unit"},
		{&bitrate{}, "99999999999gbit", 0, "is too large"},
		{&bitrate{}, "1.2.3mbit", 0, "is not a number"},
		{&bitrate{}, "mbit", 0, "is not a number with a unit"},

		{&size{}, "20KB", 20e3, ""},
		{&size{}, "64KiB", 65536, ""},
		{&size{}, "1.5KB", 1500, ""},
		{&size{}, "0.5KiB", 512, ""},
		{&size{}, "1MiB", 1 << 20, ""},
		{&size{}, "120B", 120, ""},
		{&size{}, "20kb", 0, `has the unknown unit "kb"`},

		{&share{}, "2%", 0.02, ""},
		{&share{}, "0.7%", 0.007, ""},
		{&share{}, "100%", 1, ""},
		{&share{}, "0.02", 0, "has no percent sign (0.02 is written 2%)"},
		{&share{}, "two", 0, "is not a percentage"},
		{&share{}, "2 %", 0, "is not a percentage"},
		{&share{}, ".5%", 0, "is not a percentage"},

		{&frequency{}, "4/s", 4, ""},
		{&frequency{}, "30/min", 0.5, ""},
		{&frequency{}, "90/h", 0.025, ""},
		{&frequency{}, "0.25/s", 0.25, ""},
		{&frequency{}, "4", 0, "is not a frequency"},
		{&frequency{}, "4/m", 0, "is not a frequency"},

		{&count{}, "20", 20, ""},
		{&count{}, "0", 0, ""},
		{&count{}, "2.0", 0, "is not whole"},
		{&count{}, "-1", 0, "is not a number of things"},
		{&count{}, "0x10", 0, "is not a number of things"},
		{&count{}, "99999999999999999999", 0, "is too large"},
		{&count{}, "9999999999999999999999999999", 0, "is not a number"},

		{&offset{}, "15s", 15, ""},
		{&offset{}, "101%", 0, "is more than the whole script"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			err := tt.kind.scan(tt.text)
			if tt.problem != "" {
				require.EqualError(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, tt.kind.measure())
		})
	}
}

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
			var v amounts
			err := v.scan(tt.text)
			if tt.problem != "" {
				require.EqualError(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, [2]int64{tt.least, tt.most}, [2]int64{v.least, v.most})
		})
	}
}

func TestFormat(t *testing.T) {
	require.Equal(t, "1m", FormatDuration(time.Minute))
	require.Equal(t, "2h", FormatDuration(2*time.Hour))
	require.Equal(t, "10s", FormatDuration(10*time.Second))
	require.Equal(t, "1h0m5s", FormatDuration(time.Hour+5*time.Second))
	require.Equal(t, "9.6kbit", FormatRate(9600))
	require.Equal(t, "1.638mbit", FormatRate(1638000))
	require.Equal(t, "1638.4kbit", FormatRate(1638400))
	require.Equal(t, "0bit", FormatRate(0))
	require.Equal(t, "1.5KB", FormatSize(1500))
	require.Equal(t, "1500.001KB", FormatSize(1500001))
	require.Equal(t, "120B", FormatSize(120))
	require.Equal(t, "64KiB", FormatSize(64<<10))
	require.Equal(t, "20KB", FormatSize(20000))
	require.Equal(t, "2%", FormatShare(0.02))
	require.Equal(t, "0.0001%", FormatShare(0.000001))
	require.Equal(t, "100%", FormatShare(1))
	require.Equal(t, "0%", FormatShare(0))
}

func TestFormatPath(t *testing.T) {
	require.Equal(t, "perfect", FormatPath(harness.Path{}))
	require.Equal(t, "420ms, 200kbit, loss 1%", FormatPath(harness.Path{Delay: 420 * time.Millisecond, Rate: 200e3, Loss: harness.Loss{P: 0.01}}))
	require.Equal(t, "40ms ± 20ms pareto, delay_correlation 25%, limit 500ms, reorder 1%, duplicate 2%, corrupt 3%, mtu 1280B, mtu_blackhole", FormatPath(harness.Path{
		Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Distribution: harness.Pareto, Correlation: 0.25, LimitTime: 500 * time.Millisecond,
		Reorder: 0.01, Duplicate: 0.02, Corrupt: 0.03, MTU: 1280, MTUBlackhole: true,
	}))
	require.Equal(t, "trace bus-up", FormatPath(harness.Path{Trace: &harness.Trace{Name: "bus-up"}}))
	require.Equal(t, "40ms ± 20ms, limit 50KB, gemodel 5% 50% 100% 0% (9.09% mean)", FormatPath(harness.Path{
		Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Limit: 50e3,
		Loss: harness.Loss{GE: &harness.GEModel{P: 0.05, R: 0.5, LossBad: 1}},
	}))
}

// TestFormatReadsBack: what is formatted reads as the same value.
func TestFormatReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "duration"))
		var gotDuration duration
		require.NoError(t, gotDuration.scan(FormatDuration(d)))
		require.Equal(t, d, gotDuration.d)

		bps := rapid.Int64Range(0, 100e9).Draw(t, "rate")
		var gotRate bitrate
		require.NoError(t, gotRate.scan(FormatRate(bps)))
		require.Equal(t, bps, gotRate.bps)

		bytes := rapid.Int64Range(0, 1e9).Draw(t, "size")
		var gotSize size
		require.NoError(t, gotSize.scan(FormatSize(bytes)))
		require.Equal(t, bytes, gotSize.bytes)

		f := rapid.Float64Range(1e-6, 1).Draw(t, "share")
		var gotShare share
		if gotShare.scan(FormatShare(f)) == nil { // more than maxDigits digits cannot be written
			require.Equal(t, f, gotShare.f)
		}

		minor := rapid.Int64Range(1, maxMinor).Draw(t, "minor")
		currency := rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		var gotMoney money
		require.NoError(t, gotMoney.scan(harness.FormatMoney(minor, currency)))
		require.Equal(t, minor, gotMoney.minor)
	})
}

func TestSuggest(t *testing.T) {
	options := []string{"wallets", "merchants", "payments", "for"}
	require.Equal(t, `did you mean "wallets"?`, suggest("walets", options))
	require.Equal(t, `did you mean "payments"?`, suggest("Paymetns", options))
	require.Equal(t, `did you mean "for"?`, suggest("fro", options))
	require.Equal(t, "expected one of wallets, merchants, payments, for", suggest("colour", options))
	require.Equal(t, "expected one of wallets, merchants, payments, for", suggest("x", options))
	require.Equal(t, "expected 1", suggest("2", []string{"1"}))
}
