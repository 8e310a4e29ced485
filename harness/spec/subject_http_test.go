package spec

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExamplesOfEndpoints reads each whole scenario in docs/endpoints.md and in the
// folders of docs/examples.
func TestExamplesOfEndpoints(t *testing.T) {
	text, err := os.ReadFile("../../docs/endpoints.md")
	require.NoError(t, err)
	whole := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(block[1], "onebar:") {
			_, err := Parse("docs/endpoints.md", []byte(block[1]), bundled(t))
			require.NoError(t, err, block[1])
			whole++
		}
	}
	require.Positive(t, whole)
	files, err := filepath.Glob("../../docs/examples/*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		_, err := Load(file, bundled(t))
		require.NoError(t, err, file)
	}
}

// TestPlacesInsideTexts points at the column of a mistake, however the text is
// written.
func TestPlacesInsideTexts(t *testing.T) {
	const head = "onebar: 1\nname: places\nworkload: {payments: 1, amount: 1 EUR}\n" +
		"subject:\n  server: {address: \"h:1\"}\n  ledger: {none: true}\n  client:\n    http:\n" +
		"      outcomes: [{when: status == 200, outcome: confirmed}]\n      pay:\n        path: /\n"
	for name, tc := range map[string]struct{ body, want string }{
		"plain":         {"        body: a {{ keyy }}\n", "f:12:20: "},
		"double quotes": {"        body: \"a {{ keyy }}\"\n", "f:12:21: "},
		"block":         {"        body: |\n          one\n          two {{ keyy }}\n", "f:14:18: "},
		"folded block, where the text is another": {"        body: >\n          one\n          two {{ keyy }}\n", "f:12:"},
		"escapes, where the text is another":      {"        body: \"a\\t{{ keyy }}\"\n", "f:12:15: "},
		"a value of a mapping":                    {"        headers:\n          X-A: \"{{ keyy }}\"\n", "f:13:20: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(head+tc.body), bundled(t))
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), tc.want), err.Error())
			require.Contains(t, err.Error(), "nothing is named keyy here; did you mean key?")
		})
	}
}
