package keys

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness/keys/key"
)

// SchemaWriter makes the definitions of a schema. Each type of the structs is one.
type SchemaWriter struct {
	// Names returns the schema of the keys whose tag of has a word.
	Names func(w *SchemaWriter, of string) Object
	defs  Object
}

// Formed is a type that makes its own schema.
type Formed interface{ Form(w *SchemaWriter) Object }

// Schema returns the JSON Schema of documents that are read into the struct t. It has the
// rules between keys. What needs arithmetic, such as the range of a value with a unit, only
// [Read] and the program can judge.
func (w *SchemaWriter) Schema(t reflect.Type) Object {
	w.defs = Object{}
	root := w.mapping(t)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$defs"] = w.defs
	return root
}

// Of returns the schema of a type: a reference to its definition.
func (w *SchemaWriter) Of(t reflect.Type) Object {
	if t.Kind() == reflect.Slice && !reflect.PointerTo(t).Implements(reflect.TypeFor[Formed]()) {
		return Object{"type": "array", "items": w.Of(t.Elem())}
	}
	if t == reflect.TypeFor[Word]() {
		return Object{} // its key has the words
	}
	name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
	if _, known := w.defs[name]; !known {
		w.defs[name] = nil // it is on its way, and may be within itself
		w.defs[name] = w.define(t)
	}
	return Object{"$ref": "#/$defs/" + name}
}

func (w *SchemaWriter) define(t reflect.Type) Object {
	switch v := reflect.New(t).Interface().(type) {
	case Formed:
		return v.Form(w)
	case Leaf:
		return v.Scalar().Form()
	case Shorthand:
		s := w.mapping(t)
		short := s["properties"].(Object)[Of(t)[0].Name] // the first key is what a scalar stands for
		return AnyOf(short.(Object), s)
	}
	return w.mapping(t)
}

// mapping returns the schema of a struct.
func (w *SchemaWriter) mapping(t reflect.Type) Object {
	properties, required := Object{}, []string{}
	for _, k := range Of(t) {
		properties[k.Name] = w.value(k, t.FieldByIndex(k.Index).Type)
		if k.Required {
			required = append(required, k.Name)
		}
	}
	s := Object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	var rules []Object
	for _, r := range key.RulesOf(t) {
		rules = append(rules, r.Schema(t))
	}
	if len(rules) > 0 {
		s["allOf"] = rules
	}
	return s
}

// value returns the schema of the value of a key.
func (w *SchemaWriter) value(k Key, kind reflect.Type) Object {
	p := w.Of(kind)
	if k.Of != "" {
		p = w.Names(w, k.Of)
	}
	p["description"] = k.Doc
	if k.Limits != "" {
		p["description"] = k.Doc + " (" + k.Range() + ")"
	}
	switch {
	case len(k.Words) == 0:
	case kind.Kind() == reflect.Slice:
		p["items"] = Object{"enum": allowed(k)}
	default:
		p["enum"] = allowed(k)
	}
	l, isLeaf := reflect.TypeAssert[Leaf](reflect.New(kind))
	bare := isLeaf && l.Scalar().Bare
	if k.Default != "" {
		p["default"] = k.Default
		if bare {
			p["default"] = json.Number(k.Default)
		}
	}
	if lowest, highest, ok := strings.Cut(k.Limits, ".."); ok && bare {
		p["minimum"], p["maximum"] = json.Number(lowest), json.Number(highest)
	}
	return p
}

// allowed returns the words of a key, each also as the number it may be.
func allowed(k Key) []any {
	var all []any
	for _, w := range k.Words {
		all = append(all, w)
		if n := json.Number(w); strings.Trim(w, "0123456789") == "" {
			all = append(all, n)
		}
	}
	return all
}

// Form is that of a mapping of any names.
func (*Named[T]) Form(w *SchemaWriter) Object {
	return Object{"type": "object", "additionalProperties": w.Of(reflect.TypeFor[T]())}
}
