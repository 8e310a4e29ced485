package transport

import (
	"net/url"
	"os"
	"strings"

	"github.com/onebar/onebar/harness/exchange"
)

// Secrets are the environment variables that a configuration has used. Hide removes
// their values from text for people: a server may echo them. The zero value is ready.
type Secrets struct{ used []variable }

type variable struct{ name, value string }

// Lookup implements exchange.Lookup, and remembers the value.
func (s *Secrets) Lookup(name string) (string, bool) {
	value, ok := os.LookupEnv(name)
	if value != "" {
		s.used = append(s.used, variable{name, value})
	}
	return value, ok
}

// Hide replaces each secret in a text by ${NAME}: its value as it is, and its value
// escaped for a URL or a form.
func (s *Secrets) Hide(text string) string {
	for _, v := range s.used {
		text = strings.ReplaceAll(text, v.value, "${"+v.name+"}")
		text = strings.ReplaceAll(text, url.QueryEscape(v.value), "${"+v.name+"}")
	}
	return text
}

// Excerpt returns the first 200 bytes of the body of an answer on one line, without
// secrets.
func (s *Secrets) Excerpt(a exchange.Answer) string {
	const most = 200
	text := strings.Join(strings.Fields(s.Hide(string(a.Body))), " ")
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
