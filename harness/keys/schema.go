package keys

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness/quantity"
)

// Object is a JSON object, and mostly a JSON Schema.
type Object = map[string]any

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
	case Shorthand:
		s := w.mapping(t)
		short := s["properties"].(Object)[KeysOf(t)[0].Name] // the first key is what a scalar stands for
		return AnyOf(short.(Object), s)
	}
	return w.mapping(t)
}

// mapping returns the schema of a struct.
func (w *SchemaWriter) mapping(t reflect.Type) Object {
	properties, required := Object{}, []string{}
	for _, k := range KeysOf(t) {
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
	for _, r := range rulesOf(t) {
		rules = append(rules, r.schema(t))
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
		p["items"] = Object{"enum": k.allowed()}
	default:
		p["enum"] = k.allowed()
	}
	bare := kind == reflect.TypeFor[Count]() || kind == reflect.TypeFor[Number]()
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
func (k Key) allowed() []any {
	var all []any
	for _, w := range k.Words {
		all = append(all, w)
		if n := json.Number(w); strings.Trim(w, "0123456789") == "" {
			all = append(all, n)
		}
	}
	return all
}

// The leaves, each in the form its Scan takes.

// Written is the schema of a text of a pattern.
func Written(pattern, example string) Object {
	return Object{"type": "string", "pattern": "^(" + pattern + ")$", "examples": []string{example}}
}

// PlainText is the schema of text of a pattern, or of what YAML takes for something else
// if it has no quotes.
func PlainText(pattern string) Object {
	return Object{"type": []string{"string", "number", "boolean"}, "pattern": pattern}
}

// The patterns of values with a unit.
const (
	decimals = `[0-9]+(\.[0-9]+)?`

	DurationPattern = `(` + decimals + `(ns|us|µs|ms|s|m|h))+`  // of a Duration
	SharePattern    = `(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%`     // of a Share
	SizePattern     = `[0-9]+B|` + decimals + `(KB|MB|KiB|MiB)` // of a Size
)

func (*Text) Form(*SchemaWriter) Object     { return PlainText(`\S`) }
func (*Verbatim) Form(*SchemaWriter) Object { return PlainText(`\S`) }
func (*Optional) Form(*SchemaWriter) Object { return PlainText(".*") }
func (*Yes) Form(*SchemaWriter) Object      { return Object{"enum": []bool{true}} }
func (*Count) Form(*SchemaWriter) Object    { return Object{"type": "integer"} }
func (*Number) Form(*SchemaWriter) Object   { return Object{"type": "number"} }
func (*Duration) Form(*SchemaWriter) Object { return Written(DurationPattern, "1m30s") }
func (*Share) Form(*SchemaWriter) Object    { return Written(SharePattern, "2%") }
func (*Size) Form(*SchemaWriter) Object     { return Written(SizePattern, "64KiB") }

func (*Slug) Form(*SchemaWriter) Object {
	return Object{
		"type": []string{"string", "integer", "boolean"}, "minimum": 0,
		"pattern": `^[a-z0-9][a-z0-9-]{0,63}$`, "examples": []string{"rural-2g"},
	}
}

func (*Bitrate) Form(*SchemaWriter) Object {
	return Written(`[0-9]+bit|`+decimals+`(kbit|mbit|gbit)`, "64kbit")
}

func (*Frequency) Form(*SchemaWriter) Object { return Written(decimals+`/(s|min|h)`, "4/s") }

func (*Money) Form(*SchemaWriter) Object { return Written(decimals+currency(), "500 KES") }

func (*Amounts) Form(*SchemaWriter) Object {
	return Written(decimals+`(\.\.`+decimals+`)?`+currency(), "10..900 KES")
}

func currency() string { return ` (` + strings.Join(strings.Fields(quantity.Currencies), "|") + `)` }

// Form is that of a mapping of any names.
func (*Named[T]) Form(w *SchemaWriter) Object {
	return Object{"type": "object", "additionalProperties": w.Of(reflect.TypeFor[T]())}
}
