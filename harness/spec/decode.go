package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/nearest"
	"github.com/onebar/onebar/harness/yamltext"
)

// place is where something stands in the file; line 0 is nowhere.
type place struct{ line, col int }

func (p place) given() bool      { return p.line > 0 }
func (p *place) standAt(q place) { *p = q }

// placeOf returns where a value begins.
func placeOf(n ast.Node) place {
	line, col := yamltext.Position(n)
	return place{line, col}
}

// decoder walks the syntax tree into the structs of format.go and collects the
// mistakes.
type decoder struct {
	file     string
	lines    []string
	foreign  bool // the file is none of onebar's: its lines are not shown
	mistakes yamltext.Mistakes
	rules    yamltext.Mistakes // rules between keys that are broken
	lib      Library
	traces   map[string]*harness.Trace // those read from files, nil if wrong
	scope    scope                     // what a link may name
	script   time.Duration             // its length; 0 is not known
	wallets  int64                     // of the workload; 0 is not known
}

func (d *decoder) err() error {
	if len(d.mistakes)+len(d.rules) == 0 {
		return nil
	}
	return append(d.mistakes, d.rules...).Sorted(d.file)
}

func (d *decoder) errorf(at place, format string, args ...any) {
	d.mistakes = append(d.mistakes, d.mistake(at, fmt.Sprintf(format, args...)))
}

func (d *decoder) mistake(at place, text string) yamltext.Mistake {
	lines := d.lines
	if d.foreign {
		lines = nil
	}
	return yamltext.NewMistake(d.file, lines, at.line, at.col, text)
}

// The structs of format.go are made of these.
type (
	// leaf is a value written as one scalar. It embeds mark.
	leaf interface {
		marked
		scan(text string) error // takes the value, or says what is wrong with it
		text() string           // what scan would read
		wants() string          // what is expected, for messages
		parts() []any           // pointers to what it holds, as its plain form has it
	}
	// marked is what mark implements.
	marked interface {
		accept(at place) // the value is good
		standAt(place)   // the value was given, good or not
		given() bool     // good or not
		good() bool      // whether there is a value, be it the default
	}
	// measured is a leaf with a range.
	measured interface {
		leaf
		measure() float64
	}
	// judged is a measured whose range may be checked elsewhere.
	judged interface{ elsewhere() bool }
	// shorthand is a struct that may also be written as one scalar.
	shorthand interface{ short() leaf }
	// custom decodes itself.
	custom interface {
		decode(d *decoder, n ast.Node)
	}
	// placed is a struct that remembers where it stands.
	placed interface{ standAt(place) }
)

// into decodes a mapping into the struct v points to. What names it for
// messages.
func (d *decoder) into(n ast.Node, v any, what string) {
	at := placeOf(n)
	s := reflect.ValueOf(v).Elem()
	keys := keysOf(s.Type())
	v.(placed).standAt(at)
	defer d.keep(v, keys, at)
	pairs, ok := d.pairs(n, what)
	if !ok {
		return
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == p.name })
		if i < 0 {
			d.errorf(p.place, "unknown key %q in %s; %s", p.name, what, suggest(p.name, names(keys)))
			continue
		}
		seen[p.name] = true
		d.value(p.value, s.FieldByIndex(keys[i].index).Addr().Interface(), keys[i])
	}
	for _, k := range keys {
		if seen[k.name] {
			continue
		}
		if k.required {
			d.errorf(at, "%s has no %s: %s", what, k.name, k.doc)
		}
		if k.fallback != "" {
			l := s.FieldByIndex(k.index).Addr().Interface().(leaf)
			must(l.scan(k.fallback))
			l.accept(place{})
		}
	}
}

// must guards what depends on format.go alone and not on any input: a wrong tag
// there fails the tests.
func must(err error) {
	if err != nil {
		panic("spec: mistake in format.go: " + err.Error())
	}
}

// pair is one key of a mapping in the file.
type pair struct {
	place
	name  string
	value ast.Node
}

// pairs returns the pairs of a mapping and false if n is none. Of a key given
// twice only the first counts.
func (d *decoder) pairs(n ast.Node, what string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.errorf(placeOf(n), "%s is %s; expected keys with values", what, yamltext.Describe(n))
		return nil, false
	}
	var pairs []pair
	first := map[string]int{}
	for _, v := range values {
		at := placeOf(v.Key)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			d.errorf(at, "merge keys are not supported; write the values out")
			continue
		}
		name, ok := yamltext.Scalar(v.Key)
		if !ok {
			d.errorf(at, "a key of %s is %s; expected a word", what, yamltext.Describe(v.Key))
			continue
		}
		if line, twice := first[name]; twice {
			d.errorf(at, "%s stands here a second time; it is already given on line %d", name, line)
			continue
		}
		first[name] = at.line
		pairs = append(pairs, pair{at, name, v.Value})
	}
	return pairs, true
}

