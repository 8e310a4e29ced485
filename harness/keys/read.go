package keys

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness/nearest"
	"github.com/onebar/onebar/harness/yamltext"
)

// Node is a node of a YAML document.
type Node = ast.Node

// placeOf returns where a value begins.
func placeOf(n Node) Place {
	line, col := yamltext.Position(n)
	return Place{Line: line, Column: col}
}

// Reader walks the syntax tree of a document into a struct and collects the mistakes.
type Reader struct {
	Marks
	yamltext.Text     // the document, whose File names it in messages
	Env           any // what the program needs to know in the methods of its types

	kind     Kind
	root     reflect.Type // of the document
	mistakes yamltext.Mistakes
	broken   yamltext.Mistakes // rules between keys that are broken
	instead  []instead
	read     int // how many mistakes there were when the document had been read
	rules    map[reflect.Type][]Rule
	within   map[reflect.Type][]target
}

// Kind is a kind of documents, as messages speak of it.
type Kind struct {
	What  string // the document, such as "the scenario"
	Empty string // what an empty one lacks, such as "a scenario begins with onebar: 1"
	One   string // that a file holds one of them
	Key   string // of the document, without which a file is not one; empty is none

	// Synonyms are keys and words as other tools call them, and what they are here: the name
	// of a key, or the end of its path, such as both.delay. A synonym may begin with the mapping
	// that it is for, as in timeline.duration, and what it is may end with the value that says it,
	// as in disconnect=blackhole.
	Synonyms map[string]string
}

// Read reads a document into the struct that v points to. If it is no YAML at all, or has
// nothing in it, v stays as it is and ok is false.
func Read(file string, data []byte, v any, kind Kind) (r *Reader, ok bool) {
	text, roots, wrong := yamltext.Read(file, data, kind.Key)
	r = &Reader{Text: text, kind: kind, root: reflect.TypeOf(v).Elem(), mistakes: wrong, rules: map[reflect.Type][]Rule{}, within: map[reflect.Type][]target{}}
	if len(wrong) > 0 {
		return r, false
	}
	if len(roots) == 0 {
		r.Errorf(Place{Line: 1, Column: 1}, "the file is empty; %s", kind.Empty)
		return r, false
	}
	if len(roots) > 1 {
		r.Errorf(placeOf(roots[1]), "a second YAML document begins; %s", kind.One)
	}
	r.into(roots[0], v, kind.What, "")
	r.read = len(r.mistakes)
	return r, true
}

// Err returns the mistakes, as [yamltext.Mistakes], or nil if there are none. Those that
// break a rule come after others of their place.
func (r *Reader) Err() error {
	if len(r.mistakes)+len(r.broken) == 0 {
		return nil
	}
	return r.told().Sorted(r.File)
}

// Errorf adds a mistake.
func (r *Reader) Errorf(at Place, format string, args ...any) {
	r.Add(r.Mistake(at.Line, at.Column, format, args...))
}

// Add adds mistakes, such as those of another document.
func (r *Reader) Add(mistakes ...yamltext.Mistake) { r.mistakes = append(r.mistakes, mistakes...) }

// Sound reports whether there is no mistake so far.
func (r *Reader) Sound() bool { return len(r.mistakes) == 0 }

// The structs are made of these.
type (
	// Shorthand is a struct that may also be written as one scalar, its first key.
	Shorthand interface{ Short() Leaf }
	// Custom reads itself, with [Reader.Pairs] and [Reader.Into].
	Custom interface {
		Decode(r *Reader, n Node, path string)
	}
)

