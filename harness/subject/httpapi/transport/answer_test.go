package transport_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// Of an answer the history keeps the status and what decides, without secrets, on one
// line of at most 120 characters.
func TestAnswer(t *testing.T) {
	t.Setenv("SHOP_KEY", "sk_live_abc123")
	var s transport.Secrets
	_, _ = s.Lookup("SHOP_KEY")
	for name, tc := range map[string]struct{ body, want string }{
		"empty":                      {"", "HTTP 402"},
		"fields that decide":         {`{"id": "pay_1", "amount": 500, "status": "declined", "decline_code": "insufficient_funds"}`, `HTTP 402 {"status":"declined","decline_code":"insufficient_funds"}`},
		"in an object":               {`{"error": {"code": "card_declined", "doc_url": "https://x.example", "message": "no funds"}}`, `HTTP 402 {"error":{"code":"card_declined","message":"no funds"}}`},
		"none that decides":          {`{ "a" : [1, 2] }`, `HTTP 402 {"a":[1,2]}`},
		"a page":                     {"<html>\n  <h1>Bad Gateway</h1>\n</html>", "HTTP 402 <html> <h1>Bad Gateway</h1> </html>"},
		"an echoed variable":         {`{"message": "key sk_live_abc123 is revoked"}`, `HTTP 402 {"message":"key ${SHOP_KEY} is revoked"}`},
		"a secret by its name":       {`{"client_secret": "pi_1_secret_Zx9", "n": 1}`, `HTTP 402 {"client_secret":"***","n":1}`},
		"a secret in a form":         {"access_token=abc.def&state=1", "HTTP 402 access_token=***&state=1"},
		"a header":                   {"Authorization: Bearer abcdefgh1234", "HTTP 402 Authorization: ***"},
		"a card number":              {`{"message":"4111 1111 1111 1111 was refused"}`, `HTTP 402 {"message":"*** was refused"}`},
		"control characters are one": {"a\x1b[31mb\r\nc", "HTTP 402 a\x1b[31mb c"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, s.Answer(exchange.Answer{Status: 402, Body: []byte(tc.body)}))
		})
	}
	long := s.Answer(exchange.Answer{Status: 200, Body: []byte(`{"message":"` + strings.Repeat("é", 1<<20) + `"}`)})
	require.Equal(t, harness.MaxAnswer, utf8.RuneCountInString(long))
	require.True(t, utf8.ValidString(long))
}
