package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// encode writes the structs of format.go as YAML: one line a key, and one an
// event or threshold. It is the way back of decode.go.
func encode(f *file) string {
	var b strings.Builder
	s := reflect.ValueOf(f).Elem()
	for _, k := range keysOf(s.Type()) {
		v := s.FieldByIndex(k.index)
		if lines, ok := lines(v); ok {
			if len(lines) > 0 {
				b.WriteString(k.name + ":\n  - " + strings.Join(lines, "\n  - ") + "\n")
			}
			continue
		}
		t, ok := treeOf(v, k)
		_, blocks := reflect.TypeAssert[*subject](v.Addr())
		switch {
		case !ok:
		case blocks:
			b.WriteString(k.name + ":")
			t.block(&b, "  ")
		default:
			b.WriteString(k.name + ": " + alone(v, t) + "\n")
		}
	}
	return b.String()
}

// lines returns the items of a list that has one a line, and false for any other
// value: lists of words stand on one line.
func lines(v reflect.Value) (items []string, ok bool) {
	words := []reflect.Type{reflect.TypeFor[[]slug](), reflect.TypeFor[[]word]()}
	if v.Kind() != reflect.Slice || slices.Contains(words, v.Type()) {
		return nil, false
	}
	for i := range v.Len() {
		t, _ := treeOf(v.Index(i), key{})
		items = append(items, alone(v.Index(i), t))
	}
	return items, true
}

// alone returns a value that stands on a line: a scalar in it needs no quotes for a
// comma.
func alone(v reflect.Value, t tree) string {
	if l, ok := reflect.TypeAssert[printed](v.Addr()); ok {
		text, _ := encodeLeaf(l, key{}, false)
		return text
	}
	return t.flow()
}

// printed is a leaf that can be written: every one.
type printed interface {
	given() bool
	text() string // what scan would read
}

func encodeLeaf(l printed, k key, brackets bool) (string, bool) {
	text := l.text()
	if k.fallback != "" {
		same := reflect.New(reflect.TypeOf(l).Elem()).Interface().(leaf)
		must(same.scan(k.fallback))
		if same.(printed).text() == text {
			return "", false
		}
	}
	switch l.(type) {
	case *yes, *word, *slug:
		return text, l.given() // their words are plain
	}
	return quoted(text, brackets), l.given()
}

// inOrder returns the keys of a struct in the order in which they are written:
// how long an event lasts comes after what it is.
func inOrder(t reflect.Type) []key {
	keys := keysOf(t)
	if t != reflect.TypeFor[event]() && t != reflect.TypeFor[nemesisEntry]() {
		return keys
	}
	last := func(k key) bool { return k.name == "for" || k.name == "phase" }
	return append(slices.DeleteFunc(slices.Clone(keys), last), slices.DeleteFunc(keys, func(k key) bool { return !last(k) })...)
}

// quoted returns a text as a YAML scalar: as it is if YAML reads it so, and
// otherwise in single quotes, or in double ones if it is more than printable
// characters on one line.
func quoted(s string, brackets bool) string {
	if isPlain(s, brackets) {
		return s
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return escaped(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// escaped returns a text in double quotes.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

func isPlain(s string, brackets bool) bool {
	if s == "" || strings.HasSuffix(s, " ") || slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", ".inf", ".nan"}, strings.ToLower(s)) {
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == 'µ'
		inside := " '-+*/%=<>()_"
		if !brackets {
			inside += ","
		}
		if !letter && r != '.' && (i == 0 || !strings.ContainsRune(inside, r)) {
			return false
		}
	}
	return true
}

// The leaves, each in the form its scan takes.

func (v *text) text() string  { return v.s }
func (v *slug) text() string  { return v.s }
func (v *word) text() string  { return v.s }
func (v *yes) text() string   { return "true" }
func (v *count) text() string { return decimal(v.n) }

func (v *duration) text() string { return FormatDuration(v.d) }
func (v *durations) text() string {
	if v.least == v.most {
		return FormatDuration(v.most)
	}
	return FormatDuration(v.least) + ".." + FormatDuration(v.most)
}
func (v *share) text() string   { return FormatShare(v.f) }
func (v *offset) text() string  { return FormatDuration(v.d) }
func (v *bitrate) text() string { return FormatRate(v.bps) }
func (v *size) text() string    { return FormatSize(v.bytes) }

func (v *queue) text() string {
	if v.d > 0 {
		return FormatDuration(v.d)
	}
	return FormatSize(v.bytes)
}

func (v *reference) text() string { return v.s }
func (v *frequency) text() string { return FormatFrequency(v.hz) }
func (v *money) text() string     { return formatMoney(v.minor, v.minor, v.currency) }
func (v *amounts) text() string   { return formatMoney(v.least, v.most, v.currency) }