// into reads a mapping into the struct v points to. What names it for messages.
func (r *Reader) into(n Node, v any, what, path string) {
	at := placeOf(n)
	fields := r.Fields(v)
	r.mark(v, mark{at: at, good: true, path: path})
	unknown := false
	defer func() { r.keep(v, at, unknown) }()
	pairs, ok := r.Pairs(n, what)
	if !ok {
		return
	}
	seen := map[string]bool{}
	meant := r.meant(v, pairs, path)
	for _, p := range pairs {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == p.Name })
		if i < 0 {
			unknown = true
			r.Errorf(p.Place, "unknown key %q in %s; %s", p.Name, what, r.elsewhere(meant[p.Name], reflect.TypeOf(v).Elem()))
			continue
		}
		seen[p.Name] = true
		r.value(p.Value, fields[i].Value, fields[i].Key, join(path, p.Name))
	}
	for _, f := range fields {
		switch {
		case seen[f.Name]:
		case f.Required:
			r.Errorf(at, "%s has no %s: %s", what, f.Name, f.Doc)
			r.mark(f.Value, mark{path: join(path, f.Name)})
		case f.Default != "":
			Must(f.Value.(Leaf).Scalar().Scan(f.Default))
			r.mark(f.Value, mark{good: true, path: join(path, f.Name)})
		}
	}
}

// Into reads a value at a path, for the method of a [Custom]. What names it in messages.
func (r *Reader) Into(n Node, v any, what, path string) { r.value(n, v, Key{Name: what}, path) }

// Pair is one key of a mapping in the document.
type Pair struct {
	Place
	Name  string
	Value Node
}

// Pairs returns the pairs of a mapping and false if n is none. Of a key given
// twice only the first counts.
func (r *Reader) Pairs(n Node, what string) ([]Pair, bool) {
	values, ok := mapping(n)
	if !ok {
		r.Errorf(placeOf(n), "%s is %s; expected keys with values", what, yamltext.Describe(n))
		return nil, false
	}
	var pairs []Pair
	first := map[string]int{}
	for _, v := range values {
		at := placeOf(v.Key)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			r.Errorf(at, "merge keys are not supported; write the values out")
			continue
		}
		name, ok := yamltext.Scalar(v.Key)
		if !ok {
			r.Errorf(at, "a key of %s is %s; expected a word", what, yamltext.Describe(v.Key))
			continue
		}
		if line, twice := first[name]; twice {
			r.Errorf(at, "%s stands here a second time; it is already given on line %d", name, line)
			continue
		}
		first[name] = at.Line
		pairs = append(pairs, Pair{at, name, v.Value})
	}
	return pairs, true
}

