package pay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
)

// FuzzParseAnswer reads any stored answer, of a wallet's queue or a bank's records: it is
// an error without an answer, or one that a bank gives and that is stored the same again.
func FuzzParseAnswer(f *testing.F) {
	receipt := make([]byte, pay.ReceiptSize)
	f.Add("confirmed", "no reason", int64(1), int64(1_790_000_000_000), receipt)
	f.Add("declined", "order already paid", int64(1), int64(1_790_000_000_000), receipt)
	f.Add("refused", "busy", int64(0), int64(1_790_000_000_000), []byte(nil))
	f.Add("not found", "no reason", int64(-1), int64(-1), []byte{1})
	f.Add("unknown", "", int64(0), int64(0), []byte(nil))
	f.Fuzz(func(t *testing.T, result, reason string, transfer, at int64, receipt []byte) {
		a, err := pay.ParseAnswer(result, reason, transfer, at, receipt)
		if err != nil {
			require.Nil(t, a)
			return
		}
		require.NoError(t, a.Validate())
		require.Equal(t, result, a.Result.String())
		require.Equal(t, reason, a.Reason.String())
		require.Equal(t, a.Result == pay.Confirmed || a.Reason == pay.AlreadyPaid, a.Transfer > 0)
		require.Equal(t, a.Result.Final(), len(a.Receipt) == pay.ReceiptSize)
	})
}
