package wire

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

func TestPaymentBounds(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Payment)
		want   string // nothing: it is valid
	}{
		{"as it is", func(*Payment) {}, ""},
		{"no order", func(p *Payment) { p.Order = "" }, ""},
		{"longest order", func(p *Payment) { p.Order = strings.Repeat("é", 32) }, ""},
		{"no deadline", func(p *Payment) { p.Deadline = 0 }, ""},
		{"latest deadline", func(p *Payment) { p.Deadline = p.Created + maxValidMS }, ""},
		{"largest amount", func(p *Payment) { p.Amount = MaxAmount }, ""},
		{"zero key", func(p *Payment) { p.Key = Key{} }, "idempotency key is all zero"},
		{"order too long", func(p *Payment) { p.Order = strings.Repeat("x", 65) }, "at most 64 bytes"},
		{"order not UTF-8", func(p *Payment) { p.Order = "\xff" }, "printable UTF-8"},
		{"order with a newline", func(p *Payment) { p.Order = "a\nb" }, "printable UTF-8"},
		{"order with a C1 control", func(p *Payment) { p.Order = "a\u009bb" }, "printable UTF-8"},
		{"no payee", func(p *Payment) { p.Payee = "" }, "payee"},
		{"payee too long", func(p *Payment) { p.Payee = strings.Repeat("m", 33) }, "1 to 32"},
		{"payee with a space", func(p *Payment) { p.Payee = "m 0" }, "payee"},
		{"zero amount", func(p *Payment) { p.Amount = 0 }, "amount 0"},
		{"negative amount", func(p *Payment) { p.Amount = -1 }, "amount -1"},
		{"amount too large", func(p *Payment) { p.Amount = MaxAmount + 1 }, "amount 1000000000000001"},
		{"lower-case currency", func(p *Payment) { p.Currency = "kes" }, "currency"},
		{"long currency", func(p *Payment) { p.Currency = "KESX" }, "currency"},
		{"created never", func(p *Payment) { p.Created, p.Deadline = 0, 0 }, "created 0"},
		{"created in seconds", func(p *Payment) { p.Created /= 1000 }, "created"},
		{"created past the calendar", func(p *Payment) { p.Created = maxTime + 1 }, "created"},
		{"deadline before created", func(p *Payment) { p.Deadline = p.Created }, "deadline"},
		{"deadline too late", func(p *Payment) { p.Deadline = p.Created + maxValidMS + 1 }, "deadline"},
		{"deadline overflows", func(p *Payment) { p.Created, p.Deadline = -1<<63, 1<<62 }, "created"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := payRequest(1)
			c.change(&r.Payment)
			b, err := appendRequest(nil, r)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			got, err := parseRequest(b)
			require.NoError(t, err)
			require.Equal(t, r, got)
		})
	}
	t.Run("everything at once", func(t *testing.T) {
		err := (&Payment{}).Validate()
		for _, want := range []string{"key", "payee", "amount", "currency", "created"} {
			require.ErrorContains(t, err, want)
		}
	})
}

func TestParseRequestRefuses(t *testing.T) {
	pay := func(fields ...[]byte) []byte {
		var p []byte
		for _, f := range fields {
			p = append(p, f...)
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), p)
	}
	str := func(n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), s)
	}
	num := func(n protowire.Number, v int64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), uint64(v))
	}
	rest := append(append(str(3, "m0"), num(4, 1)...), append(str(5, "KES"), num(6, testTime)...)...)
	key := str(1, "0123456789abcdef")
	_, err := parseRequest(pay(key, rest))
	require.NoError(t, err, "the material of the cases below is sound")

	cases := []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "asks for nothing known"},
		{"asks for something newer", num(9, 1), "asks for nothing known"},
		{"too long", make([]byte, maxMessage+1), "more than any request has"},
		{"unknown field of the request", append(pay(key, rest), num(9, 1)...), "does not know"},
		{"unknown field of the payment", pay(key, rest, num(9, 1)), "does not know"},
		{"short key", pay(str(1, "0123"), rest), "an idempotency key of 4 bytes"},
		{"long key", pay(str(1, "0123456789abcdefg"), rest), "an idempotency key of 17 bytes"},
		{"valid for less than nothing", pay(key, rest, num(7, -1)), "valid for -1 ms"},
		{"valid for too long", pay(key, rest, num(7, 1<<62)), "valid for"},
		{"negative amount", pay(key, rest, num(4, -5)), "amount -5"},
		{"created overflows", pay(key, rest, num(6, 1<<63-1), num(7, 1000)), "created"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := parseRequest(c.b)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, r)
		})
	}
}

