package metric

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md")

const page = "../../docs/metrics.md"

// The table of docs/metrics.md is the catalogue.
func TestMetricsPage(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), "<!-- metrics -->\n")
	require.True(t, ok, "the page has a table between its marks")
	_, after, ok := strings.Cut(rest, "<!-- /metrics -->\n")
	require.True(t, ok, "the page has a table between its marks")

	want := before + "<!-- metrics -->\n" + table() + "<!-- /metrics -->\n" + after
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "write it with go test ./harness/metric -run MetricsPage -update")
	for _, a := range Aggregates() {
		require.Contains(t, before+after, "`"+a+"`")
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| metric | unit | what it is | absent when |\n|---|---|---|---|\n")
	for _, m := range Catalogue() {
		name := m.Name
		if m.Series {
			name += " (series)"
		}
		absent := m.Absent
		if absent == "" {
			absent = "never"
		}
		fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", m.Name, name[len(m.Name):], m.Unit, m.Text, absent)
	}
	return b.String()
}

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Catalogue() {
		require.False(t, seen[m.Name], "%s is there once", m.Name)
		seen[m.Name] = true
		require.NotEqual(t, result.UnitUnknown, m.Unit, m.Name)
		require.NotEmpty(t, m.Text, m.Name)
		require.False(t, strings.HasSuffix(m.Text, "."), m.Name)
		require.NotContains(t, m.Text+m.Absent, "|", "%s stands in a Markdown table", m.Name)
		for _, figure := range m.Figures() {
			require.Equal(t, m.More, MoreOf(figure), figure)
			require.Equal(t, m.More, MoreOf(PhaseFigure{Name: figure, Phase: "tunnel"}.String()), figure)
		}
	}
	require.Equal(t, IsNeither, MoreOf("warmth"))
	require.Equal(t, IsNeither, MoreOf("lost_coins"))
	require.Equal(t, IsBetter, MoreOf("confirmed"))
}
