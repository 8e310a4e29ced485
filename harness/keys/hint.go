package keys

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness/nearest"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/yamltext"
)

// maxNested is how deep allWays looks.
const maxNested = 4

// elsewhere ends a message about a key that a mapping of type t at a path does not have. It
// writes the line with the key that was meant, by [Kind.Synonyms] or by its name, be it in
// this mapping, in one within it, or elsewhere in the document.
func (r *Reader) elsewhere(p Pair, t reflect.Type, path string) string {
	scope, _, _ := strings.Cut(path[strings.LastIndex(path, ".")+1:], "[")
	name := strings.ReplaceAll(strings.ToLower(p.Name), "-", "_")
	word := cmp.Or(r.kind.Synonyms[scope+"."+name], r.kind.Synonyms[name], p.Name)
	word, fixed, _ := strings.Cut(word, "=")
	if way, value := r.wayTo(r.ways(t, word), p.Value); way != nil {
		value = cmp.Or(fixed, value)
		if len(way) == 1 && value == "" {
			return "did you mean " + `"` + way[0] + `"?`
		}
		return "write " + r.Instead(p.Place, r.width(p), inFlow(way, value))
	}
	options := Names(r.keysOf(t))
	if nearest.Word(p.Name, options) == "" || len(p.Name) < 3 {
		if way, value := r.wayTo(r.ways(r.root, word), p.Value); way != nil {
			return "a file has it as " + inFlow(way, cmp.Or(fixed, value))
		}
	}
	return Suggest(p.Name, options)
}

// way is the keys from a mapping to a value.
type way []string

// target is a value that a way leads to.
type target struct {
	way
	Key
	of   reflect.Type
	path string // the way with a dot before each key
}

// ways returns the ways from a mapping of a type to the keys that a word names, the shortest
// first. The word is the name of a key, or the end of a path such as both.delay; in the mapping
// itself its last key is enough.
func (r *Reader) ways(t reflect.Type, word string) (found []target) {
	last := word[strings.LastIndex(word, ".")+1:]
	for _, to := range r.allWays(t) {
		if len(to.way) == 1 && to.Name == last || strings.HasSuffix(to.path, "."+word) {
			found = append(found, to)
		}
	}
	return found
}

// allWays returns the ways from a mapping of a type, the shortest first. Lists are not entered.
func (r *Reader) allWays(t reflect.Type) []target {
	if all, known := r.within[t]; known {
		return all
	}
	all := []target{{of: t}}
	for i := 0; i < len(all); i++ { // it grows meanwhile
		from := all[i]
		if from.of.Kind() != reflect.Struct || len(from.way) == maxNested {
			continue
		}
		for _, k := range r.keysOf(from.of) {
			all = append(all, target{append(slices.Clone(from.way), k.Name), k, from.of.FieldByIndex(k.Index).Type, from.path + "." + k.Name})
		}
	}
	r.within[t] = all[1:]
	return all[1:]
}

// wayTo returns the first way to where a value fits, with the value as it is written there,
// or the first of all, without a value. A value that is no scalar has none, too.
func (r *Reader) wayTo(all []target, n Node) (way, string) {
	text, scalar := yamltext.Scalar(n)
	for _, to := range all {
		l := leafOf(to.of)
		if !scalar && l == nil {
			return to.way, ""
		}
		if scalar && l != nil {
			if value, ok := repaired(l, to.Key, text); ok {
				return to.way, value
			}
		}
	}
	if len(all) == 0 {
		return nil, ""
	}
	return all[0].way, ""
}

// leafOf returns a leaf for the scalar that a value of a type may be written as, or nil.
func leafOf(t reflect.Type) Leaf {
	switch v := reflect.New(t).Interface().(type) {
	case Leaf:
		return v
	case Shorthand:
		return v.Short()
	}
	return nil
}

// repaired returns a text that a leaf takes: this one, or one that was meant by it. A number
// without a unit may be a time in seconds or in milliseconds: nothing is said of it.
func repaired(l Leaf, k Key, text string) (string, bool) {
	takes := func(t string) bool {
		fresh := reflect.New(reflect.TypeOf(l).Elem()).Interface().(Leaf)
		return (len(k.Words) == 0 || slices.Contains(k.Words, t)) && fresh.Scalar().Scan(t) == nil && k.Holds(fresh)
	}
	meant := quantity.Meant(text)
	if l.Scalar().Scan(text+"ms") == nil {
		meant = nil
	}
	for _, t := range append([]string{text}, meant...) {
		if takes(t) {
			if _, isText := l.(*Text); isText {
				t = yamltext.Quote(t, true)
			}
			return t, true
		}
	}
	return "", false
}

// repair ends a message about a text that a leaf does not take.
func (r *Reader) repair(n Node, l Leaf, k Key, text string) string {
	if t, ok := repaired(l, k, text); ok {
		at := placeOf(n)
		return "write " + r.Instead(at, r.widthOf(n, at), t)
	}
	return "expected " + wanted(l, k)
}

// listed ends a message about a value that should have been a list.
func listed(n Node, items reflect.Type, k Key) string {
	text, ok := yamltext.Scalar(n)
	switch {
	case !ok:
		return ""
	case items == reflect.TypeFor[Text]():
		text = yamltext.Quote(text, true)
	default:
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), ", ")
	}
	return "; write " + k.Name + ": [" + text + "]"
}

// alone ends a message about a list that should have been one value.
func alone(n Node, k Key) string {
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) > 0 {
		if text, ok := yamltext.Scalar(seq.Values[0]); ok {
			return "; write " + k.Name + ": " + text
		}
	}
	return ""
}

// width returns how many characters a key and its value have, 0 if that is not on one line.
func (r *Reader) width(p Pair) int {
	at := placeOf(p.Value)
	if n := r.widthOf(p.Value, at); n > 0 && at.Line == p.Line {
		return at.Column - p.Column + n
	}
	return 0
}

// widthOf returns how many characters a scalar has in the document, 0 if that is not on one
// line.
func (r *Reader) widthOf(n Node, at Place) int {
	text, ok := yamltext.Scalar(n)
	start := r.Inside(at, text, 1, 1)
	if !ok || start.Line != at.Line || strings.Contains(text, "\n") {
		return 0
	}
	return len([]rune(text)) + 2*(start.Column-at.Column)
}

// inFlow writes a value at the end of a way.
func inFlow(w way, value string) string {
	text := cmp.Or(value, "…")
	for i, name := range slices.Backward(w) {
		if text = name + ": " + text; i > 0 {
			text = "{" + text + "}"
		}
	}
	return text
}
