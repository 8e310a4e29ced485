package spec

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/trace"
	"github.com/onebar/onebar/scenarios"
)

const page = "../../docs/scenarios.md"

// TestReferenceIsCurrent writes the tables of docs/scenarios.md from the tags
// of format.go and the bundled files, and compares.
func TestReferenceIsCurrent(t *testing.T) {
	lib := bundled(t)
	tables := map[string]string{"profiles": profileTable(lib), "scenarios": scenarioTable(t, lib), "traces": traceTable(t), "faults": faultTable()}
	for name, kind := range mappings() {
		tables["keys "+name] = keyTable(kind)
	}
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	marker := regexp.MustCompile(`(?s)<!-- begin ([a-z0-9 -]+) -->\n.*?<!-- end -->`)
	got := marker.ReplaceAllStringFunc(string(text), func(s string) string {
		name := marker.FindStringSubmatch(s)[1]
		table, ok := tables[name]
		require.True(t, ok, "no table is named %q", name)
		delete(tables, name)
		return "<!-- begin " + name + " -->\n" + table + "<!-- end -->"
	})
	require.Empty(t, tables, "the reference lacks these")
	golden(t, page, []byte(got))
}

func keyTable(kind reflect.Type) string {
	var b strings.Builder
	b.WriteString("| key | value | range | default | meaning |\n|---|---|---|---|---|\n")
	for _, k := range keys.Of(kind) {
		fallback := ""
		switch {
		case k.Required:
			fallback = "**required**"
		case k.Default != "":
			fallback = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, valueOf(kind.FieldByIndex(k.Index).Type, k), k.Range(), fallback, k.Doc)
	}
	return b.String()
}

func valueOf(kind reflect.Type, k keys.Key) string {
	if len(k.Words) > 0 {
		return "`" + strings.Join(k.Words, "` `") + "`"
	}
	known := map[string]string{
		"verbatim": "text", "hostPort": "text", "urlPath": "text", "[]verbatim": "list of texts",
		"source": "text", "sources": "mapping of names to texts", "number": "number",
		"[]httpRule": "list of rules", "[]httpSetup": "list of requests", "[]word": "list of words",
		"variables": "mapping of names to texts", "containers": "mapping of names to containers",
		"text": "text", "slug": "name", "count": "number",
		"duration": "duration", "durations": "duration or range", "[]nemesisEntry": "list of entries", "offset": "time in the script", "bitrate": "rate",
		"size": "size", "share": "percentage", "frequency": "frequency",
		"money": "amount", "amounts": "amount", "yes": "`true`",
		"links": "mapping of names to profiles", "link": "name or mapping",
		"loss": "percentage or mapping", "queue": "size or duration",
		"reference": "name or file", "[]slug": "list of names",
		"[]text": "list of thresholds", "[]event": "list of events",
	}
	if s, ok := known[nameOf(kind)]; ok {
		return s
	}
	return "mapping"
}

// nameOf returns the name of a type in the schema, after [] if it is a list of them.
func nameOf(kind reflect.Type) string {
	list := ""
	if kind.Name() == "" {
		kind, list = kind.Elem(), "[]"
	}
	return list + strings.ToLower(kind.Name()[:1]) + kind.Name()[1:]
}

func profileTable(lib Library) string {
	var b strings.Builder
	b.WriteString("| profile | up | down | quotes | source |\n|---|---|---|---|---|\n")
	for _, p := range lib.All() {
		fmt.Fprintf(&b, "| `%s`<br>%s | %s | %s | %s | %s |\n", p.Name, p.Summary, quantity.FormatPath(p.Up), quantity.FormatPath(p.Down), p.Quotes, p.Source)
	}
	return b.String()
}

func scenarioTable(t *testing.T, lib Library) string {
	t.Helper()
	files, err := fs.Glob(scenarios.FS, "*.yaml")
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("| scenario | the situation | tags |\n|---|---|---|\n")
	for _, file := range files {
		data, err := fs.ReadFile(scenarios.FS, file)
		require.NoError(t, err)
		s, err := Parse(file, data, lib)
		require.NoError(t, err)
		fmt.Fprintf(&b, "| [`%s`](../scenarios/%s) | %s | %s |\n", s.Name, file, s.Summary, strings.Join(s.Tags, ", "))
	}
	return b.String()
}

func traceTable(t *testing.T) string {
	t.Helper()
	files, err := fs.Glob(scenarios.FS, "traces/*.trace")
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("| trace | period | mean | stalls over 1 s | median, longest of them | time in stalls over 0.5 s |\n|---|---|---|---|---|---|\n")
	for _, file := range files {
		data, err := fs.ReadFile(scenarios.FS, file)
		require.NoError(t, err)
		series, err := trace.Parse(data)
		require.NoError(t, err)
		name := strings.TrimSuffix(strings.TrimPrefix(file, "traces/"), ".trace")
		tr, err := series.Trace(name)
		require.NoError(t, err)
		long, times := series.Stalls(time.Second), "none"
		if long.Count > 0 {
			times = fmt.Sprintf("%.1f s, %.1f s", long.Median.Seconds(), long.Longest.Seconds())
		}
		fmt.Fprintf(&b, "| [`%s`](../scenarios/%s) | %s | %d kbit/s | %.2f a minute | %s | %.1f %% |\n", name, file, quantity.FormatDuration(tr.Period()), (tr.Rate()+500)/1000,
			float64(long.Count)/tr.Period().Minutes(), times, 100*series.Stalls(500*time.Millisecond).Total.Seconds()/tr.Period().Seconds())
	}
	return b.String()
}

// TestExamplesOfReference reads each YAML block of the page, the short ones with
// what they leave out before them.
func TestExamplesOfReference(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(blocks), 5)
	for _, block := range blocks {
		example := block[1]
		if !strings.HasPrefix(example, "onebar:") {
			example = "onebar: 1\nname: example\nworkload: {payments: 100, rate: 1/s, amount: 1 EUR}\n" + example
		}
		_, err := Parse("docs/scenarios.md", []byte(example), bundled(t))
		require.NoError(t, err, example)
	}
}
