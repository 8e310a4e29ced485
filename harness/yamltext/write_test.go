package yamltext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/yamltext"
)

// What is quoted reads back as it was, also between brackets.
func TestQuotedReadsBack(t *testing.T) {
	for text, want := range map[string]string{
		"p95(confirm) < 8s": "p95(confirm) < 8s", "a, b": "'a, b'", "it's: so": "'it''s: so'", "true": "'true'", "": "''", "a ": "'a '",
		"a\tb": `"a\tb"`, "two\nlines": `"two\nlines"`, "\"\\\x01": `"\"\\\u0001"`, "#": "'#'", "1e3": "1e3", "😀\u200b": `"😀\u200b"`,
	} {
		require.Equal(t, want, yamltext.Quote(text, true))
		roots, err := yamltext.Documents(yamltext.Quote(text, true))
		require.NoError(t, err)
		require.Len(t, roots, 1)
		got, ok := yamltext.Scalar(roots[0])
		require.True(t, ok)
		require.Equal(t, text, got)
	}
	require.Equal(t, "a, b", yamltext.Quote("a, b", false))
}

func TestBlock(t *testing.T) {
	long := yamltext.TextTree(strings.Repeat("long ", 30) + "text")
	tree := yamltext.Tree{Keys: []string{"short", "long", "text", "list"}, Children: []yamltext.Tree{
		{Keys: []string{"a"}, Children: []yamltext.Tree{yamltext.TextTree("1")}},
		{Keys: []string{"b"}, Children: []yamltext.Tree{long}},
		yamltext.TextTree("one\n two"),
		{List: true, Children: []yamltext.Tree{yamltext.TextTree("x"), {Keys: []string{"c", "d"}, Children: []yamltext.Tree{long, yamltext.TextTree("2")}}}},
	}}
	var b strings.Builder
	b.WriteString("top:")
	tree.Block(&b, "  ")
	require.Equal(t, `top:
  short: {a: 1}
  long:
    b: `+long.Text+`
  text: |-
    one
     two
  list:
    - x
    - c: `+long.Text+`
      d: 2
`, b.String())
	require.Equal(t, "{a: 1}", tree.Children[0].Flow())
}
