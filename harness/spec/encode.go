package spec

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/yamltext"
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
			t.Block(&b, "  ")
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
func alone(v reflect.Value, t yamltext.Tree) string {
	if l, ok := reflect.TypeAssert[leaf](v.Addr()); ok {
		text, _ := encodeLeaf(l, key{}, false)
		return text
	}
	return t.Flow()
}

func encodeLeaf(l leaf, k key, brackets bool) (string, bool) {
	text := l.text()
	if k.fallback != "" {
		same := reflect.New(reflect.TypeOf(l).Elem()).Interface().(leaf)
		must(same.scan(k.fallback))
		if same.text() == text {
			return "", false
		}
	}
	switch l.(type) {
	case *yes, *word, *slug:
		return text, l.given() // their words are plain
	}
	return yamltext.Quote(text, brackets), l.given()
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

// treeOf returns the tree of a value, and false if it need not be written.
func treeOf(v reflect.Value, k key) (yamltext.Tree, bool) {
	switch x := v.Addr().Interface().(type) {
	case leaf:
		t := yamltext.TextTree(x.text())
		text, ok := encodeLeaf(x, k, true)
		t.Text = text
		return t, ok
	case shorthand:
		if len(givenOf(x)) == 1 && x.short().given() {
			return treeOf(reflect.ValueOf(x.short()).Elem(), key{})
		}
	case interface {
		items() map[string]reflect.Value
	}:
		return mapped(x.items()), isGiven(v)
	}
	if v.Kind() == reflect.Slice {
		t := yamltext.Tree{List: true}
		for i := range v.Len() {
			item, _ := treeOf(v.Index(i), key{})
			t.Children = append(t.Children, item)
		}
		return t, v.Len() > 0
	}
	var t yamltext.Tree
	for _, k := range inOrder(v.Type()) {
		if child, ok := treeOf(v.FieldByIndex(k.index), k); ok {
			t.Keys, t.Children = append(t.Keys, k.name), append(t.Children, child)
		}
	}
	return t, isGiven(v)
}

// mapped returns the tree of a mapping whose names are free, in their order.
func mapped(items map[string]reflect.Value) yamltext.Tree {
	var t yamltext.Tree
	for _, name := range slices.Sorted(maps.Keys(items)) {
		item, _ := treeOf(items[name], key{})
		t.Keys, t.Children = append(t.Keys, yamltext.Quote(name, true)), append(t.Children, item)
	}
	return t
}

// The leaves, each in the form its scan takes.

func (v *yes) text() string   { return "true" }
func (v *count) text() string { return strconv.FormatInt(v.n, 10) }

func (v *duration) text() string { return quantity.FormatDuration(v.d) }
func (v *durations) text() string {
	if v.least == v.most {
		return quantity.FormatDuration(v.most)
	}
	return quantity.FormatDuration(v.least) + ".." + quantity.FormatDuration(v.most)
}
func (v *share) text() string   { return quantity.FormatShare(v.f) }
func (v *offset) text() string  { return quantity.FormatDuration(v.d) }
func (v *bitrate) text() string { return quantity.FormatRate(v.bps) }
func (v *size) text() string    { return quantity.FormatSize(v.bytes) }

func (v *queue) text() string {
	if v.d > 0 {
		return quantity.FormatDuration(v.d)
	}
	return quantity.FormatSize(v.bytes)
}

func (v *frequency) text() string { return quantity.FormatFrequency(v.hz) }
func (v *money) text() string     { return quantity.FormatAmounts(v.minor, v.minor, v.currency) }
func (v *amounts) text() string   { return quantity.FormatAmounts(v.least, v.most, v.currency) }
