package keys

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness/keys/key"
	"github.com/onebar/onebar/harness/nearest"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/yamltext"
)

// maxNested is how deep allWays looks.
const maxNested = 4

// meaning is a pair of a mapping, and what its key and value are here. An unknown key may
// be meant for a mapping within.
type meaning struct {
	Pair
	known bool
	way              // nil: the mapping has no such key
	word  string     // the key by [Kind.Synonyms], or as it is
	value string     // as it is written at the end of the way; empty: it fits nowhere, or is no scalar
	same  []*meaning // all of the mapping that begin with the same key
	rest  string     // a second pair that the value needs, such as for: 20s; empty is none
}

// meant returns what the pairs of a mapping of v at a path mean, by their names.
func (r *Reader) meant(v any, pairs []Pair, path string) map[string]*meaning {
	t := reflect.TypeOf(v).Elem()
	scope, _, _ := strings.Cut(path[strings.LastIndex(path, ".")+1:], "[")
	all, names, same := map[string]*meaning{}, Names(r.keysOf(t)), map[string][]*meaning{}
	for _, p := range pairs {
		m := &meaning{Pair: p, known: slices.Contains(names, p.Name), way: way{p.Name}}
		if m.known {
			m.value, _ = yamltext.Scalar(p.Value)
		} else {
			r.mean(m, t, scope)
		}
		all[p.Name] = m
		if m.way != nil {
			same[m.way[0]] = append(same[m.way[0]], m)
		}
	}
	for _, m := range all {
		if m.way != nil {
			m.same = same[m.way[0]]
		}
		if key, _, _ := strings.Cut(m.rest, ":"); same[key] != nil {
			m.rest = ""
		}
	}
	return all
}

// mean fills in what an unknown key means in a mapping of type t that messages call scope.
func (r *Reader) mean(m *meaning, t reflect.Type, scope string) {
	name := strings.ReplaceAll(strings.ToLower(m.Name), "-", "_")
	word := cmp.Or(r.kind.Synonyms[scope+"."+name], r.kind.Synonyms[name], m.Name)
	word, fixed, _ := strings.Cut(word, "=")
	m.word = word
	m.way, m.value = r.wayTo(r.ways(t, word), m.Value)
	m.value = cmp.Or(fixed, m.value)
	length := r.kind.Synonyms[scope+".duration"]
	barred := func(rule Rule) bool {
		return slices.Contains(rule.If, word+"="+fixed) && slices.Contains(rule.Bars, length)
	}
	if text, scalar := yamltext.Scalar(m.Value); scalar && fixed != "" && !slices.ContainsFunc(key.RulesOf(t), barred) {
		m.rest = r.lasting(t, length, text)
	}
	short, isShort := reflect.TypeAssert[Shorthand](reflect.New(t))
	if _, empty := m.Value.(*ast.NullNode); empty && isShort && m.way == nil && short.Short().Scalar().Scan(m.Name) == nil {
		m.way, m.value = way{r.shortKey(t)}, m.Name
	}
}

// lasting returns a pair of the key that a mapping of type t has for a length, if a text is
// one: an outage of 20s is a fault for 20s.
func (r *Reader) lasting(t reflect.Type, key, text string) string {
	for _, to := range r.ways(t, key) {
		if l := leafOf(to.of); key != "" && l != nil && len(to.way) == 1 {
			if value, ok := repaired(l, to.Key, text); ok {
				return key + ": " + value
			}
		}
	}
	return ""
}

// elsewhere ends a message about a key that a mapping of type t does not have. It writes the
// line with the key that was meant, by [Kind.Synonyms] or by its name, be it in this
// mapping, in one within it, or elsewhere in the document.
func (r *Reader) elsewhere(m *meaning, t reflect.Type) string {
	if m.way != nil {
		switch {
		case len(m.same) > 1:
			return r.together(m, t)
		case len(m.way) == 1 && m.value == "":
			return "did you mean " + `"` + m.way[0] + `"?`
		}
		text := r.inFlow(t, m)
		switch {
		case m.rest != "" && r.leads(m.Place):
			return "write " + text + ", and " + m.rest + " on a line of its own"
		case m.rest != "":
			text += ", " + m.rest
		}
		return r.write(m.Place, r.width(m.Pair), text)
	}
	options := Names(r.keysOf(t))
	if nearest.Word(m.Name, options) == "" || len(m.Name) < 3 {
		there := *m
		if there.way, there.value = r.wayTo(r.ways(r.root, m.word), m.Value); there.way != nil {
			there.value = cmp.Or(m.value, there.value)
			return "a file has it as " + r.inFlow(r.root, &there)
		}
	}
	return Suggest(m.Name, options)
}

