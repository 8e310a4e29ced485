package reports

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/radio/capture"
	"github.com/onebar/onebar/harness/result"
)

// node is a part of a JSON Schema.
type node = map[string]any

// published are the schemas under docs/, by the name of their file; -update writes them.
// Each writes its schema; a strict one allows no other keys.
func published() map[string]func(t *testing.T, strict bool) []byte {
	return map[string]func(t *testing.T, strict bool) []byte{
		"result.schema.json":      schemaText,
		"sweep.schema.json":       schemaOf[result.Sweep]("onebar sweep", "result.md", result.SweepVersion),
		"exploration.schema.json": schemaOf[result.Exploration]("onebar explore", "result.md", result.ExplorationVersion),
		"comparison.schema.json":  schemaOf[result.Comparison]("onebar compare", "baselines.md", result.ComparisonVersion),
		"energy.schema.json":      schemaOf[capture.Document]("onebar energy", "energy.md", capture.Version),
	}
}

// TestSchemaIsCurrent compares the published schemas with the Go types.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	for file, schema := range published() {
		golden(t, filepath.Join("../../docs", file), schema(t, false))
	}
}

// TestReportsFitTheSchema also gives each report to a schema that allows no other
// keys: a key of the report that the schema lacks would be noticed.
func TestReportsFitTheSchema(t *testing.T) {
	t.Parallel()
	fits, fitsStrictly := validator(t, schemaText(t, false)), validator(t, schemaText(t, true))
	for name, results := range map[string][]result.Result{
		"pass": {passing()}, "fail": {failing()}, "unknown": {unjudgeable()}, "broken": {broken()},
		"no ledger": {ledgerless()}, "none": nil,
	} {
		var b bytes.Buffer
		require.NoError(t, JSON(results)(&b))
		require.NoError(t, fits(b.Bytes()), name)
		require.NoError(t, fitsStrictly(b.Bytes()), name)
	}
	for _, file := range []string{"batch.json", "none.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		require.NoError(t, fits(text), file)
	}
}

// TestOthersFitTheirSchemas does the same for sweeps, explorations and captures. The tests of
// cmd/onebar validate what the commands write.
func TestOthersFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for file, documents := range map[string][]any{
		"sweep.schema.json":       {swept(), failingSweep(), interruptedSweep()},
		"exploration.schema.json": {explored(), oddExploration()},
		"comparison.schema.json":  {compared(), result.Comparison{Version: 1, Changes: []result.Change{}}},
		"energy.schema.json":      {analysed(t, "energybox-3g"), analysed(t, "nr-sa")},
	} {
		fits, fitsStrictly := validator(t, published()[file](t, false)), validator(t, published()[file](t, true))
		for i, document := range documents {
			var b bytes.Buffer
			require.NoError(t, AsJSON(document)(&b))
			require.NoError(t, fits(b.Bytes()), "%s: document %d", file, i)
			require.NoError(t, fitsStrictly(b.Bytes()), "%s: document %d", file, i)
		}
		require.Error(t, fits([]byte(`{}`)), file)
		var b bytes.Buffer
		require.NoError(t, AsJSON(documents[0])(&b))
		later := strings.Replace(b.String(), `"version": 1,`, `"version": 2,`, 1)
		require.ErrorContains(t, fits([]byte(later)), "value must be 1", file)
	}
}

// analysed returns the document of a capture: with joules if the model has powers.
func analysed(t *testing.T, model string) capture.Document {
	t.Helper()
	m, err := radio.Lookup(model)
	require.NoError(t, err)
	report, err := capture.Analyse("../harness/radio/testdata/energybox/test1.pcap", "", m)
	require.NoError(t, err)
	return report.Document()
}

