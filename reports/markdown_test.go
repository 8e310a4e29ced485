package reports

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
	"github.com/onebar/onebar/reports/tables"
)

func TestMarkdownTableKeepsItsShape(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, outcome.Markdown(Runs(batch()))(&b))
	var all [][]string
	inside := false
	for line := range strings.Lines(b.String()) {
		row := strings.HasPrefix(line, "|")
		if row && !inside {
			all = append(all, nil)
		}
		if inside = row; row {
			at := len(all) - 1
			all[at] = append(all[at], line)
			require.Equal(t, strings.Count(all[at][0], "|"), strings.Count(line, "|"), line)
		}
	}
	require.Equal(t, len(tables.Runs(batch()).Heads)+1, strings.Count(all[0][0], "|"))
	require.Len(t, all[0], 2+len(batch()))
	require.Len(t, all, 1+3+1, "the runs, three energies, and the phases of a run that failed")
}

func TestMarkdownTextStaysText(t *testing.T) {
	t.Parallel()
	tags := regexp.MustCompile(`</?[a-z]+>`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("a1 <>&|`*_[]\\~#@!-+=.)$\n\t\x1b\u202e決"))).Draw(t, "text")
		r := failing()
		r.Scenario.Name, r.Scenario.Summary, r.HistoryFile = text, text, text
		r.Verdicts[0].Check, r.Verdicts[0].Summary, r.Verdicts[0].Findings[0].Text = text, text, text
		r.Thresholds[0].Text = text
		r.Phases[0].Name, r.Energy.Model, r.Energy.Title, r.Energy.States[0].Name = text, text, text, text
		var b bytes.Buffer
		require.NoError(t, outcome.Markdown(Runs([]result.Result{r}))(&b))
		// The rerun command is in a code block, which needs no escapes.
		got, _, _ := strings.Cut(b.String(), "```")
		require.Equal(t, []string{
			"<details>", "<summary>", "</summary>", "</details>",
			"<details>", "<summary>", "<b>", "</b>", "</summary>",
		}, tags.FindAllString(got, -1))
		require.NotContains(t, got, "`")
		if format.Clean(text) != "" {
			require.Contains(t, html.UnescapeString(got), format.Clean(text), "the reader sees another text")
		}
	})
}