// value decodes one value of a key into the field v points to.
func (d *decoder) value(n ast.Node, v any, k key) {
	switch v := v.(type) {
	case custom:
		v.decode(d, n)
		return
	case leaf:
		d.leaf(n, v, k)
		return
	case shorthand:
		if _, ok := yamltext.Scalar(n); ok {
			v.(placed).standAt(placeOf(n))
			d.leaf(n, v.short(), k)
			return
		}
	}
	slot := reflect.ValueOf(v).Elem()
	if slot.Kind() != reflect.Slice {
		d.into(n, v, k.name)
		return
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.errorf(placeOf(n), "%s is %s; expected a list", k.name, yamltext.Describe(n))
		return
	}
	for _, n := range seq.Values {
		slot.Set(reflect.Append(slot, reflect.Zero(slot.Type().Elem())))
		d.value(n, slot.Index(slot.Len()-1).Addr().Interface(), k)
	}
}

// named is a mapping whose names are free.
type named[T any] struct {
	place
	m  map[string]*T
	at map[string]place // of the names
}

func (v *named[T]) decode(d *decoder, n ast.Node) { v.read(d, n, "the mapping", "") }

// read decodes a mapping that is called what in messages, and an item of it by its name
// after a prefix.
func (v *named[T]) read(d *decoder, n ast.Node, what, prefix string) {
	v.place, v.m, v.at = placeOf(n), map[string]*T{}, map[string]place{}
	pairs, _ := d.pairs(n, what)
	for _, p := range pairs {
		v.m[p.name], v.at[p.name] = new(T), p.place
		d.value(p.value, v.m[p.name], key{name: prefix + p.name})
	}
}

// items returns what is in the mapping, by name.
func (v *named[T]) items() map[string]reflect.Value {
	items := map[string]reflect.Value{}
	for name, item := range v.m {
		items[name] = reflect.ValueOf(item).Elem()
	}
	return items
}

func (d *decoder) leaf(n ast.Node, l leaf, k key) {
	at := placeOf(n)
	l.standAt(at)
	text, ok := yamltext.Scalar(n)
	if !ok {
		d.errorf(at, "%s is %s; expected %s%s", k.name, yamltext.Describe(n), wanted(l, k), unquoted(n, l))
		return
	}
	if k.words != "" && !slices.Contains(strings.Fields(k.words), text) {
		d.errorf(at, "%s %q is not known; %s", k.name, text, suggest(text, strings.Fields(k.words)))
		return
	}
	if err := l.scan(text); err != nil {
		d.errorf(at, "%s %q %v; expected %s", k.name, text, err, wanted(l, k))
		return
	}
	if _, isText := n.(*ast.StringNode); isText && !isQuoted(l) {
		d.errorf(at, "%s %q is a text, in quotes; write it without them", k.name, text)
		return
	}
	if m, ok := l.(measured); ok && !inRange(m, k) {
		d.errorf(at, "%s %s is out of range; expected %s", k.name, text, ranged(k))
		return
	}
	l.accept(at)
}

// isQuoted reports whether a value may be a text for YAML, as all but bare numbers and
// true are.
func isQuoted(l leaf) bool {
	switch l.(type) {
	case *count, *number, *yes:
		return false
	}
	return true
}

// unquoted adds to a message about a text that YAML takes for a mapping because
// of a colon in it, as in the threshold p95(confirm, phase: tunnel) < 8s.
func unquoted(n ast.Node, l leaf) string {
	m, ok := n.(*ast.MappingNode)
	if _, isText := l.(*text); !ok || !isText || m.IsFlowStyle || len(m.Values) != 1 {
		return ""
	}
	key, first := yamltext.Scalar(m.Values[0].Key)
	value, second := yamltext.Scalar(m.Values[0].Value)
	if !first || !second {
		return ""
	}
	return fmt.Sprintf(", which needs quotes if it has a colon: '%s: %s'", key, value)
}

// suggest ends a message about a word that is not among the options: the
// nearest one if it is near, otherwise all of them.
func suggest(word string, options []string) string {
	if len(options) == 0 {
		return "there are none"
	}
	if len(options) == 1 || len(word) < 3 {
		return "expected " + oneOf(options)
	}
	if best := nearest.Word(word, options); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "expected " + oneOf(options)
}

func oneOf(options []string) string {
	if len(options) == 1 {
		return options[0]
	}
	return "one of " + strings.Join(options, ", ")
}

func wanted(l leaf, k key) string {
	if k.words != "" {
		return oneOf(strings.Fields(k.words))
	}
	return l.wants()
}

// ranged returns the range of a key for people.
func ranged(k key) string { return strings.Replace(k.limits, "..", " to ", 1) }

func inRange(m measured, k key) bool {
	if j, ok := m.(judged); k.limits == "" || ok && j.elsewhere() {
		return true
	}
	lowest, highest, _ := strings.Cut(k.limits, "..")
	got := m.measure()
	return got >= limit(m, lowest) && got <= limit(m, highest)
}

// limit measures the text of a limit with a fresh value of the type of m.
func limit(m measured, text string) float64 {
	l := reflect.New(reflect.TypeOf(m).Elem()).Interface().(measured)
	must(l.scan(text))
	return l.measure()
}
