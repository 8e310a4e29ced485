package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onebar/onebar/reference/pay"
)

// testTime is in 2025, in Unix milliseconds.
const testTime = 1_750_000_000_000

// request is a valid request, whose key begins with n.
func request(n byte) *pay.Request {
	return &pay.Request{Ask: pay.AskPay, Payment: pay.Payment{
		Key: pay.Key{n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Order: "order-0001", Payee: "m0",
		Amount: 12_345, Currency: "KES", Created: testTime, Deadline: testTime + 30_000,
	}}
}

func TestPaymentBounds(t *testing.T) {
	cases := []struct {
		name   string
		change func(*pay.Payment)
		want   string // nothing: it is valid
	}{
		{"as it is", func(*pay.Payment) {}, ""},
		{"no order", func(p *pay.Payment) { p.Order = "" }, ""},
		{"longest order", func(p *pay.Payment) { p.Order = strings.Repeat("é", 32) }, ""},
		{"no deadline", func(p *pay.Payment) { p.Deadline = 0 }, ""},
		{"latest deadline", func(p *pay.Payment) { p.Deadline = p.Created + maxValid }, ""},
		{"largest amount", func(p *pay.Payment) { p.Amount = pay.MaxAmount }, ""},
		{"zero key", func(p *pay.Payment) { p.Key = pay.Key{} }, "idempotency key is all zero"},
		{"order too long", func(p *pay.Payment) { p.Order = strings.Repeat("x", 65) }, "at most 64 bytes"},
		{"order not UTF-8", func(p *pay.Payment) { p.Order = "\xff" }, "printable UTF-8"},
		{"order with a newline", func(p *pay.Payment) { p.Order = "a\nb" }, "printable UTF-8"},
		{"order with a C1 control", func(p *pay.Payment) { p.Order = "a\u009bb" }, "printable UTF-8"},
		{"no payee", func(p *pay.Payment) { p.Payee = "" }, "payee"},
		{"payee too long", func(p *pay.Payment) { p.Payee = strings.Repeat("m", 33) }, "1 to 32"},
		{"payee with a space", func(p *pay.Payment) { p.Payee = "m 0" }, "payee"},
		{"zero amount", func(p *pay.Payment) { p.Amount = 0 }, "amount 0"},
		{"negative amount", func(p *pay.Payment) { p.Amount = -1 }, "amount -1"},
		{"amount too large", func(p *pay.Payment) { p.Amount = pay.MaxAmount + 1 }, "amount 1000000000000001"},
		{"lower-case currency", func(p *pay.Payment) { p.Currency = "kes" }, "currency"},
		{"long currency", func(p *pay.Payment) { p.Currency = "KESX" }, "currency"},
		{"created never", func(p *pay.Payment) { p.Created, p.Deadline = 0, 0 }, "created 0"},
		{"created in seconds", func(p *pay.Payment) { p.Created /= 1000 }, "created"},
		{"created past the calendar", func(p *pay.Payment) { p.Created = 253_402_300_799_999 + 1 }, "created"},
		{"deadline before created", func(p *pay.Payment) { p.Deadline = p.Created }, "deadline"},
		{"deadline too late", func(p *pay.Payment) { p.Deadline = p.Created + maxValid + 1 }, "deadline"},
		{"deadline overflows", func(p *pay.Payment) { p.Created, p.Deadline = -1<<63, 1<<62 }, "created"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := request(1)
			c.change(&r.Payment)
			b, err := AppendRequest(nil, r)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			got, err := ParseRequest(b)
			require.NoError(t, err)
			require.Equal(t, r, got)
			r.Signature = []byte(strings.Repeat("s", pay.SignatureSize))
			b, err = AppendRequest(nil, r)
			require.NoError(t, err)
			got, err = ParseRequest(b)
			require.NoError(t, err)
			require.Equal(t, r, got, "signed")
		})
	}
	t.Run("everything at once", func(t *testing.T) {
		err := (&pay.Payment{}).Validate()
		for _, want := range []string{"key", "payee", "amount", "currency", "created"} {
			require.ErrorContains(t, err, want)
		}
	})
}

func TestParseRequestRefuses(t *testing.T) {
	payment := func(fields ...[]byte) []byte {
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
	signed := func(signature string) []byte {
		return append(payment(str(1, "0123456789abcdef"), str(3, "m0"), num(4, 1), str(5, "KES"), num(6, testTime)), str(3, signature)...)
	}
	rest := append(append(str(3, "m0"), num(4, 1)...), append(str(5, "KES"), num(6, testTime)...)...)
	key := str(1, "0123456789abcdef")
	_, err := ParseRequest(payment(key, rest))
	require.NoError(t, err, "the material of the cases below is sound")
	r, err := ParseRequest(signed(strings.Repeat("s", pay.SignatureSize)))
	require.NoError(t, err)
	require.Equal(t, []byte(strings.Repeat("s", pay.SignatureSize)), r.Signature)
	r, err = ParseRequest(signed(""))
	require.NoError(t, err)
	require.Nil(t, r.Signature, "an empty signature is none")

	cases := []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "asks for nothing known"},
		{"asks for something newer", num(9, 1), "asks for nothing known"},
		{"too long", make([]byte, MaxMessage+1), "more than any request has"},
		{"unknown field of the request", append(payment(key, rest), num(9, 1)...), "does not know"},
		{"unknown field of the payment", payment(key, rest, num(9, 1)), "does not know"},
		{"short key", payment(str(1, "0123"), rest), "an idempotency key of 4 bytes"},
		{"long key", payment(str(1, "0123456789abcdefg"), rest), "an idempotency key of 17 bytes"},
		{"valid for less than nothing", payment(key, rest, num(7, -1)), "valid for -1 ms"},
		{"valid for too long", payment(key, rest, num(7, 1<<62)), "valid for"},
		{"negative amount", payment(key, rest, num(4, -5)), "amount -5"},
		{"short signature", signed(strings.Repeat("s", pay.SignatureSize-1)), "a signature of 63 bytes"},
		{"long signature", signed(strings.Repeat("s", pay.SignatureSize+1)), "a signature of 65 bytes"},
		{"certificate, a reserved field", append(payment(key, rest), str(4, "certificate")...), "does not know"},
		{"checkpoint, a reserved field", append(payment(key, rest), str(5, "signature")...), "does not know"},
		{"created overflows", payment(key, rest, num(6, 1<<63-1), num(7, 1000)), "created"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseRequest(c.b)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, r)
		})
	}
}

