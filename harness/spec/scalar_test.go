package spec

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

func TestSuggest(t *testing.T) {
	options := []string{"wallets", "merchants", "payments", "for"}
	require.Equal(t, `did you mean "wallets"?`, suggest("walets", options))
	require.Equal(t, `did you mean "payments"?`, suggest("Paymetns", options))
	require.Equal(t, `did you mean "for"?`, suggest("fro", options))
	require.Equal(t, "expected one of wallets, merchants, payments, for", suggest("colour", options))
	require.Equal(t, "expected one of wallets, merchants, payments, for", suggest("x", options))
	require.Equal(t, "expected 1", suggest("2", []string{"1"}))
}
