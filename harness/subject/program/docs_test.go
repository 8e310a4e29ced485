package program

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocs reads each line of JSON in the pages about programs.
func TestDocs(t *testing.T) {
	commands, events, lines := 0, 0, 0
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```")
	for _, page := range []string{"exec-client.md", "endpoints.md"} {
		text, err := os.ReadFile("../../../docs/" + page)
		require.NoError(t, err)
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(block[1]) {
				switch {
				case strings.Contains(line, `"command"`):
					require.NoError(t, strictly([]byte(line), &command{}), line)
					commands++
				case strings.Contains(line, `"event"`):
					_, err := parseEvent([]byte(line))
					require.NoError(t, err, line)
					events++
				case strings.HasPrefix(line, `{"posting"`) || strings.HasPrefix(line, `{"account"`):
					_, err := parseLedger([]byte(line))
					require.NoError(t, err, line)
					lines++
				}
			}
		}
	}
	require.Equal(t, []int{2, 6, 2}, []int{commands, events, lines})
}