func TestAnswerBounds(t *testing.T) {
	sig := make([]byte, pay.ReceiptSize)
	cases := []struct {
		a    pay.Answer
		want string // nothing: it is valid
	}{
		{pay.Answer{Result: pay.Confirmed, Transfer: 1, At: testTime, Receipt: sig}, ""},
		{pay.Answer{Result: pay.Declined, Reason: pay.NoFunds, At: testTime, Receipt: sig}, ""},
		{pay.Answer{Result: pay.Expired, At: testTime, Receipt: sig}, ""},
		{pay.Answer{Result: pay.Conflict, At: testTime, Receipt: sig}, ""},
		{pay.Answer{Result: pay.NotFound, At: testTime}, ""},
		{pay.Answer{Result: pay.Refused, Reason: pay.Busy, At: testTime}, ""},
		{pay.Answer{At: testTime}, "an answer has a result"},
		{pay.Answer{Result: 9, At: testTime}, "is not known"},
		{pay.Answer{Result: pay.Confirmed, At: testTime, Receipt: sig}, "cannot have transfer 0"},
		{pay.Answer{Result: pay.Confirmed, Transfer: 1, At: testTime}, "a receipt of 64 bytes, not 0"},
		{pay.Answer{Result: pay.Confirmed, Reason: pay.NoFunds, Transfer: 1, At: testTime, Receipt: sig}, "has no reason"},
		{pay.Answer{Result: pay.Declined, At: testTime, Receipt: sig}, "no reason to decline"},
		{pay.Answer{Result: pay.Declined, Reason: pay.Busy, At: testTime, Receipt: sig}, "no reason to decline"},
		{pay.Answer{Result: pay.Declined, Reason: pay.NoFunds, Transfer: 3, At: testTime, Receipt: sig}, "cannot have transfer 3"},
		{pay.Answer{Result: pay.Expired, Transfer: -1, At: testTime, Receipt: sig}, "cannot have transfer -1"},
		{pay.Answer{Result: pay.NotFound, At: testTime, Receipt: sig}, "a receipt of 0 bytes, not 64"},
		{pay.Answer{Result: pay.Refused, Reason: pay.NoFunds, At: testTime}, "no reason to refuse"},
		{pay.Answer{Result: pay.NotFound}, "time 0"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.a.Result, " ", c.a.Reason, " ", c.want), func(t *testing.T) {
			b, err := AppendAnswer(nil, 7, &c.a)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			n, got, err := ParseAnswer(b)
			require.NoError(t, err)
			require.EqualValues(t, 7, n)
			require.Equal(t, &c.a, got)
		})
	}
}

// FuzzParseRequest: no value on error, only valid values, and a re-encoding
// that is stable.
func FuzzParseRequest(f *testing.F) {
	for _, ask := range []pay.Ask{pay.AskPay, pay.AskStatus} {
		for _, signature := range [][]byte{nil, make([]byte, pay.SignatureSize)} {
			r := request(1)
			r.Ask, r.Signature = ask, signature
			b, err := AppendRequest(nil, r)
			require.NoError(f, err)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			require.Nil(t, r)
			return
		}
		require.NoError(t, r.Validate())
		b2, err := AppendRequest(nil, r)
		require.NoError(t, err)
		r2, err := ParseRequest(b2)
		require.NoError(t, err)
		require.Equal(t, r, r2)
	})
}

func FuzzParseAnswer(f *testing.F) {
	for _, a := range []*pay.Answer{{Result: pay.Confirmed, Transfer: 12_345, At: testTime, Receipt: make([]byte, pay.ReceiptSize)}, {Result: pay.Refused, Reason: pay.Busy, At: testTime}} {
		enc, err := AppendAnswer(nil, 3, a)
		require.NoError(f, err)
		f.Add(enc)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, a, err := ParseAnswer(b)
		if err != nil {
			require.Nil(t, a)
			return
		}
		enc, err := AppendAnswer(nil, n, a)
		require.NoError(t, err)
		n2, a2, err := ParseAnswer(enc)
		require.NoError(t, err)
		require.Equal(t, n, n2)
		require.Equal(t, a, a2)
	})
}
