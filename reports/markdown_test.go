package reports

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
)

func TestMarkdownTableKeepsItsShape(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, Markdown(&b, batch()))
	rows := 0
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "|") {
			rows++
			require.Equal(t, len(columns())+1, strings.Count(line, "|"), line)
		}
	}
	require.Equal(t, 2+len(batch()), rows)
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
		var b bytes.Buffer
		require.NoError(t, Markdown(&b, []harness.Result{r}))
		// The rerun command is in a code block, which needs no escapes.
		got, _, _ := strings.Cut(b.String(), "```")
		require.Equal(t, []string{"<details>", "<summary>", "<b>", "</b>", "</summary>"}, tags.FindAllString(got, -1))
		require.NotContains(t, got, "`")
		if clean(text) != "" {
			require.Contains(t, html.UnescapeString(got), clean(text), "the reader sees another text")
		}
	})
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"3 payments", "3 payments"},
		{"1.94/2.1%", "1.94/2.1%"},
		{"- x", "&#45; x"},
		{"12. x", "12&#46; x"},
		{"12) x", "12&#41; x"},
		{"== x", "&#61;= x"},
		{"a|b `c` <d> e_f", "a&#124;b &#96;c&#96; &#60;d&#62; e&#95;f"},
		{"&amp;", "&#38;amp;"},
	} {
		require.Equal(t, c.want, escape(c.text), c.text)
	}
}

func TestFenced(t *testing.T) {
	t.Parallel()
	require.Equal(t, "```sh\nonebar run x\n```\n", fenced("onebar run x"))
	require.Equal(t, "`````sh\na ```` b\n`````\n", fenced("a ```` b"))
}
