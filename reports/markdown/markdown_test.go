package markdown_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
)

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
		require.Equal(t, c.want, markdown.Escape(c.text), c.text)
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	require.Equal(t, "\n```sh\nonebar run x\n```\n", markdown.Shell("onebar run x"))
	require.Equal(t, "\n`````sh\na ```` b\n`````\n", markdown.Shell("a ```` b"))
}

func TestCodeOfNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, markdown.Shell(""))
}

// A table of very many rows, as of the phases of a scenario whose link changes every second.
func TestTableIsCut(t *testing.T) {
	t.Parallel()
	d := &markdown.Document{Limit: 1 << 20, See: "out/result.json"}
	table := func(n int) string {
		g := format.Grid{Heads: []format.Heading{{Text: "phase"}, {Text: "packets", Right: true}}}
		for i := range n {
			g.Rows = append(g.Rows, []format.Cell{{Text: fmt.Sprint("phase ", i)}, {Text: "1"}})
		}
		return d.Table(g)
	}
	require.Equal(t, "| phase | packets |\n| --- | ---: |\n| phase 0 | 1 |\n", table(1))
	require.NotContains(t, table(markdown.MaxRows), "more")
	cut := table(10_800)
	require.True(t, strings.HasSuffix(cut, "| phase 39 | 1 |\n\n… and 10,760 more, see out/result.json\n"), cut)
	require.Contains(t, table(markdown.MaxRows+1), "… and 1 more,")
}

// What does not fit is counted, in the order of the parts: nothing stands in the wrong place.
func TestDocumentKeepsItsLimit(t *testing.T) {
	t.Parallel()
	d := &markdown.Document{Limit: 4000, See: "the JSON report"}
	d.Add("head\n")
	d.Add(strings.Repeat("x", 5000))
	d.Add("tail\n")
	require.Equal(t, "head\n\n2 parts left out, because the report would be too long: see the JSON report\n", d.String())
	whole := &markdown.Document{Limit: 4000}
	whole.Add("head\n")
	require.Equal(t, "head\n", whole.String())
}

func TestEscapeCutsVeryLongText(t *testing.T) {
	t.Parallel()
	got := markdown.Escape(strings.Repeat("é", 100_000))
	require.Less(t, len(got), 5000)
	require.True(t, strings.HasSuffix(got, "é…"))
}
