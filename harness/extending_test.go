package harness_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block is a Go block of docs/extending.md: its first line says where it goes.
type block struct {
	file, how, mark, text string
}

func extendingBlocks(t *testing.T) []block {
	t.Helper()
	page, err := os.ReadFile("../docs/extending.md")
	require.NoError(t, err)
	place := regexp.MustCompile(`^// (\S+\.go)(?:, (after|in place of): (.*))?$`)
	var all []block
	for _, m := range regexp.MustCompile("(?s)\n```go\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		first, rest, _ := strings.Cut(m[1], "\n")
		p := place.FindStringSubmatch(first)
		require.NotNil(t, p, "%q does not say where the block goes", first)
		all = append(all, block{file: p[1], how: p[2], mark: p[3], text: rest})
	}
	return all
}

// apply returns the text of a file with a block in it.
func (b block) apply(t *testing.T, old string) string {
	t.Helper()
	if b.how == "" {
		require.Empty(t, old, "%s is there already", b.file)
		return b.text
	}
	at := strings.Index(old, b.mark)
	require.GreaterOrEqual(t, at, 0, "%s has no %q", b.file, b.mark)
	if b.how == "in place of" {
		return old[:at] + strings.TrimSuffix(b.text, "\n") + old[at+len(b.mark):]
	}
	end := at + strings.Index(old[at:], "\n") + 1
	return old[:end] + b.text + old[end:]
}

// Every block of docs/extending.md compiles with today's code.
func TestExtending(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	packages := map[string]bool{}
	for _, b := range extendingBlocks(t) {
		target := filepath.Join(root, b.file)
		copied := filepath.Join(dir, strings.ReplaceAll(b.file, "/", "_"))
		from := target
		if overlay.Replace[target] != "" {
			from = copied
		}
		old, err := os.ReadFile(from)
		if b.how != "" {
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(copied, []byte(b.apply(t, string(old))), 0o600))
		overlay.Replace[target] = copied
		packages["./"+filepath.Dir(b.file)] = true
	}
	require.Greater(t, len(packages), 7)
	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	args := []string{"build", "-overlay", file}
	for p := range packages {
		args = append(args, p)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
