package outbox

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// FuzzStoredRow stores any value in a column of a row: what is read is the row as it
// was, or an error.
func FuzzStoredRow(f *testing.F) {
	for column := range 21 {
		f.Add(uint8(column), int64(7), "confirmed", []byte{1})
		f.Add(uint8(column), int64(-1), "", []byte(nil))
	}
	s := openStore(f, filepath.Join(f.TempDir(), "wallet.db"))
	p, _, err := s.Accept(testPayment(1, "order"))
	require.NoError(f, err)
	require.NoError(f, s.Change(new(p.With(Sent)), Queued, nil))
	done := p.With(Confirmed)
	done.Answer = &pay.Answer{Key: p.Key, Result: pay.Confirmed, Transfer: 3, At: 1_790_000_000_000, Receipt: make([]byte, pay.ReceiptSize)}
	require.NoError(f, s.Change(&done, Sent, &Attempt{N: 1, Began: time.Unix(5, 0), Took: time.Second}))
	want, err := s.History()
	require.NoError(f, err)
	ints := []string{
		"payment.id", "payment.amount", "payment.created", "payment.deadline", "payment.transfer", "payment.decided", "payment.checksum",
		"attempt.payment", "attempt.n", "attempt.began", "attempt.took", "attempt.checksum",
	}
	texts := []string{"payment.ordered", "payment.payee", "payment.currency", "payment.state", "payment.reason", "payment.result", "payment.refusal", "attempt.error"}
	blobs := []string{"payment.key", "payment.receipt"}
	all := append(append(append([]string{}, ints...), texts...), blobs...)
	f.Fuzz(func(t *testing.T, column uint8, number int64, text string, blob []byte) {
		n := int(column) % len(all)
		value := any(number)
		if n >= len(ints)+len(texts) {
			value = blob
		} else if n >= len(ints) {
			value = text
		}
		table, name, _ := strings.Cut(all[n], ".")
		var read []PaymentHistory
		var refused, failed error
		require.NoError(t, s.db.Update(func(tx *sqlite.Tx) error {
			if _, err := tx.Exec("SAVEPOINT before"); err != nil {
				return err
			}
			if _, refused = tx.Exec(fmt.Sprintf("UPDATE %s SET %s = ?", table, name), value); refused == nil {
				read, failed = history(tx, nil)
			}
			_, err := tx.Exec("ROLLBACK TO before")
			return err
		}))
		switch {
		case refused != nil: // by the schema
		case failed != nil:
			require.ErrorIs(t, failed, ErrDamaged)
			require.Nil(t, read)
		default:
			require.Equal(t, want, read, "%s is %v", all[n], value)
		}
		got, err := s.History()
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
