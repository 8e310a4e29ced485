package spec

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema of a scenario file, for editors. It is made
// from the structs the decoder fills. It knows keys, types, words and the form
// of values; what needs arithmetic (ranges of durations, the end of the script,
// names of profiles) only Parse can judge.
func Schema() []byte {
	r := &jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true}
	hidden := r.Reflect(&profile{}).Definitions // they are behind localLinks and containers, where the reflector does not look
	maps.Copy(hidden, r.Reflect(&container{}).Definitions)
	r.ExpandedStruct = true
	s := r.Reflect(&file{})
	maps.Copy(s.Definitions, hidden)
	s.Title = "onebar scenario"
	s.Description = "One experiment: who pays whom, over what link, and what goes wrong when. docs/scenarios.md is the reference."
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	must(e.Encode(s)) // plain data: it can always be written
	return b.Bytes()
}

// The leaves, each in the form its scan takes.

func written(pattern, example string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: pattern, Examples: []any{example}}
}

// JSONSchema implements the interface of package jsonschema, as do those below.
func (text) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }

func (slug) JSONSchema() *jsonschema.Schema { return written(`^[a-z0-9][a-z0-9-]{0,63}$`, "rural-2g") }

func (word) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{} }

func (yes) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Enum: []any{true}} }

func (count) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "integer"} }

func (duration) JSONSchema() *jsonschema.Schema {
	return written(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, "1m30s")
}

func (durations) JSONSchema() *jsonschema.Schema {
	const one = `([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+`
	return written(`^`+one+`(\.\.`+one+`)?$`, "1s..30s")
}

func (share) JSONSchema() *jsonschema.Schema { return written(`^[0-9]+(\.[0-9]+)?%$`, "2%") }

func (offset) JSONSchema() *jsonschema.Schema {
	return written(`^(([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+|[0-9]+(\.[0-9]+)?%)$`, "15s")
}

func (bitrate) JSONSchema() *jsonschema.Schema {
	return written(`^[0-9]+(\.[0-9]+)?(bit|kbit|mbit|gbit)$`, "64kbit")
}

func (size) JSONSchema() *jsonschema.Schema {
	return written(`^[0-9]+(\.[0-9]+)?(B|KB|MB|KiB|MiB)$`, "20KB")
}

func (queue) JSONSchema() *jsonschema.Schema {
	return written(`^([0-9]+(\.[0-9]+)?(B|KB|MB|KiB|MiB)|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`, "64KiB")
}

func (reference) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }

func (frequency) JSONSchema() *jsonschema.Schema {
	return written(`^[0-9]+(\.[0-9]+)?/(s|min|h)$`, "4/s")
}

func (money) JSONSchema() *jsonschema.Schema {
	return written(`^[0-9]+(\.[0-9]+)? [A-Z]{3}$`, "500 KES")
}

func (amounts) JSONSchema() *jsonschema.Schema {
	return written(`^[0-9]+(\.[0-9]+)?(\.\.[0-9]+(\.[0-9]+)?)? [A-Z]{3}$`, "10..900 KES")
}

// JSONSchema of the profiles of a file: a mapping from names to profiles.
func (localLinks) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Ref: "#/$defs/profile"}}
}

// JSONSchemaExtend adds what the tags of format.go say, as do those below.
func (file) JSONSchemaExtend(s *jsonschema.Schema) { extend[file](s) }

func (subject) JSONSchemaExtend(s *jsonschema.Schema)       { extend[subject](s) }
func (subjectClient) JSONSchemaExtend(s *jsonschema.Schema) { extend[subjectClient](s) }
func (terminate) JSONSchemaExtend(s *jsonschema.Schema)     { extend[terminate](s) }
func (subjectServer) JSONSchemaExtend(s *jsonschema.Schema) { extend[subjectServer](s) }
func (subjectLedger) JSONSchemaExtend(s *jsonschema.Schema) { extend[subjectLedger](s) }
func (workload) JSONSchemaExtend(s *jsonschema.Schema)      { extend[workload](s) }
func (profile) JSONSchemaExtend(s *jsonschema.Schema)       { extend[profile](s) }
func (path) JSONSchemaExtend(s *jsonschema.Schema)          { extend[path](s) }
func (gemodel) JSONSchemaExtend(s *jsonschema.Schema)       { extend[gemodel](s) }
func (event) JSONSchemaExtend(s *jsonschema.Schema)         { extend[event](s) }
func (trouble) JSONSchemaExtend(s *jsonschema.Schema)       { extend[trouble](s) }
func (toxic) JSONSchemaExtend(s *jsonschema.Schema)         { extend[toxic](s) }

func (link) JSONSchemaExtend(s *jsonschema.Schema) {
	extend[link](s)
	orWritten(s, text{}.JSONSchema())
}

func (loss) JSONSchemaExtend(s *jsonschema.Schema) {
	extend[loss](s)
	orWritten(s, share{}.JSONSchema())
}

// orWritten makes s the choice between the mapping it describes and a scalar.
func orWritten(s, scalar *jsonschema.Schema) {
	mapping := *s
	*s = jsonschema.Schema{AnyOf: []*jsonschema.Schema{scalar, &mapping}}
}

func extend[T any](s *jsonschema.Schema) {
	t := reflect.TypeFor[T]()
	for _, k := range keysOf(t) {
		p, ok := s.Properties.Get(k.name)
		if !ok {
			continue
		}
		kind := t.Field(k.index).Type
		p.Description = describeKey(k)
		switch {
		case k.words == "":
		case kind.Kind() == reflect.Slice:
			p.Items = &jsonschema.Schema{Enum: allowed(k)}
		default:
			p.Enum = allowed(k)
		}
		if k.fallback != "" {
			p.Default = typed(kind, k.fallback)
		}
		if lowest, highest, ok := strings.Cut(k.limits, ".."); ok && kind == reflect.TypeFor[count]() {
			p.Minimum, p.Maximum = json.Number(lowest), json.Number(highest)
		}
		if k.required {
			s.Required = append(s.Required, k.name)
		}
	}
}

func describeKey(k key) string {
	s := k.doc
	if k.limits != "" {
		s += " (" + ranged(k) + ")"
	}
	return s
}

// allowed returns the words of a key, each also as the number it may be.
func allowed(k key) []any {
	var all []any
	for w := range strings.FieldsSeq(k.words) {
		all = append(all, w)
		if n := json.Number(w); strings.Trim(w, "0123456789") == "" {
			all = append(all, n)
		}
	}
	return all
}

// typed returns a default as a JSON value of its key's type.
func typed(kind reflect.Type, text string) any {
	if kind == reflect.TypeFor[count]() {
		return json.Number(text)
	}
	return text
}
