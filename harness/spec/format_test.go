package spec

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/spec/library"
	"github.com/onebar/onebar/scenarios"
)

// mappings are the mappings of the format with the names docs/scenarios.md
// gives them.
func mappings() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	collect(reflect.TypeFor[file](), types)
	named := map[string]reflect.Type{}
	for name, of := range map[string]string{
		"scenario":      "file",
		"subject":       "Subject",
		"client":        "client",
		"server":        "server",
		"terminate":     "terminate",
		"ledger":        "ledger",
		"http client":   "httpClient",
		"http tls":      "httpTLS",
		"http setup":    "httpSetup",
		"http pay":      "httpPay",
		"http rule":     "httpRule",
		"http retry":    "httpRetry",
		"http poll":     "httpPoll",
		"http callback": "httpCall",
		"http ledger":   "httpLedger",
		"http fields":   "httpFields",
		"http balances": "httpBalances",
		"exec client":   "execClient",
		"exec server":   "execServer",
		"ready":         "ready",
		"container":     "container",
		"exec ledger":   "program",
		"sql ledger":    "sqlLedger",
		"workload":      "workload",
		"link":          "Link",
		"path":          "path",
		"gemodel":       "gemodel",
		"trigger":       "trigger",
		"profile":       "namedProfile",
		"event":         "event",
		"nemesis entry": "nemesisEntry",
		"toxic":         "toxic",
	} {
		named[name] = types[of]
	}
	return named
}

// collect adds a struct and those within it by the names of their types.
func collect(t reflect.Type, types map[string]reflect.Type) {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || types[t.Name()] != nil {
		return
	}
	types[t.Name()] = t
	if items, ok := t.FieldByName("M"); ok && items.Type.Kind() == reflect.Map {
		collect(items.Type.Elem().Elem(), types)
	}
	for _, k := range keys.Of(t) {
		collect(t.FieldByIndex(k.Index).Type, types)
	}
}

// TestTags reads every tag of format.go: a mistake there would be a panic at
// run time.
func TestTags(t *testing.T) {
	all := map[string]reflect.Type{}
	collect(reflect.TypeFor[file](), all)
	for name, kind := range all {
		require.NotNil(t, kind, name)
		for _, k := range keys.Of(kind) {
			t.Run(name+" "+k.Name, func(t *testing.T) {
				v := reflect.New(kind.FieldByIndex(k.Index).Type).Interface()
				if short, ok := v.(keys.Shorthand); ok {
					v = short.Short()
				}
				require.NotEmpty(t, k.Doc)
				require.False(t, k.Required && k.Default != "", "required and default")
				if len(k.Words) > 0 {
					_, list := v.(*[]keys.Word)
					require.True(t, list || reflect.TypeOf(v) == reflect.TypeFor[*keys.Word]())
					require.Contains(t, append(k.Words, ""), k.Default)
				}
				l, ok := v.(keys.Leaf)
				require.True(t, ok || k.Default == "")
				if k.Default != "" {
					require.NoError(t, l.Scalar().Scan(k.Default))
					require.True(t, k.Holds(l), "the default is in the range")
				}
				if !ok || !l.Scalar().Ranged {
					require.Empty(t, k.Limits)
					return
				}
				require.NotEmpty(t, k.Limits, "every number has a range")
				lowest, highest, ok := strings.Cut(k.Limits, "..")
				require.True(t, ok)
				require.NoError(t, l.Scalar().Scan(highest))
				most := l.Scalar().Measure
				require.NoError(t, l.Scalar().Scan(lowest))
				require.Less(t, l.Scalar().Measure, most)
			})
		}
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	lib := bundled(t)
	golden(t, "../../scenarios/"+scenarios.SchemaFile, Schema(lib))
	embedded, err := fs.ReadFile(scenarios.FS, scenarios.SchemaFile)
	require.NoError(t, err)
	if !*update {
		require.Equal(t, string(Schema(lib)), string(embedded))
	}
}

// TestSchemaAgreesWithParse: what Parse takes fits the schema, and the mistakes
// that need no arithmetic do not.
func TestSchemaAgreesWithParse(t *testing.T) {
	validate := compiled(t, bundled(t))
	for _, pattern := range []string{"testdata/*.good.yml", "../../scenarios/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, validate(data), file)
		}
	}
	wrong := map[string][2]string{
		"unknown key":        {"link: {both:", "links: {both:"},
		"missing key":        {"name: all-at-once", ""},
		"unknown word":       {"blackhole", "blackhol"},
		"no unit":            {"for: 3s", "for: 3"},
		"count out of range": {"payments: 50", "payments: 0"},
		"no currency":        {"3 JPY", "'3'"},
		"not a name":         {"all-at-once\n", "All At Once\n"},
	}
	good, err := os.ReadFile("testdata/all-at-once.good.yml")
	require.NoError(t, err)
	for name, change := range wrong {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, string(good), change[0])
			bad := strings.Replace(string(good), change[0], change[1], 1)
			require.Error(t, validate([]byte(bad)))
			_, err := Parse("f", []byte(bad), Library{})
			require.Error(t, err)
		})
	}
}

