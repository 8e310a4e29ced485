package keys

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/yamltext"
)

// Encode writes the struct that v points to as YAML: one line a key, and one an item of a
// list of mappings or texts. It is the way back of [Read].
func (m *Marks) Encode(v any) string {
	var b strings.Builder
	s := reflect.ValueOf(v).Elem()
	for _, k := range Of(s.Type()) {
		v := s.FieldByIndex(k.Index)
		if lines, ok := m.lines(v); ok {
			if len(lines) > 0 {
				b.WriteString(k.Name + ":\n  - " + strings.Join(lines, "\n  - ") + "\n")
			}
			continue
		}
		t, ok := m.tree(v, k)
		switch {
		case !ok:
		case k.Tag.Get("block") == "true":
			b.WriteString(k.Name + ":")
			t.Block(&b, "  ")
		default:
			b.WriteString(k.Name + ": " + t.Line() + "\n")
		}
	}
	return b.String()
}

// lines returns the items of a list that has one a line, and false for any other
// value: lists of words stand on one line.
func (m *Marks) lines(v reflect.Value) (items []string, ok bool) {
	words := []reflect.Type{reflect.TypeFor[[]Slug](), reflect.TypeFor[[]Word]()}
	if v.Kind() != reflect.Slice || slices.Contains(words, v.Type()) {
		return nil, false
	}
	for i := range v.Len() {
		t, _ := m.tree(v.Index(i), Key{})
		items = append(items, t.Line())
	}
	return items, true
}

// inOrder returns the keys of a struct in the order in which they are written.
func inOrder(t reflect.Type) []Key {
	last := func(k Key) int {
		if k.Tag.Get("last") == "true" {
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(Of(t)), func(a, b Key) int { return last(a) - last(b) })
}

// tree returns the tree of a value, and false if it need not be written.
func (m *Marks) tree(v reflect.Value, k Key) (yamltext.Tree, bool) {
	switch x := v.Addr().Interface().(type) {
	case Leaf:
		return m.leaf(x, k)
	case Shorthand:
		if len(m.GivenOf(x)) == 1 && m.Given(x.Short()) {
			return m.tree(reflect.ValueOf(x.Short()).Elem(), Key{})
		}
	case interface {
		items() map[string]reflect.Value
	}:
		return m.mapped(x.items()), m.Given(x)
	}
	if v.Kind() == reflect.Slice {
		t := yamltext.Tree{List: true}
		for i := range v.Len() {
			item, _ := m.tree(v.Index(i), Key{})
			t.Children = append(t.Children, item)
		}
		return t, v.Len() > 0
	}
	var t yamltext.Tree
	for _, k := range inOrder(v.Type()) {
		if child, ok := m.tree(v.FieldByIndex(k.Index), k); ok {
			t.Keys, t.Children = append(t.Keys, k.Name), append(t.Children, child)
		}
	}
	return t, m.Given(v.Addr().Interface())
}

// leaf returns the tree of a scalar. The default need not be written.
func (m *Marks) leaf(l Leaf, k Key) (yamltext.Tree, bool) {
	text := l.Scalar().Text
	if k.Default != "" {
		same := reflect.New(reflect.TypeOf(l).Elem()).Interface().(Leaf)
		Must(same.Scalar().Scan(k.Default))
		if same.Scalar().Text == text {
			return yamltext.Tree{}, false
		}
	}
	switch l.(type) {
	case *Yes, *Word, *Slug:
		return yamltext.Tree{Text: text}, m.Given(l) // their words are plain
	}
	return yamltext.TextTree(text), m.Given(l)
}

// mapped returns the tree of a mapping whose names are free, in their order.
func (m *Marks) mapped(items map[string]reflect.Value) yamltext.Tree {
	var t yamltext.Tree
	for _, name := range slices.Sorted(maps.Keys(items)) {
		item, _ := m.tree(items[name], Key{})
		t.Keys, t.Children = append(t.Keys, yamltext.Quote(name, true)), append(t.Children, item)
	}
	return t
}
