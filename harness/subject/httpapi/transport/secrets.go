package transport

import (
	"strings"

	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/secrets"
)

// Secrets are the environment variables that a configuration has used: a server may echo
// them. The zero value is ready.
type Secrets struct{ secrets.Set }

// Excerpt returns the first 200 bytes of the body of an answer on one line, without
// secrets.
func (s *Secrets) Excerpt(a exchange.Answer) string {
	const most = 200
	text := strings.Join(strings.Fields(s.beginning(a.Body, kept)), " ")
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}

// longest is a bound of the length of a secret, in bytes.
const longest = 8 << 10

// beginning returns the first bytes of a body, without secrets. A secret that begins
// in them is hidden, too.
func (s *Secrets) beginning(body []byte, most int) string {
	text := s.Hide(string(body[:min(most+longest, len(body))]))
	return strings.ToValidUTF8(text[:min(most, len(text))], "?")
}
