package spec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/threshold"
)

// Schema returns the JSON Schema of a scenario file, for editors, with the names of
// the profiles and traces of lib and of the bundled radio models. It is made from the
// structs the decoder fills, and from the rules between keys of rules.go. What needs
// arithmetic (ranges of values with a unit, the end of the script), other files or
// expressions only Parse can judge; schema_test.go lists it.
func Schema(lib Library) []byte {
	w := schemaWriter{lib: lib, defs: object{}}
	root := w.mapping(reflect.TypeFor[file]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$defs"] = w.defs
	root["title"] = "onebar scenario"
	root["description"] = "One experiment: who pays whom, over what link, and what goes wrong when. docs/scenarios.md is the reference."
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	must(e.Encode(root)) // plain data: it can always be written
	return b.Bytes()
}

// object is a JSON object, and mostly a schema.
type object = map[string]any

// schemaWriter makes the definitions of a schema. Each type of the format is one.
type schemaWriter struct {
	lib  Library
	defs object
}

// of returns the schema of a type: a reference to its definition.
func (w schemaWriter) of(t reflect.Type) object {
	if t.Kind() == reflect.Slice && t != reflect.TypeFor[localLinks]() {
		return object{"type": "array", "items": w.of(t.Elem())}
	}
	if t == reflect.TypeFor[word]() {
		return object{} // its key has the words
	}
	if _, known := w.defs[t.Name()]; !known {
		w.defs[t.Name()] = nil // it is on its way, and may be within itself
		w.defs[t.Name()] = w.define(t)
	}
	return object{"$ref": "#/$defs/" + t.Name()}
}

func (w schemaWriter) define(t reflect.Type) object {
	switch v := reflect.New(t).Interface().(type) {
	case *localLinks:
		return object{"type": "object", "propertyNames": w.of(reflect.TypeFor[slug]()), "additionalProperties": w.of(reflect.TypeFor[profile]())}
	case *containers:
		return object{
			"type": "object", "propertyNames": object{"allOf": []object{w.of(reflect.TypeFor[slug]()), not(object{"enum": []string{"server", "dir"}})}},
			"additionalProperties": object{"allOf": []object{w.of(reflect.TypeFor[container]()), not(has("beside"))}},
		}
	case *variables:
		return object{"type": "object", "additionalProperties": plainText(".*")}
	case *sources:
		return object{"type": "object", "additionalProperties": w.of(reflect.TypeFor[source]())}
	case interface{ form(schemaWriter) object }:
		return v.form(w)
	case shorthand:
		s := w.mapping(t)
		short := s["properties"].(object)[keysOf(t)[0].name] // the first key is what a scalar stands for
		return object{"anyOf": []object{short.(object), s}}
	}
	return w.mapping(t)
}

// mapping returns the schema of a struct of the format.
func (w schemaWriter) mapping(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, k := range keysOf(t) {
		kind := t.FieldByIndex(k.index).Type
		p := w.of(kind)
		if k.of != "" {
			p = w.named(k.of)
		}
		p["description"] = describeKey(k)
		switch {
		case k.words == "":
		case kind.Kind() == reflect.Slice:
			p["items"] = object{"enum": allowed(k)}
		default:
			p["enum"] = allowed(k)
		}
		bare := kind == reflect.TypeFor[count]() || kind == reflect.TypeFor[number]()
		if k.fallback != "" {
			p["default"] = k.fallback
			if bare {
				p["default"] = json.Number(k.fallback)
			}
		}
		if lowest, highest, ok := strings.Cut(k.limits, ".."); ok && bare {
			p["minimum"], p["maximum"] = json.Number(lowest), json.Number(highest)
		}
		if k.required {
			required = append(required, k.name)
		}
		properties[k.name] = p
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if rules := keyRules(t, w); len(rules) > 0 {
		s["allOf"] = rules
	}
	return s
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

// The leaves, each in the form its scan takes.

func written(pattern, example string) object {
	return object{"type": "string", "pattern": "^(" + pattern + ")$", "examples": []string{example}}
}

// plainText is text of a pattern, or what YAML takes for something else if it has no
// quotes.
func plainText(pattern string) object {
	return object{"type": []string{"string", "number", "boolean"}, "pattern": pattern}
}

const (
	decimals = `[0-9]+(\.[0-9]+)?`
	spell    = `(` + decimals + `(ns|us|µs|ms|s|m|h))+`
	percent  = `(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%`
	bytesOf  = `[0-9]+B|` + decimals + `(KB|MB|KiB|MiB)`
)

func (*text) form(schemaWriter) object     { return plainText(`\S`) }
func (*verbatim) form(schemaWriter) object { return plainText(`\S`) }
func (*source) form(schemaWriter) object   { return plainText(`\S`) }
func (*yes) form(schemaWriter) object      { return object{"enum": []bool{true}} }
func (*count) form(schemaWriter) object    { return object{"type": "integer"} }
func (*number) form(schemaWriter) object   { return object{"type": "number"} }
func (*duration) form(schemaWriter) object { return written(spell, "1m30s") }
func (*share) form(schemaWriter) object    { return written(percent, "2%") }
func (*offset) form(schemaWriter) object   { return written(spell+"|"+percent, "15s") }
func (*size) form(schemaWriter) object     { return written(bytesOf, "64KiB") }
func (*queue) form(schemaWriter) object    { return written(bytesOf+"|"+spell, "64KiB") }

func (*slug) form(schemaWriter) object {
	return object{
		"type": []string{"string", "integer", "boolean"}, "minimum": 0,
		"pattern": `^[a-z0-9][a-z0-9-]{0,63}$`, "examples": []string{"rural-2g"},
	}
}

func (*durations) form(schemaWriter) object {
	return written(spell+`(\.\.`+spell+`)?`, "1s..30s")
}

func (*bitrate) form(schemaWriter) object {
	return written(`[0-9]+bit|`+decimals+`(kbit|mbit|gbit)`, "64kbit")
}

func (*frequency) form(schemaWriter) object { return written(decimals+`/(s|min|h)`, "4/s") }

func (*money) form(schemaWriter) object { return written(decimals+currency(), "500 KES") }

func (*amounts) form(schemaWriter) object {
	return written(decimals+`(\.\.`+decimals+`)?`+currency(), "10..900 KES")
}

func currency() string { return ` (` + strings.Join(strings.Fields(quantity.Currencies), "|") + `)` }

// named returns the schema of a key that names something: what is bundled, or what
// the file has of its own.
func (w schemaWriter) named(what string) object {
	var names []string
	switch what {
	case "profile":
		return object{"anyOf": []object{{"enum": w.lib.links().names()}, w.of(reflect.TypeFor[slug]())}}
	case "trace":
		for _, t := range w.lib.traces {
			names = append(names, t.Name)
		}
	case "radio":
		for _, m := range radio.Bundled() {
			names = append(names, m.Name)
		}
	case "metric":
		return object{"type": "array", "items": thresholds()}
	}
	return object{"anyOf": []object{{"enum": names}, {"type": "string", "pattern": `[./\\]`}}}
}

// thresholds returns the schema of a threshold over a metric of the catalogue. Its
// examples are one of each.
func thresholds() object {
	const phase = `\s*phase\s*:\s*('[^']*'|"[^"]*"|[^\s(),<>=!'"]+)\s*`
	names := map[bool][]string{} // by whether they are of the whole run
	var series, examples []string
	for _, m := range metric.Catalogue() {
		if m.Series {
			series = append(series, m.Name)
		} else {
			names[m.Whole] = append(names[m.Whole], m.Name)
		}
		for _, figure := range m.Figures() {
			examples = append(examples, figure+exampleOf(figure))
		}
	}
	or := func(words []string) string { return `(` + strings.Join(words, "|") + `)` }
	return object{
		"type": "string", "examples": examples,
		"pattern": `^\s*(` + or(metric.Aggregates()) + `\s*\(\s*` + or(series) + `\s*(,` + phase + `)?\)|` +
			or(names[false]) + `(\s*\(` + phase + `\))?|` + or(names[true]) + `)\s*(<=|>=|==|!=|<|>)\s*[0-9]`,
	}
}

// exampleOf returns the end of a threshold over a figure: a value of its unit.
func exampleOf(figure string) string {
	ends := []string{" < 8s", " < 4KB", " < 12J", " < 5%", " == 0"}
	i := slices.IndexFunc(ends, func(end string) bool {
		_, err := threshold.Parse(figure + end)
		return err == nil
	})
	return ends[i]
}
