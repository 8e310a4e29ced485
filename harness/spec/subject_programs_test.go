package spec

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPartsInDocs reads the clients, servers and ledgers that the pages about
// endpoints show, each with what it leaves out.
func TestPartsInDocs(t *testing.T) {
	found := 0
	for _, page := range []string{"endpoints.md", "exec-client.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		require.NoError(t, err)
		for _, block := range regexp.MustCompile("(?s)```yaml\n((?:subject|client|server|ledger):\n? .*?)```").FindAllStringSubmatch(string(text), -1) {
			example := block[1]
			parts := map[string]string{
				"client": "client: {exec: {command: [./client]}}\n",
				"server": "server: {address: \"127.0.0.1:8080\"}\n",
				"ledger": "ledger: {none: true}\n",
			}
			if rest, whole := strings.CutPrefix(example, "subject:\n"); whole {
				example = strings.ReplaceAll("\n"+rest, "\n  ", "\n")[1:]
			}
			for part, fill := range parts {
				if !regexp.MustCompile(`(?m)^` + part + ":").MatchString(example) {
					example += fill
				}
			}
			scenario := "onebar: 1\nname: example\nworkload: {payments: 10, amount: 1 EUR}\nsubject:\n  " + strings.ReplaceAll(strings.TrimSpace(example), "\n", "\n  ") + "\n"
			_, err := Parse(page, []byte(scenario), bundled(t))
			require.NoError(t, err, scenario)
			found++
		}
	}
	require.GreaterOrEqual(t, found, 7)
}

// TestExamplesAreScenarios reads the scenarios among the examples.
func TestExamplesAreScenarios(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		_, err := Load(file, bundled(t))
		require.NoError(t, err)
	}
}
