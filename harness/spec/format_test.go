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
	"github.com/onebar/onebar/scenarios"
)

// mappings are the mappings of the format with the names docs/scenarios.md
// gives them.
func mappings() []struct {
	name string
	kind reflect.Type
} {
	return []struct {
		name string
		kind reflect.Type
	}{
		{"scenario", reflect.TypeFor[file]()},
		{"subject", reflect.TypeFor[subject]()},
		{"client", reflect.TypeFor[subjectClient]()},
		{"server", reflect.TypeFor[subjectServer]()},
		{"terminate", reflect.TypeFor[terminate]()},
		{"ledger", reflect.TypeFor[subjectLedger]()},
		{"http client", reflect.TypeFor[httpClient]()},
		{"http tls", reflect.TypeFor[httpTLS]()},
		{"http setup", reflect.TypeFor[httpSetup]()},
		{"http pay", reflect.TypeFor[httpPay]()},
		{"http rule", reflect.TypeFor[httpRule]()},
		{"http retry", reflect.TypeFor[httpRetry]()},
		{"http poll", reflect.TypeFor[httpPoll]()},
		{"http callback", reflect.TypeFor[httpCall]()},
		{"http ledger", reflect.TypeFor[httpLedger]()},
		{"http fields", reflect.TypeFor[httpFields]()},
		{"http balances", reflect.TypeFor[httpBalances]()},
		{"exec client", reflect.TypeFor[execClient]()},
		{"exec server", reflect.TypeFor[execServer]()},
		{"ready", reflect.TypeFor[ready]()},
		{"container", reflect.TypeFor[container]()},
		{"exec ledger", reflect.TypeFor[program]()},
		{"sql ledger", reflect.TypeFor[sqlLedger]()},
		{"workload", reflect.TypeFor[workload]()},
		{"link", reflect.TypeFor[link]()},
		{"path", reflect.TypeFor[path]()},
		{"gemodel", reflect.TypeFor[gemodel]()},
		{"trigger", reflect.TypeFor[trigger]()},
		{"profile", reflect.TypeFor[profile]()},
		{"event", reflect.TypeFor[event]()},
		{"nemesis entry", reflect.TypeFor[nemesisEntry]()},
		{"toxic", reflect.TypeFor[toxic]()},
	}
}

// TestTags reads every tag of format.go: a mistake there would be a panic at
// run time.
func TestTags(t *testing.T) {
	for _, m := range append(mappings(), []struct {
		name string
		kind reflect.Type
	}{{"loss", reflect.TypeFor[loss]()}, {"profile file", reflect.TypeFor[profileFile]()}}...) {
		for _, k := range keysOf(m.kind) {
			t.Run(m.name+" "+k.name, func(t *testing.T) {
				v := reflect.New(m.kind.FieldByIndex(k.index).Type).Interface()
				if short, ok := v.(shorthand); ok {
					v = short.short()
				}
				require.NotEmpty(t, k.doc)
				require.False(t, k.required && k.fallback != "", "required and default")
				if l, ok := v.(leaf); ok && k.fallback != "" {
					require.NoError(t, l.scan(k.fallback))
				}
				if k.words != "" {
					_, list := v.(*[]word)
					require.True(t, list || reflect.TypeOf(v) == reflect.TypeFor[*word]())
					require.Contains(t, append(strings.Fields(k.words), ""), k.fallback)
				}
				number, ok := v.(measured)
				if !ok {
					require.Empty(t, k.limits)
					return
				}
				require.NotEmpty(t, k.limits, "every number has a range")
				lowest, highest, ok := strings.Cut(k.limits, "..")
				require.True(t, ok)
				require.Less(t, limit(number, lowest), limit(number, highest))
				require.True(t, k.fallback == "" || inRange(number, k), "the default is in the range")
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
	_, err := Profiles("p", []byte("onebar: 1\nprofiles:\n  a: {profile: b}\n  b: {summary: s, source: s, quotes: one-way, both: {delay: 1s}}\n"))
	requireMistakes(t, []string{
		"p:3:3: profile a needs a summary, a source and quotes",
		`p:3:16: there is no profile "b"; there are none`,
	}, err)
	_, err = Profiles("p", nil)
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
