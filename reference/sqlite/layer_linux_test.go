package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/sqlite"
)

// TestFirstSyncOfALogSyncsItsFolder: the file layer of the operating system makes
// the name of a log durable with its first commit. A device that cannot be synced
// (EINVAL, fsync(2)) replaces the folder, to show that it is synced.
func TestFirstSyncOfALogSyncsItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(dir, 0o700))
	c, err := sqlite3.Open("file:" + filepath.Join(dir, "box.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=EXTRA; BEGIN EXCLUSIVE; COMMIT"))
	require.FileExists(t, filepath.Join(dir, "box.db-wal"))

	require.NoError(t, os.Rename(dir, dir+".moved"))
	require.NoError(t, os.Symlink(os.DevNull, dir))
	require.ErrorIs(t, c.Exec("CREATE TABLE item (n INTEGER)"), sqlite3.IOERR_DIR_FSYNC)

	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.Rename(dir+".moved", dir))
}

// TestFullDevice: the file layer of the operating system says of a full disk that
// it could not write, and not FULL. Once it says FULL, IsUnwritten needs no
// IOERR_WRITE any more.
func TestFullDevice(t *testing.T) {
	c, err := sqlite3.Open("file:/dev/full")
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	err = c.Exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; CREATE TABLE item (n INTEGER)")
	require.ErrorIs(t, err, sqlite3.IOERR_WRITE)
	require.True(t, sqlite.IsUnwritten(err), "%v", err)
}