// mapping returns the pairs of a mapping as the parser has them, and false if n is none.
func mapping(n Node) (pairs []*ast.MappingValueNode, ok bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

// value reads one value of a key into the field v points to.
func (r *Reader) value(n Node, v any, k Key, path string) {
	at := mark{at: placeOf(n), path: path}
	switch v := v.(type) {
	case Custom:
		r.mark(v, at)
		v.Decode(r, n, path)
		return
	case Leaf:
		r.leaf(n, v, k, path)
		return
	case Shorthand:
		if _, ok := yamltext.Scalar(n); ok {
			r.mark(v, at)
			r.leaf(n, v.Short(), k, join(path, "short"))
			return
		}
		if _, ok := mapping(n); !ok {
			r.Errorf(at.at, "%s is %s; expected %s, or keys with values%s", k.Name, yamltext.Describe(n), r.short(v), alone(n, k))
			return
		}
	}
	slot := reflect.ValueOf(v).Elem()
	if slot.Kind() != reflect.Slice {
		r.into(n, v, k.Name, path)
		return
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.Errorf(at.at, "%s is %s; expected a list%s", k.Name, yamltext.Describe(n), listed(n, slot.Type().Elem(), k))
		return
	}
	slot.Set(reflect.MakeSlice(slot.Type(), len(seq.Values), len(seq.Values)))
	k.Name = cmp.Or(k.Each, k.Name)
	for i, n := range seq.Values {
		if text, ok := yamltext.Scalar(n); ok {
			if wrong, ok := r.Swallowed(placeOf(n), text); ok {
				r.Add(wrong)
				continue
			}
		}
		r.value(n, slot.Index(i).Addr().Interface(), k, item(path, i))
	}
}

// Named is a mapping whose names are free.
type Named[T any] struct{ M map[string]*T }

// Decode reads the mapping.
func (v *Named[T]) Decode(r *Reader, n Node, path string) {
	pairs, _ := r.Pairs(n, "the mapping")
	v.Read(r, pairs, "", path)
}

// Read reads the pairs of the mapping. An item is called by its name after a prefix in
// messages.
func (v *Named[T]) Read(r *Reader, pairs []Pair, prefix, path string) {
	v.M = map[string]*T{}
	for _, p := range pairs {
		v.M[p.Name] = new(T)
		r.Into(p.Value, v.M[p.Name], prefix+p.Name, join(path, p.Name))
	}
}

// items returns what is in the mapping, by name.
func (v *Named[T]) items() map[string]reflect.Value {
	items := map[string]reflect.Value{}
	for name, item := range v.M {
		items[name] = reflect.ValueOf(item).Elem()
	}
	return items
}

func (r *Reader) leaf(n Node, l Leaf, k Key, path string) {
	at := placeOf(n)
	r.mark(l, mark{at: at, path: path})
	text, ok := yamltext.Scalar(n)
	if !ok {
		r.Errorf(at, "%s is %s; expected %s%s", k.Name, yamltext.Describe(n), wanted(l, k), unquoted(n, l))
		return
	}
	if len(k.Words) > 0 && !slices.Contains(k.Words, text) {
		if word := r.kind.Synonyms[text]; slices.Contains(k.Words, word) {
			r.Errorf(at, "%s %q is not known; %s", k.Name, text, r.write(at, r.widthOf(n, at), word))
			return
		}
		r.Errorf(at, "%s %q is not known; %s", k.Name, text, Suggest(text, k.Words))
		return
	}
	if err := l.Scalar().Scan(text); err != nil {
		r.Errorf(at, "%s %q %v; %s", k.Name, text, err, r.repair(n, l, k, text))
		return
	}
	if _, isText := n.(*ast.StringNode); isText && l.Scalar().Bare {
		r.Errorf(at, "%s %q is a text, in quotes; write it without them", k.Name, text)
		return
	}
	if !k.Holds(l) {
		r.Errorf(at, "%s %s is out of range; expected %s", k.Name, text, k.Range())
		return
	}
	r.mark(l, mark{at: at, good: true, path: path})
}

// unquoted adds to a message about a text that YAML takes for a mapping because
// of a colon in it, as in the threshold p95(confirm, phase: tunnel) < 8s.
func unquoted(n Node, l Leaf) string {
	m, ok := n.(*ast.MappingNode)
	if _, isText := l.(*Text); !ok || !isText || m.IsFlowStyle || len(m.Values) != 1 {
		return ""
	}
	key, first := yamltext.Scalar(m.Values[0].Key)
	value, second := yamltext.Scalar(m.Values[0].Value)
	if !first || !second {
		return ""
	}
	return fmt.Sprintf(", which needs quotes if it has a colon: '%s: %s'", key, value)
}

// Suggest ends a message about a word that is not among the options: the
// nearest one if it is near, otherwise all of them.
func Suggest(word string, options []string) string {
	if len(options) == 0 {
		return "there are none"
	}
	if len(options) == 1 || len(word) < 3 {
		return "expected " + OneOf(options)
	}
	if best := nearest.Word(word, options); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "expected " + OneOf(options)
}

// OneOf lists options for a message.
func OneOf(options []string) string {
	if len(options) == 1 {
		return options[0]
	}
	return "one of " + strings.Join(options, ", ")
}

// short says what the scalar is that a mapping may be written as.
func (r *Reader) short(v Shorthand) string {
	for _, f := range r.Fields(v) {
		if f.Value == v.Short() && f.Of != "" {
			return "the name of a " + f.Of
		}
	}
	return wanted(v.Short(), Key{})
}

func wanted(l Leaf, k Key) string {
	if len(k.Words) > 0 {
		return OneOf(k.Words)
	}
	return l.Scalar().Wants
}
