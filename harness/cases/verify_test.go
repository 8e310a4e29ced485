package cases

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFirstDifference(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	long := strings.Repeat("é", 200)
	a := write("a", "one\ntwo\n"+long+"\n")
	for name, tc := range map[string]struct {
		text     string
		line     int
		inA, inB string
	}{
		"another line": {"one\nzwei\n", 2, "two", "zwei"},
		"cut short":    {"one\n", 2, "two", "nothing"},
		"a long line":  {"one\ntwo\nthree\n", 3, long[:160] + "…", "three"},
	} {
		line, inA, inB, err := firstDifference(a, write("b", tc.text))
		require.NoError(t, err, name)
		require.Equal(t, tc.line, line, name)
		require.Equal(t, tc.inA, inA, name)
		require.Equal(t, tc.inB, inB, name)
	}
	_, _, _, err := firstDifference(a, a)
	require.Error(t, err, "they are the same")
	_, _, _, err = firstDifference(a, filepath.Join(dir, "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