func TestBundledProfiles(t *testing.T) {
	lib := bundled(t)
	require.GreaterOrEqual(t, len(lib.All()), 14)
	seen := map[string]bool{}
	for _, p := range lib.All() {
		require.False(t, seen[p.Name], "two profiles are named %s", p.Name)
		seen[p.Name] = true
		require.NotZero(t, p.Up.Capacity(), "%s: every real link has a rate", p.Name)
		require.NotZero(t, p.Down.Delay, "%s: every real link has a delay", p.Name)
		got, ok := lib.Get(p.Name)
		require.True(t, ok)
		require.Equal(t, p, got)
	}
	_, ok := lib.Get("carrier-pigeon")
	require.False(t, ok)
	gprs, _ := lib.Get("gprs")
	require.Equal(t, harness.Profile{
		Name: "gprs",
		Up:   harness.Path{Delay: 250 * time.Millisecond, Rate: 20000},
		Down: harness.Path{Delay: 250 * time.Millisecond, Rate: 50000},
	}, gprs.Profile)
}

func TestProfilesSayWhatIsWrong(t *testing.T) {
	_, err := library.Profiles("p", []byte("onebar: 1\nprofiles:\n  a: {profile: b}\n  b: {summary: s, source: s, quotes: one-way, both: {delay: 1s}}\n"))
	requireMistakes(t, []string{
		"p:3:3: profile a needs a summary, a source and quotes",
		`p:3:16: there is no profile "b"; there are none`,
	}, err)
	_, err = library.Profiles("p", nil)
	require.ErrorContains(t, err, "p:1:1: the file is empty")
	_, err = ReadProfiles(scenarios.FS, "none.yaml")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestBundledScenarios holds what `make run` relies on: the scenarios run side
// by side and end within two minutes, and each of them expects something.
func TestBundledScenarios(t *testing.T) {
	files, err := fs.Glob(scenarios.FS, "*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 15)
	lib := bundled(t)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			data, err := fs.ReadFile(scenarios.FS, file)
			require.NoError(t, err)
			s, err := Parse(file, data, lib)
			require.NoError(t, err)
			require.Equal(t, strings.TrimSuffix(file, ".yaml"), s.Name)
			require.NotEmpty(t, s.Summary)
			require.NotEmpty(t, s.Tags)
			require.NotEmpty(t, s.Expect)
			require.NotNil(t, s.Radio, "every scenario tells joules")
			require.GreaterOrEqual(t, s.Duration(), 20*time.Second)
			require.LessOrEqual(t, s.Duration(), time.Minute)
			require.LessOrEqual(t, s.Duration()+s.Settle, 110*time.Second)
			require.GreaterOrEqual(t, s.Workload.Payments, 30)
			for _, e := range s.Timeline {
				require.Less(t, e.At+e.For+e.Restart, s.Workload.Span(), "line %d: payments still come when it is over", e.Line)
			}
			b, err := json.Marshal(s)
			require.NoError(t, err)
			var again harness.Scenario
			require.NoError(t, json.Unmarshal(b, &again))
			twice, err := json.Marshal(again)
			require.NoError(t, err)
			require.JSONEq(t, string(b), string(twice), "a history's header holds the whole scenario, traces by their name")
		})
	}
}
