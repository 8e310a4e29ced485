package pay

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// testTime is in 2025, in Unix milliseconds.
const testTime = 1_750_000_000_000

// payment is a valid payment.
func payment() Payment {
	return Payment{
		Key: Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Order: "order-0001", Payee: "m0",
		Amount: 12_345, Currency: "KES", Created: testTime, Deadline: testTime + 30_000,
	}
}

// TestReceiptCoversEverything changes every field of the answer, the payment
// and the payer in turn: the receipt must then not verify.
func TestReceiptCoversEverything(t *testing.T) {
	sign := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key := sign.Public().(ed25519.PublicKey)
	payer := PublicKey{1, 2, 3}
	p := payment()
	a := Answer{Key: p.Key, Result: Declined, Reason: NoFunds, At: testTime}
	SignReceipt(sign, payer, &p, &a)
	require.NoError(t, VerifyReceipt(key, payer, &p, &a))

	cases := map[string]func(payer *PublicKey, p *Payment, a *Answer){
		"payer":    func(payer *PublicKey, _ *Payment, _ *Answer) { payer[0] ^= 1 },
		"key":      func(_ *PublicKey, p *Payment, a *Answer) { p.Key[0] ^= 1; a.Key[0] ^= 1 },
		"only key": func(_ *PublicKey, _ *Payment, a *Answer) { a.Key[0] ^= 1 },
		"order":    func(_ *PublicKey, p *Payment, _ *Answer) { p.Order += "x" },
		"payee":    func(_ *PublicKey, p *Payment, _ *Answer) { p.Payee = "m1" },
		"amount":   func(_ *PublicKey, p *Payment, _ *Answer) { p.Amount++ },
		"currency": func(_ *PublicKey, p *Payment, _ *Answer) { p.Currency = "UGX" },
		"created":  func(_ *PublicKey, p *Payment, _ *Answer) { p.Created++ },
		"deadline": func(_ *PublicKey, p *Payment, _ *Answer) { p.Deadline = 0 },
		"reason":   func(_ *PublicKey, _ *Payment, a *Answer) { a.Reason = UnknownPayee },
		"result":   func(_ *PublicKey, _ *Payment, a *Answer) { a.Result, a.Reason = Expired, NoReason },
		"transfer": func(_ *PublicKey, _ *Payment, a *Answer) { a.Result, a.Reason, a.Transfer = Confirmed, NoReason, 1 },
		"time":     func(_ *PublicKey, _ *Payment, a *Answer) { a.At++ },
		"receipt":  func(_ *PublicKey, _ *Payment, a *Answer) { a.Receipt[9] ^= 1 },
		"not final": func(_ *PublicKey, _ *Payment, a *Answer) {
			a.Result, a.Reason, a.Receipt = NotFound, NoReason, nil
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			payer, p, a := payer, p, a
			a.Receipt = append([]byte(nil), a.Receipt...)
			change(&payer, &p, &a)
			require.Error(t, VerifyReceipt(key, payer, &p, &a))
		})
	}
	require.ErrorContains(t, VerifyReceipt(nil, payer, &p, &a), "receipt key has 0 bytes")
}

// TestFingerprintTellsContentsApart moves bytes between neighbouring strings,
// which a naive concatenation would not notice.
func TestFingerprintTellsContentsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) Payment {
			return Payment{
				Key: Key{1}, Currency: "KES", Created: testTime,
				Payee:    rapid.StringMatching(`[a-c]{1,3}`).Draw(t, name+" payee"),
				Order:    rapid.StringMatching(`[a-c]{0,3}`).Draw(t, name+" order"),
				Amount:   rapid.Int64Range(1, 2).Draw(t, name+" amount"),
				Deadline: rapid.SampledFrom([]int64{0, testTime + 1}).Draw(t, name+" deadline"),
			}
		}
		p, q := draw("p"), draw("q")
		require.Equal(t, p == q, p.Fingerprint() == q.Fingerprint())
	})
}

func TestNewKey(t *testing.T) {
	a, err := NewKey(nil)
	require.NoError(t, err)
	b, err := NewKey(nil)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
	_, err = NewKey(strings.NewReader("too short"))
	require.ErrorContains(t, err, "draw an idempotency key")
}
