package spec

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// tree is a value as it is written: a scalar, pairs, or a list.
type tree struct {
	text  string // of a scalar, within brackets
	lines string // of a scalar of several lines, as it is

	keys     []string // of pairs; nil is a list
	children []tree
	list     bool
}

// widest is the longest line in brackets of a subject.
const widest = 100

// treeOf returns the tree of a value, and false if it need not be written.
func treeOf(v reflect.Value, k key) (tree, bool) {
	switch x := v.Addr().Interface().(type) {
	case printed:
		text, ok := encodeLeaf(x, k, true)
		t := tree{text: text}
		if isLiteral(x.text()) {
			t.lines = x.text()
		}
		return t, ok
	case shorthand:
		if len(givenOf(x)) == 1 && x.short().(printed).given() {
			return treeOf(reflect.ValueOf(x.short()).Elem(), key{})
		}
	case *variables:
		return mapped(x.m, func(s string) tree { return treeOfText(s) }), x.given()
	case *sources:
		return mapped(x.m, func(s *source) tree { return treeOfText(s.s) }), x.given()
	case *containers:
		return mapped(x.m, func(c *container) tree {
			t, _ := treeOf(reflect.ValueOf(c).Elem(), key{})
			return t
		}), x.given()
	}
	if v.Kind() == reflect.Slice {
		t := tree{list: true}
		for i := range v.Len() {
			item, _ := treeOf(v.Index(i), key{})
			t.children = append(t.children, item)
		}
		return t, v.Len() > 0
	}
	var t tree
	for _, k := range inOrder(v.Type()) {
		if child, ok := treeOf(v.FieldByIndex(k.index), k); ok {
			t.keys, t.children = append(t.keys, k.name), append(t.children, child)
		}
	}
	return t, v.Addr().Interface().(interface{ given() bool }).given()
}

func treeOfText(s string) tree {
	t := tree{text: quoted(s, true)}
	if isLiteral(s) {
		t.lines = s
	}
	return t
}

// mapped returns the tree of a mapping whose names are free, in their order.
func mapped[T any](m map[string]T, of func(T) tree) tree {
	var t tree
	for _, name := range slices.Sorted(maps.Keys(m)) {
		t.keys, t.children = append(t.keys, quoted(name, true)), append(t.children, of(m[name]))
	}
	return t
}

// flow returns a tree in brackets.
func (t tree) flow() string {
	if t.list || len(t.keys) > 0 || t.text == "" {
		var items []string
		for i, c := range t.children {
			if t.list {
				items = append(items, c.flow())
			} else {
				items = append(items, t.keys[i]+": "+c.flow())
			}
		}
		if t.list {
			return "[" + strings.Join(items, ", ") + "]"
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return t.text
}

// fits reports whether a tree is written in brackets.
func (t tree) fits() bool {
	return t.lines == "" && len(t.flow()) <= widest && !slices.ContainsFunc(t.children, func(c tree) bool { return !c.fits() })
}

// block writes what comes after a key or a dash: on its line, or on lines of its
// own that are indented.
func (t tree) block(b *strings.Builder, indent string) {
	switch {
	case t.lines != "":
		b.WriteString(" |-\n")
		for line := range strings.Lines(t.lines) {
			b.WriteString(indent + strings.TrimSuffix(line, "\n") + "\n")
		}
	case len(t.children) == 0 || t.fits():
		b.WriteString(" " + t.flow() + "\n")
	case t.list:
		b.WriteString("\n")
		for _, c := range t.children {
			b.WriteString(indent + "-")
			if c.fits() || len(c.keys) == 0 {
				c.block(b, indent+"  ")
				continue
			}
			var pairs strings.Builder
			c.pairs(&pairs, indent+"  ")
			b.WriteString(" " + strings.TrimLeft(pairs.String(), " "))
		}
	default:
		b.WriteString("\n")
		t.pairs(b, indent)
	}
}

// pairs writes one key a line.
func (t tree) pairs(b *strings.Builder, indent string) {
	for i, c := range t.children {
		b.WriteString(indent + t.keys[i] + ":")
		c.block(b, indent+"  ")
	}
}

// isLiteral reports whether a text is written as its lines are. The parser drops
// the line break at the end of such a text, so one that has it is none.
func isLiteral(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n") || strings.ContainsAny(s[:1], " \t\n#") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if line == "" || strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return false
		}
	}
	return true
}
