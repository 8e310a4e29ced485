package reports

import (
	"bytes"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/outcome"
)

// Every report says which runs were made again, and why, whatever came of them.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	first := passing()
	first.Again = "packets came 9ms late on average"
	other := passing()
	other.Scenario.Name = "lift"
	const want = "made again, alone: the first time the machine was too busy (packets came 9ms late on average)"
	for name, report := range map[string]func([]result.Result) Report{
		"console": Console, "Markdown": ofRuns(outcome.Markdown), "JUnit": ofRuns(outcome.JUnit),
	} {
		for _, results := range [][]result.Result{{first}, {first, other}} {
			var b bytes.Buffer
			require.NoError(t, report(results)(&b))
			got := strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
			require.Equal(t, 1, strings.Count(got, want), "%s: %s", name, got)
			require.NotContains(t, got, "lift was made again", name)
		}
		var b bytes.Buffer
		require.NoError(t, report([]result.Result{other})(&b))
		require.NotContains(t, b.String(), "made again", name)
	}
	var b bytes.Buffer
	require.NoError(t, outcome.JSON(Runs([]result.Result{first}))(&b))
	require.Contains(t, strings.ReplaceAll(b.String(), `": "`, `":"`), `"again":"packets came 9ms late on average"`)
}
