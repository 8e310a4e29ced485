package yamltext_test

import (
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/yamltext"
)

func TestDescribeAndPosition(t *testing.T) {
	for text, want := range map[string]struct {
		says string
		line int
		col  int
	}{
		"v: 2%":         {`"2%"`, 1, 4},
		"v: 'it''s'":    {`"it's"`, 1, 4},
		"v:\n  a: 1":    {"a mapping", 2, 3},
		"v: {a: 1}":     {"a mapping", 1, 4},
		"v: [1]":        {"a list", 1, 4},
		"v: ~":          {"empty", 1, 4},
		"v: !!str x":    {"tagged, which is not supported (delete the tag)", 1, 4},
		"v: &a 1":       {"an anchor or alias, which is not supported (write the value out)", 1, 4},
		"\n\nv: 0x10":   {`"0x10"`, 3, 4},
		"v: |\n  hello": {`"hello"`, 1, 4},
	} {
		roots, err := yamltext.Documents(text)
		require.NoError(t, err, text)
		require.Len(t, roots, 1)
		value := roots[0].(*ast.MappingNode).Values[0].Value
		require.Equal(t, want.says, yamltext.Describe(value), text)
		line, col := yamltext.Position(value)
		require.Equal(t, [2]int{want.line, want.col}, [2]int{line, col}, text)
	}
}

func TestExplainSaysWhere(t *testing.T) {
	_, err := yamltext.Documents("a: 1\nb: [1, 2\nc: 3\n")
	require.Error(t, err)
	line, col, text := yamltext.Explain(err)
	require.Positive(t, col)
	require.GreaterOrEqual(t, line, 2)
	require.NotEmpty(t, text)
	require.NotContains(t, text, "\n")
}

func FuzzDocuments(f *testing.F) {
	f.Add("a: 1\n---\nb: [x, {y: z}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return // its caller bounds the text
		}
		roots, err := yamltext.Documents(text)
		if err != nil {
			require.Empty(t, roots)
			line, col, _ := yamltext.Explain(err)
			require.Positive(t, line)
			require.Positive(t, col)
		}
		for _, root := range roots {
			line, col := yamltext.Position(root)
			require.Positive(t, line)
			require.Positive(t, col)
			require.NotEmpty(t, yamltext.Describe(root))
		}
	})
}