// TestStrictSchemaNoticesOtherKeys adds a key at the top and one further down.
func TestStrictSchemaNoticesOtherKeys(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, AsJSON(failingSweep())(&b))
	strict := validator(t, published()["sweep.schema.json"](t, true))
	for _, old := range []string{`"engine": "sim",`, `"fault": "drop",`} {
		require.Contains(t, b.String(), old)
		require.ErrorContains(t, strict([]byte(strings.Replace(b.String(), old, old+` "later": 1,`, 1))), "later")
	}
}

// TestJudgedHistoriesFitTheSchema judges the recorded histories of package check.
func TestJudgedHistoriesFitTheSchema(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../harness/check/testdata/*.jsonl")
	require.NoError(t, err)
	fits := validator(t, schemaText(t, true))
	seen := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "-newer.jsonl") {
			continue // a version that this onebar does not read
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		started := bytes.Replace(text, []byte("0001-01-01"), []byte("2026-11-23"), 1) // theirs is zero, as of no run
		res, err := judge.History(bytes.NewReader(started), judge.Options{})
		require.NoError(t, err, file)
		seen[result.Word(res.Exit())] = true
		var b bytes.Buffer
		require.NoError(t, JSON([]result.Result{res})(&b), file)
		require.NoError(t, fits(b.Bytes()), file)
	}
	require.Equal(t, map[string]bool{"PASS": true, "FAIL": true, "UNKNOWN": true, "BROKEN": true}, seen)
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	fits := validator(t, schemaText(t, false))
	var b bytes.Buffer
	require.NoError(t, JSON([]result.Result{passing()})(&b))
	text := b.String()
	for name, c := range map[string]struct{ old, replacement, want string }{
		"another version":      {`"version": 1,`, `"version": 2,`, "value must be 1"},
		"a status of no run":   {`"status": "pass",`, `"status": "fine",`, "value must be one of"},
		"a duration in words":  {`"took": 61250000000`, `"took": "61.25s"`, "got string, want integer"},
		"a run without a seed": {`"seed": 7,`, ``, "missing property 'seed'"},
		"a negative seed":      {`"seed": 7,`, `"seed": -7,`, "minimum"},
		"a wrong action":       {`"action": "blackhole"`, `"action": "black"`, "value must be one of"},
		"no list of figures":   {`"figures": [`, `"figures": null, "rest": [`, "got null, want array"},
		"a wrong unit":         {`"unit": "joules"`, `"unit": "J"`, "value must be one of"},
		"a time of no clock":   {`"started": "2026-11-23T07:00:33Z"`, `"started": "yesterday"`, "is not valid date-time"},
	} {
		require.Contains(t, text, c.old, name)
		require.ErrorContains(t, fits([]byte(strings.Replace(text, c.old, c.replacement, 1))), c.want, name)
	}
	require.NoError(t, fits([]byte(strings.Replace(text, `"seed": 7,`, `"seed": 7, "later": true,`, 1))), "a later onebar may add keys")
}

// validator returns a function that says what a schema has against a document.
func validator(t *testing.T, schema []byte) func([]byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("result.json", doc))
	compiled, err := c.Compile("result.json")
	require.NoError(t, err)
	return func(text []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return compiled.Validate(v)
	}
}

// schemaText returns the schema of the JSON report. A strict one allows no other keys.
func schemaText(t *testing.T, strict bool) []byte {
	t.Helper()
	g := generator{defs: node{}, strict: strict}
	top := g.document(reflect.TypeFor[document](), "onebar run", "result.md")
	properties := top["properties"].(node)
	properties["version"] = node{"const": result.Version}
	properties["status"] = node{"enum": []string{"broken", "fail", "unknown", "pass"}}
	properties["results"].(node)["type"] = "array"
	inResult := g.defs["Result"].(node)["properties"].(node)
	inResult["version"] = node{"const": result.Version}
	for _, key := range []string{"verdicts", "figures"} {
		inResult[key].(node)["type"] = "array" // JSON writes them also if they are empty
	}
	return indented(t, top)
}

// schemaOf returns what writes the schema of a document that a command writes as it is.
// A page of docs explains its keys.
func schemaOf[T any](command, page string, version int) func(t *testing.T, strict bool) []byte {
	return func(t *testing.T, strict bool) []byte {
		t.Helper()
		g := generator{defs: node{}, strict: strict}
		top := g.document(reflect.TypeFor[T](), command, page)
		top["properties"].(node)["version"] = node{"const": version}
		return indented(t, top)
	}
}

// indented returns a schema as it is published.
func indented(t *testing.T, schema node) []byte {
	t.Helper()
	text, err := json.MarshalIndent(schema, "", "  ")
	require.NoError(t, err)
	return append(text, '\n')
}

// document returns the schema of the document that a command writes.
func (g *generator) document(typ reflect.Type, command, page string) node {
	top := g.object(typ)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "JSON report of " + command
	top["description"] = "Written by " + command + " --json. docs/" + page + " says what each key means."
	top["$defs"] = g.defs
	return top
}

// generator makes a JSON Schema of Go types as encoding/json writes them.
type generator struct {
	defs   node                    // by the name of their type
	types  map[string]reflect.Type // of defs: two types of one name would be mixed up
	strict bool
}

// of returns the schema of values of typ.
func (g *generator) of(typ reflect.Type) node {
	if typ == reflect.TypeFor[time.Time]() {
		return node{"type": "string", "format": "date-time"}
	}
	if typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return node{"enum": words(typ)}
	}
	if typ.Implements(reflect.TypeFor[json.Marshaler]()) {
		panic(fmt.Sprintf("the schema does not know how %s writes itself", typ))
	}
	switch kind := typ.Kind(); kind {
	case reflect.Pointer:
		return g.of(typ.Elem())
	case reflect.Struct:
		return g.reference(typ)
	case reflect.Slice:
		return node{"type": []string{"array", "null"}, "items": g.of(typ.Elem())}
	case reflect.Map:
		return node{"type": "object", "additionalProperties": g.of(typ.Elem())}
	case reflect.String:
		return node{"type": "string"}
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Float64:
		return node{"type": "number"}
	case reflect.Uint64, reflect.Uint16, reflect.Uint8:
		return node{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int64:
		return node{"type": "integer"}
	default:
		panic(fmt.Sprintf("the schema does not know the kind %s of %s", kind, typ))
	}
}

// reference returns a reference to the schema of a struct.
func (g *generator) reference(typ reflect.Type) node {
	name := typ.Name()
	if g.types == nil {
		g.types = map[string]reflect.Type{}
	}
	if earlier, ok := g.types[name]; !ok {
		g.types[name] = typ
		g.defs[name] = g.object(typ)
	} else if earlier != typ {
		panic(fmt.Sprintf("the schema has two types of one name: %s and %s", earlier, typ))
	}
	return node{"$ref": "#/$defs/" + name}
}

// object returns the schema of a struct. A key that is always written is required.
func (g *generator) object(typ reflect.Type) node {
	properties, required := node{}, []string{}
	for _, f := range reflect.VisibleFields(typ) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" || !f.IsExported() || f.Anonymous && tag == "" {
			continue
		}
		name := cmp.Or(tag, f.Name)
		properties[name] = g.of(f.Type)
		switch {
		case !strings.Contains(options, "omit"):
			required = append(required, name)
		case f.Type.Kind() == reflect.Slice:
			properties[name].(node)["type"] = "array"
		}
	}
	o := node{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	if g.strict {
		o["additionalProperties"] = false
	}
	return o
}

// words returns the words of an enumeration: the texts that read back as their value.
func words(typ reflect.Type) []string {
	var all []string
	for i := range uint64(math.MaxUint8 + 1) {
		value, again := reflect.New(typ), reflect.New(typ)
		value.Elem().SetUint(i)
		text, err := value.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil || again.Interface().(encoding.TextUnmarshaler).UnmarshalText(text) != nil ||
			again.Elem().Uint() != i || slices.Contains(all, string(text)) {
			continue
		}
		all = append(all, string(text))
	}
	return all
}
