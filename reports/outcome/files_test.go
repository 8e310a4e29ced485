package outcome_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/outcome"
)

// stale returns report files that have the results of an earlier command.
func stale(t *testing.T) *outcome.Files {
	t.Helper()
	dir := t.TempDir()
	f := &outcome.Files{}
	for _, format := range outcome.Formats() {
		path := filepath.Join(dir, format.Flag)
		require.NoError(t, os.WriteFile(path, []byte("green"), 0o644))
		f.Paths = append(f.Paths, path)
	}
	return f
}

func unfinished(began time.Time) outcome.Outcome {
	return outcome.Unfinished("onebar sweep", "dev", began, []string{"a.yaml"})
}

func contents(t *testing.T, f *outcome.Files) (all []string) {
	t.Helper()
	for _, path := range f.Paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all = append(all, string(text))
	}
	return all
}

func TestFilesSayWhatTheyAreOf(t *testing.T) {
	t.Parallel()
	f := stale(t)
	require.NoError(t, f.Begin(unfinished))
	for _, text := range contents(t, f) {
		require.Contains(t, text, "not finished")
		require.NotContains(t, text, "green")
	}
	require.NoError(t, f.Write(outcome.Unmade("dev", []outcome.Trouble{{File: "a.yaml", Text: "the port is in use"}})))
	for _, text := range contents(t, f) {
		require.Contains(t, text, "the port is in use")
		require.NotContains(t, text, "not finished")
	}
	require.NoError(t, f.Write(outcome.Explored(result.Exploration{Scenarios: []string{"a"}, Planned: 1, Runs: 1, Passed: 1}, "a.yaml")))
	for _, text := range contents(t, f) {
		require.NotContains(t, text, "the port is in use")
	}
}

// If one file cannot be written, the others do not keep what they had.
func TestFilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := stale(t)
	bad := filepath.Join(f.Paths[0], "below-a-file")
	f.Paths[1] = bad
	err := f.Begin(unfinished)
	require.ErrorContains(t, err, bad+" cannot be written: ")
	require.Equal(t, 1, strings.Count(err.Error(), "cannot be written"))
	require.Empty(t, f.Paths[1])
	require.NoError(t, f.Write(outcome.Unmade("dev", []outcome.Trouble{{File: "a.yaml", Text: err.Error()}})))
	for _, path := range []string{f.Paths[0], f.Paths[2]} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(text), "cannot be written")
	}
}