// maxTogether is how many keys a message writes as one.
const maxTogether = 4

// together ends a message about a key when others of its mapping are, or mean, the same key
// of the mapping: written each on its own, this key would stand twice.
func (r *Reader) together(m *meaning, t reflect.Type) string {
	key, names := m.way[0], []string{}
	for _, o := range m.same[:min(len(m.same), maxTogether)] {
		switch {
		case o.known && len(m.way) == 1:
			return fmt.Sprintf("that is %s, which line %d gives already", key, o.Line)
		case o.known:
			return "give it within " + key + ", as in " + r.inFlow(t, m.same...)
		}
		names = append(names, o.Name)
	}
	return "for " + strings.Join(names, " and ") + " write " + r.inFlow(t, m.same...)
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
	if _, isRate := l.(*Frequency); isRate && l.Scalar().Scan(text+"/s") == nil && k.Holds(l) {
		return fmt.Sprintf("write %s: %s/s or %[1]s: %[2]s/min", k.Name, text)
	}
	if t, ok := repaired(l, k, text); ok {
		at := placeOf(n)
		return r.write(at, r.widthOf(n, at), t)
	}
	return "expected " + wanted(l, k)
}

// listed ends a message about a value that should have been a list.
func listed(n Node, items reflect.Type, k Key) string {
	text, ok := yamltext.Scalar(n)
	pairs, isMapping := mapping(n)
	switch {
	case isMapping && len(pairs) > 0 && leafOf(items) == nil:
		value, _ := yamltext.Scalar(pairs[0].Value)
		return fmt.Sprintf("; begin each item with a dash, as in - {%s: %s, …}", pairs[0].Key, cmp.Or(value, "…"))
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
// In brackets a key may have neither a colon nor a value.
func (r *Reader) width(p Pair) int {
	if _, empty := p.Value.(*ast.NullNode); empty {
		if line := []rune(r.Lines[p.Line-1]); p.Column <= len(line) {
			if after, plain := strings.CutPrefix(string(line[p.Column-1:]), p.Name); plain && !strings.HasPrefix(strings.TrimLeft(after, " "), ":") {
				return len([]rune(p.Name))
			}
		}
		return 0
	}
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

// leads reports whether a key is the first of its line: it is not within brackets.
func (r *Reader) leads(at Place) bool {
	return strings.Trim(string([]rune(r.Lines[at.Line-1])[:at.Column-1]), " -") == ""
}

// inFlow writes the keys of a mapping of type t that all lead to one of its keys.
func (r *Reader) inFlow(t reflect.Type, all ...*meaning) string {
	var within yamltext.Tree
	for _, m := range all[:min(len(all), maxTogether)] {
		to := m.way
		if len(to) == 1 && len(all) > 1 { // a mapping cannot be a scalar, too
			i := slices.IndexFunc(r.allWays(t), func(o target) bool { return slices.Equal(o.way, to) })
			short := r.shortKey(r.allWays(t)[i].of)
			if short == "" || m.value == "" {
				continue
			}
			to = append(slices.Clone(to), short)
		}
		within.Put(to, cmp.Or(m.value, "…"))
	}
	if within.Keys == nil {
		return all[0].way[0] + ": " + cmp.Or(all[0].value, "…")
	}
	return strings.TrimSuffix(strings.TrimPrefix(within.Flow(), "{"), "}")
}

// shortKey returns the key of a [Shorthand] that its scalar is, or nothing.
func (r *Reader) shortKey(t reflect.Type) string {
	v, ok := reflect.TypeAssert[Shorthand](reflect.New(t))
	if !ok {
		return ""
	}
	fields := r.Fields(v)
	return fields[slices.IndexFunc(fields, func(f Field) bool { return f.Value == v.Short() })].Name
}
