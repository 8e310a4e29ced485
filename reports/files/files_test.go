package files_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reports/files"
)

// says is a report of one text.
func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// alone requires that nothing but these files is in a folder.
func alone(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	require.Equal(t, want, names)
}

func TestWriteReplaces(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "r.json")
	require.NoError(t, files.Writable(path))
	require.NoError(t, files.Write(path, says("a long first report")))
	require.NoError(t, files.Write(path, says("second")))
	require.Equal(t, "second", content(t, path))
	alone(t, filepath.Dir(path), "r.json")
}

// A report that fails half-way, as on a full disk, leaves what was there, and nothing else.
func TestWriteLeavesNoHalf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.json")
	half := func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, errors.New("no space left on device"))
	}
	require.EqualError(t, files.Write(path, half), "write report "+path+": no space left on device")
	alone(t, filepath.Dir(path))
	require.NoError(t, files.Write(path, says("before")))
	require.Error(t, files.Write(path, half))
	require.Equal(t, "before", content(t, path))
	alone(t, filepath.Dir(path), "r.json")
}

// Who has the old file open goes on to read the old one: it is never seen half written.
func TestWriteKeepsAnOpenFileWhole(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced there")
	}
	path := filepath.Join(t.TempDir(), "r.json")
	require.NoError(t, files.Write(path, says("before")))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, files.Write(path, says("after")))
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "before", string(text))
}

func TestWriteKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes and links differ there")
	}
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "sub", "link")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	require.NoError(t, os.WriteFile(real, []byte("before"), 0o600))
	require.NoError(t, os.Symlink(real, link))
	require.NoError(t, files.Writable(link))
	require.NoError(t, files.Write(link, says("after")))
	require.Equal(t, "after", content(t, real))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
	info, err = os.Stat(real)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	alone(t, filepath.Join(dir, "sub"), "link")
	fresh := filepath.Join(dir, "fresh")
	require.NoError(t, files.Write(fresh, says("x")))
	info, err = os.Stat(fresh)
	require.NoError(t, err)
	require.NotZero(t, info.Mode().Perm()&0o044, "another user's program publishes it")
}

func TestDevicesAreWrittenDirectly(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full")
	}
	for _, path := range []string{"/dev/null", "/dev/full", "/dev/stdout"} {
		require.False(t, files.Replaced(path), path)
		require.NoError(t, files.Writable(path), path)
	}
	require.NoError(t, files.Write("/dev/null", says("x")))
	require.EqualError(t, files.Write("/dev/full", says("x")), "write report /dev/full: write /dev/full: no space left on device")
}

func TestSummaryIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "step_summary")
	require.True(t, files.Replaced(path), "the runner names another file")
	t.Setenv(files.Summary, path)
	require.NoError(t, os.WriteFile(path, []byte("another program's\n"), 0o644))
	require.False(t, files.Replaced(path))
	require.NoError(t, files.Writable(path))
	require.NoError(t, files.Write(path, says("first\n")))
	require.NoError(t, files.Write(path, says("second\n")))
	require.Equal(t, "another program's\nfirst\nsecond\n", content(t, path))
	require.Equal(t, files.SummaryLimit-len(content(t, path)), files.Room(path))
	require.NoError(t, os.WriteFile(path, make([]byte, files.SummaryLimit+1), 0o644))
	require.Equal(t, 1, files.Room(path))
	require.EqualError(t, files.Write(path, says("third\n")), "write report "+path+": the job summary is full: GitHub shows nothing of one above 1048576 bytes")
	require.Equal(t, files.SummaryLimit, files.Room(filepath.Join(t.TempDir(), "summary.md")))
}

func TestWritableNamesThePath(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, files.Write(file, says("x")))
	path := filepath.Join(file, "r.json")
	err := files.Writable(path)
	require.Error(t, err)
	require.True(t, strings.HasPrefix(err.Error(), path+" cannot be written: "), err)
	require.ErrorContains(t, files.Write(path, says("x")), "write report "+path+": ")
	require.Error(t, files.Writable(t.TempDir()), "a folder")
}
