package spec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/threshold"
)

// Schema returns the JSON Schema of a scenario file, as scenarios/onebar.schema.json has
// it, with the names of the profiles and traces of lib and of the bundled radio models. It
// is made from the structs that [Parse] fills, and from the rules between their keys. What needs
// arithmetic (ranges of values with a unit, the end of the script), other files or
// expressions only Parse can judge; schema_test.go lists it.
func Schema(lib Library) []byte {
	w := keys.SchemaWriter{Names: func(w *keys.SchemaWriter, of string) keys.Object {
		if of == "metric" {
			return keys.Object{"type": "array", "items": thresholds()}
		}
		return lib.Schema(w, of)
	}}
	root := w.Schema(reflect.TypeFor[file]())
	root["title"] = "onebar scenario"
	root["description"] = "One experiment: who pays whom, over what link, and what goes wrong when. docs/scenarios.md is the reference."
	root["allOf"] = append(root["allOf"].([]keys.Object), lib.OnlyBundled())
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	keys.Must(e.Encode(root)) // plain data: it can always be written
	return b.Bytes()
}

// thresholds returns the schema of a threshold over a metric of the catalogue. Its
// examples are one of each.
func thresholds() keys.Object {
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
	return keys.Object{
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
