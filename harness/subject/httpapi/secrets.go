package httpapi

import (
	"net/url"
	"os"
	"strings"

	"github.com/onebar/onebar/harness/exchange"
)

// secrets are the variables of the environment that a configuration has used. They
// stand in no message, whatever a server may echo.
type secrets struct{ used []variable }

type variable struct{ name, value string }

// lookup is an exchange.Lookup.
func (s *secrets) lookup(name string) (string, bool) {
	value, ok := os.LookupEnv(name)
	if value != "" {
		s.used = append(s.used, variable{name, value})
	}
	return value, ok
}

// hide returns a text with ${NAME} in the place of secrets, as they are and as a URL
// or a form has them.
func (s *secrets) hide(text string) string {
	for _, v := range s.used {
		text = strings.ReplaceAll(text, v.value, "${"+v.name+"}")
		text = strings.ReplaceAll(text, url.QueryEscape(v.value), "${"+v.name+"}")
	}
	return text
}

// excerpt returns the beginning of an answer, for people.
func (s *secrets) excerpt(a exchange.Answer) string {
	const most = 200
	text := strings.Join(strings.Fields(s.hide(string(a.Body))), " ")
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
