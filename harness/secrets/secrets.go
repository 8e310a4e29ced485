// Package secrets keeps values that must not be shown out of text for people: a server
// may echo them, and a database names them in its errors. A [Set] hides each value in
// every form in which a request may contain it: as it is, escaped for a URL or for JSON,
// and in Base64, alone or with other text before and after it, as in HTTP's Basic
// authentication (RFC 7617).
package secrets

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Set holds values to hide. The zero value is ready. Add, AddDSN and Lookup must not be
// called at the same time as another method.
type Set struct{ forms []form }

// form is one way to write a value.
type form struct {
	text, shown string
	word        bool // only where no letter or digit is next to it
}

// Lengths in bytes. A shorter text is a part of other words by chance.
const (
	anywhere = 8 // from which a form is hidden within words, too
	shortest = 2 // from which it is hidden at all
	decoded  = 4 // from which a part of a value is hidden by itself
)

// Lookup returns a variable of the environment, as os.LookupEnv does, and adds its value.
func (s *Set) Lookup(name string) (string, bool) {
	value, ok := os.LookupEnv(name)
	s.Add(value, "${"+name+"}")
	return value, ok
}

// AddVariables adds the variables of the environment that a text of a scenario refers to
// by ${NAME}; $${ stands for ${ itself.
func (s *Set) AddVariables(text string) {
	for _, m := range regexp.MustCompile(`(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}`).FindAllStringSubmatch(text, -1) {
		if m[1] == "" {
			s.Lookup(m[2])
		}
	}
}

// Add adds a value with the passwords in it, and what is shown instead of it.
func (s *Set) Add(value, shown string) {
	s.add(shown, value, url.QueryEscape(value), url.PathEscape(value), quoted(value, true), quoted(value, false))
	s.add(shown, encodings(value)...)
	for _, plain := range decodings(value) {
		s.add(shown, plain)
		if _, password, ok := strings.Cut(plain, ":"); ok && len(password) >= decoded {
			s.add(shown, password)
		}
	}
	s.add(shown, passwords(value)...)
	slices.SortStableFunc(s.forms, func(a, b form) int { return cmp.Compare(len(b.text), len(a.text)) })
}

// AddDSN adds the data source name of a database, and the passwords in it. shown is how
// the name is written where everybody may read it.
func (s *Set) AddDSN(dsn, shown string) {
	for _, password := range passwords(dsn) {
		s.Add(password, "***")
	}
	if dsn != shown {
		s.Add(dsn, shown)
	}
}

func (s *Set) add(shown string, texts ...string) {
	for _, text := range texts {
		f := form{text: text, shown: shown, word: len(text) < anywhere}
		if len(text) >= shortest && !slices.ContainsFunc(s.forms, func(o form) bool { return o.text == text }) {
			s.forms = append(s.forms, f)
		}
	}
}

// quoted returns a value as a string of JSON without its quotes, with or without the
// characters of HTML escaped.
func quoted(value string, html bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	_ = e.Encode(value) // a string can always be encoded
	return strings.Trim(strings.TrimSpace(b.String()), `"`)
}

// encodings returns what Base64 makes of a value whatever comes before and after it: at
// each of the three places in a group of bytes, the digits that depend on the value
// alone. Few digits are left out: they are in many texts.
func encodings(value string) (all []string) {
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := e.EncodeToString([]byte(strings.Repeat("\x00", before) + value))
			begin := []int{0, 2, 3}[before]
			end := len(text)
			if (before+len(value))%3 != 0 {
				end-- // the next byte has a part in it
			}
			if end-begin >= anywhere {
				all = append(all, text[begin:end])
			}
		}
	}
	return all
}

// decodings returns what a value stands for if it is Base64 of a text.
func decodings(value string) (all []string) {
	trimmed := strings.TrimRight(value, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		b, err := e.DecodeString(trimmed)
		if err == nil && len(b) >= decoded && printable(string(b)) {
			all = append(all, string(b))
		}
	}
	return all
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// passwords returns the passwords in a data source name: of a URL, of libpq's keys and
// values, and of go-sql-driver/mysql's user:password@protocol(address).
func passwords(dsn string) (all []string) {
	if u, err := url.Parse(dsn); err == nil {
		if p, ok := u.User.Password(); ok {
			all = append(all, p)
		}
	}
	for _, pattern := range []string{
		`(?i)(?:password|passwd|pwd)\s*=\s*'((?:[^'\\]|\\.)*)'`,
		`(?i)(?:password|passwd|pwd)\s*=\s*([^\s'&;]+)`,
		`^[^:/@]*:(.*)@\w*(?:\(|/)`,
		`^\w+://[^:/@]*:([^@]*)@`,
	} {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(dsn, -1) {
			all = append(all, m[1])
		}
	}
	return all
}

// Hide returns a text in which each value is replaced by what is shown instead. What was
// put in is not searched again.
func (s *Set) Hide(text string) string {
	var there []form
	for _, f := range s.forms {
		if strings.Contains(text, f.text) {
			there = append(there, f)
		}
	}
	if len(there) == 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		n := slices.IndexFunc(there, func(f form) bool { return f.at(text, i) })
		if n < 0 {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(there[n].shown)
		i += len(there[n].text)
	}
	return b.String()
}

// at reports whether the form is in a text at a place, and is to be hidden there.
func (f form) at(text string, i int) bool {
	if !strings.HasPrefix(text[i:], f.text) {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i+len(f.text):])
	return !f.word || !inWord(before) && !inWord(after)
}

// inWord reports whether a character is part of a word. The error character, which also
// stands for the end of a text, is not.
func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
