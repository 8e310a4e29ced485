package keys

import (
	"fmt"
	"reflect"

	"github.com/onebar/onebar/harness/yamltext"
)

// Place is where something stands in a document.
type Place = yamltext.Place

// Marks is what is known of the values of a struct beside the values: where each stands
// in the document, and whether it is good. A value is named by a pointer to it.
type Marks struct {
	of    map[any]mark
	paths map[string]any // the values by their paths, such as a.b[0].c
	keys  map[reflect.Type][]Key
}

type mark struct {
	at   Place
	good bool
	path string
}

// Field is a key of a struct, with a pointer to its value.
type Field struct {
	Key
	Value any
}

// Fields returns the keys of the struct that v points to, with their values.
func (m *Marks) Fields(v any) []Field {
	s := reflect.ValueOf(v).Elem()
	keys := m.keysOf(s.Type())
	fields := make([]Field, len(keys))
	for i, k := range keys {
		fields[i] = Field{k, s.FieldByIndex(k.Index).Addr().Interface()}
	}
	return fields
}

// keysOf is [Of], which takes long, once for each type.
func (m *Marks) keysOf(t reflect.Type) []Key {
	keys, known := m.keys[t]
	if !known {
		if m.keys == nil {
			m.keys = map[reflect.Type][]Key{}
		}
		keys = Of(t)
		m.keys[t] = keys
	}
	return keys
}

// At returns where a value stands. A list stands where its first value does.
func (m *Marks) At(v any) Place {
	if s := reflect.ValueOf(v).Elem(); s.Kind() == reflect.Slice && s.Len() > 0 {
		return m.At(s.Index(0).Addr().Interface())
	}
	return m.of[v].at
}

// Given reports whether a value was given, good or not. An empty list was not.
func (m *Marks) Given(v any) bool {
	if s := reflect.ValueOf(v).Elem(); s.Kind() == reflect.Slice {
		return s.Len() > 0
	}
	return m.of[v].at.Line > 0
}

// Good reports whether there is a good value, be it the default.
func (m *Marks) Good(v any) bool { return m.of[v].good }

// Wrong reports whether a [Leaf] was given and is no good, or is missing.
func (m *Marks) Wrong(v any) bool {
	known, ok := m.of[v]
	_, isLeaf := v.(Leaf)
	return ok && isLeaf && !known.good
}

// GivenOf returns the keys of the struct that v points to that were given.
func (m *Marks) GivenOf(v any) []string {
	var given []string
	for _, f := range m.Fields(v) {
		if m.Given(f.Value) {
			given = append(given, f.Name)
		}
	}
	return given
}

// Below returns a pointer to the value of a path below v, or nil if nothing is known of
// it.
func (m *Marks) Below(v any, path string) any { return m.paths[join(m.of[v].path, path)] }

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// Accept notes that a value has been given and is good.
func (m *Marks) Accept(v any) { m.mark(v, mark{at: Place{Line: 1, Column: 1}, good: true}) }

// Clear empties a value, as if it had not been given.
func (m *Marks) Clear(v any) {
	m.Copy(v, reflect.New(reflect.TypeOf(v).Elem()).Interface())
}

func (m *Marks) mark(v any, as mark) {
	if m.of == nil {
		m.of, m.paths = map[any]mark{}, map[string]any{}
	}
	m.of[v], m.paths[as.path] = as, v
}

// Copy copies a value with what is known of it. Both are pointers.
func (m *Marks) Copy(to, from any) {
	reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem())
	m.copyMarks(to, from)
}

func (m *Marks) copyMarks(to, from any) {
	delete(m.of, to)
	if known, ok := m.of[from]; ok {
		m.of[to] = known
	}
	if _, isLeaf := to.(Leaf); isLeaf {
		return
	}
	if reflect.TypeOf(to).Elem().Kind() == reflect.Struct {
		within := m.Fields(from)
		for i, f := range m.Fields(to) {
			m.copyMarks(f.Value, within[i].Value)
		}
	}
}

// item is the path of an item of a list.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