func TestAnswerBounds(t *testing.T) {
	sig := make([]byte, receiptSize)
	cases := []struct {
		a    Answer
		want string // nothing: it is valid
	}{
		{Answer{Result: Confirmed, Transfer: 1, At: testTime, Receipt: sig}, ""},
		{Answer{Result: Declined, Reason: NoFunds, At: testTime, Receipt: sig}, ""},
		{Answer{Result: Expired, At: testTime, Receipt: sig}, ""},
		{Answer{Result: Conflict, At: testTime, Receipt: sig}, ""},
		{Answer{Result: NotFound, At: testTime}, ""},
		{Answer{Result: Refused, Reason: Busy, At: testTime}, ""},
		{Answer{At: testTime}, "an answer has a result"},
		{Answer{Result: 9, At: testTime}, "is not known"},
		{Answer{Result: Confirmed, At: testTime, Receipt: sig}, "cannot have transfer 0"},
		{Answer{Result: Confirmed, Transfer: 1, At: testTime}, "a receipt of 64 bytes, not 0"},
		{Answer{Result: Confirmed, Reason: NoFunds, Transfer: 1, At: testTime, Receipt: sig}, "has no reason"},
		{Answer{Result: Declined, At: testTime, Receipt: sig}, "no reason to decline"},
		{Answer{Result: Declined, Reason: Busy, At: testTime, Receipt: sig}, "no reason to decline"},
		{Answer{Result: Declined, Reason: NoFunds, Transfer: 3, At: testTime, Receipt: sig}, "cannot have transfer 3"},
		{Answer{Result: Expired, Transfer: -1, At: testTime, Receipt: sig}, "cannot have transfer -1"},
		{Answer{Result: NotFound, At: testTime, Receipt: sig}, "a receipt of 0 bytes, not 64"},
		{Answer{Result: Refused, Reason: NoFunds, At: testTime}, "no reason to refuse"},
		{Answer{Result: NotFound}, "time 0"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.a.Result, " ", c.a.Reason, " ", c.want), func(t *testing.T) {
			b, err := AppendAnswer(nil, &c.a)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			got, err := ParseAnswer(Key{5}, b)
			require.NoError(t, err)
			c.a.Key = Key{5}
			require.Equal(t, &c.a, got)
		})
	}
}

// TestReceiptCoversEverything changes every field of the answer, the payment
// and the payer in turn: the receipt must then not verify.
func TestReceiptCoversEverything(t *testing.T) {
	b := newBench(t)
	key := b.sign.Public().(ed25519.PublicKey)
	payer := b.wallet.Public
	p := payRequest(1).Payment
	a := Answer{Key: p.Key, Result: Declined, Reason: NoFunds, At: testTime}
	SignReceipt(b.sign, payer, &p, &a)
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

func TestPrivateKeyDoesNotPrint(t *testing.T) {
	k := newBench(t).wallet
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, k.Private), fmt.Sprintf("%x", k.Private[:4]), verb)
		require.NotContains(t, fmt.Sprintf(verb, k), fmt.Sprintf("%d", k.Private[0])+" "+fmt.Sprintf("%d", k.Private[1]), verb)
	}
}
