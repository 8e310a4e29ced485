package keys

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScalars(t *testing.T) {
	tests := []struct {
		kind    Leaf
		text    string
		want    float64
		problem string
	}{
		{new(Duration), "300ms", 0.3, ""},
		{new(Duration), "1m30s", 90, ""},
		{new(Duration), "1.5h", 5400, ""},
		{new(Duration), "0s", 0, ""},
		{new(Duration), "0", 0, "has no unit (0s? 0ms?)"},
		{new(Duration), "300 ms", 0, "has a space before its unit"},
		{new(Duration), "3d", 0, "is not a duration"},
		{new(Duration), "-3s", 0, "is negative"},
		{new(Duration), "9999999999h", 0, "is not a duration"},
		{new(Duration), "", 0, "is not a duration"},

		{new(Bitrate), "64kbit", 64e3, ""},
		{new(Bitrate), "9.6kbit", 9600, ""},
		{new(Bitrate), "2mbit", 2e6, ""},
		{new(Bitrate), "1.25gbit", 125e7, ""},
		{new(Bitrate), "300bit", 300, ""},
		{new(Bitrate), "64", 0, "has no unit"},
		{new(Bitrate), "64Kbit", 0, `has the unknown unit "Kbit"`},
		{new(Bitrate), "64 kbit", 0, "has a space before its unit"},
		{new(Bitrate), "0.0001kbit", 0, "is not whole in the smallest unit"},
		{new(Bitrate), "99999999999gbit", 0, "is too large"},
		{new(Bitrate), "1.2.3mbit", 0, "is not a number"},
		{new(Bitrate), "mbit", 0, "is not a number with a unit"},

		{new(Size), "20KB", 20e3, ""},
		{new(Size), "64KiB", 65536, ""},
		{new(Size), "1.5KB", 1500, ""},
		{new(Size), "0.5KiB", 512, ""},
		{new(Size), "1MiB", 1 << 20, ""},
		{new(Size), "120B", 120, ""},
		{new(Size), "20kb", 0, `has the unknown unit "kb"`},

		{new(Share), "2%", 0.02, ""},
		{new(Share), "0.7%", 0.007, ""},
		{new(Share), "100%", 1, ""},
		{new(Share), "0.02", 0, "has no percent sign (0.02 is written 2%)"},
		{new(Share), "two", 0, "is not a percentage"},
		{new(Share), "2 %", 0, "is not a percentage"},
		{new(Share), ".5%", 0, "is not a percentage"},

		{new(Frequency), "4/s", 4, ""},
		{new(Frequency), "30/min", 0.5, ""},
		{new(Frequency), "90/h", 0.025, ""},
		{new(Frequency), "0.25/s", 0.25, ""},
		{new(Frequency), "4", 0, "is not a frequency"},
		{new(Frequency), "4/m", 0, "is not a frequency"},

		{new(Count), "20", 20, ""},
		{new(Count), "0", 0, ""},
		{new(Count), "2.0", 0, "is not whole"},
		{new(Count), "-1", 0, "is negative"},
		{new(Count), "0x10", 0, "is not a whole number"},
		{new(Count), "99999999999999999999", 0, "is too large"},
		{new(Count), "9999999999999999999999999999", 0, "is not a number"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			err := tt.kind.Scalar().Scan(tt.text)
			if tt.problem != "" {
				require.EqualError(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, tt.kind.Scalar().Measure)
		})
	}
}

func TestSuggest(t *testing.T) {
	options := []string{"wallets", "merchants", "payments", "for"}
	require.Equal(t, `did you mean "wallets"?`, Suggest("walets", options))
	require.Equal(t, `did you mean "payments"?`, Suggest("Paymetns", options))
	require.Equal(t, `did you mean "for"?`, Suggest("fro", options))
	require.Equal(t, "expected one of wallets, merchants, payments, for", Suggest("colour", options))
	require.Equal(t, "expected one of wallets, merchants, payments, for", Suggest("x", options))
	require.Equal(t, "expected 1", Suggest("2", []string{"1"}))
}
