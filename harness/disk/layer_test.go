package disk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/disk"
)

// TestTwoConnections: readers at the same time as a writer, with and without a log, and no
// two writers.
func TestTwoConnections(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			d := newDisk(t)
			writer, err := setting{mode, "FULL", "NORMAL"}.open(d)
			require.NoError(t, err)
			defer func() { require.NoError(t, writer.Close()) }()
			reader, err := setting{mode, "FULL", "NORMAL"}.open(d)
			require.NoError(t, err)
			defer func() { require.NoError(t, reader.Close()) }()

			require.NoError(t, reader.Exec("BEGIN; SELECT count(*) FROM payment"))
			require.NoError(t, writer.Exec("BEGIN IMMEDIATE; INSERT INTO payment (content) VALUES (x'00')"))
			require.ErrorIs(t, reader.Exec("DELETE FROM payment"), sqlite3.BUSY, "the other one writes")
			err = writer.Exec("COMMIT")
			if mode == "WAL" {
				require.NoError(t, err, "readers do not hold up a log")
			} else {
				require.ErrorIs(t, err, sqlite3.BUSY, "but a journal")
				require.ErrorIs(t, otherRead(d), sqlite3.BUSY, "and no new one comes in meanwhile")
			}
			require.Equal(t, 0, count(t, reader), "it sees the moment of its beginning")
			require.NoError(t, reader.Exec("ROLLBACK"))
			if mode != "WAL" {
				require.NoError(t, writer.Exec("COMMIT"))
			}
			require.Equal(t, 1, count(t, reader))
		})
	}
}

func otherRead(d *disk.Disk) error {
	c, err := sqlite3.Open("file:/app/payments.db?vfs=" + d.VFS())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return c.Exec("PRAGMA busy_timeout=0; SELECT count(*) FROM payment")
}

func count(tb testing.TB, c *sqlite3.Conn) int {
	tb.Helper()
	s, _, err := c.Prepare("SELECT count(*) FROM payment")
	require.NoError(tb, err)
	defer s.Close()
	require.True(tb, s.Step())
	return s.ColumnInt(0)
}

// TestBubble: in virtual time a disk takes none.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := setting{"WAL", "FULL", "NORMAL"}
		d := disk.New()
		acknowledged := s.pay(d, 20, 1)
		require.Equal(t, 20, acknowledged)
		lost, damage := s.after(d, acknowledged)
		require.NoError(t, damage)
		require.Zero(t, lost)
		require.NoError(t, d.Close())
		require.Zero(t, time.Since(start))
	})
}

// TestTemporaryFiles: what SQLite spills is none of the disk's business.
func TestTemporaryFiles(t *testing.T) {
	d := newDisk(t)
	c, err := setting{"WAL", "FULL", "NORMAL"}.open(d)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	before := d.Count(disk.Any)
	require.NoError(t, c.Exec(`PRAGMA temp_store=FILE; PRAGMA cache_size=10; PRAGMA temp.cache_size=10;
		CREATE TEMP TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) SELECT i, randomblob(1000) FROM n`))
	require.Equal(t, before, d.Count(disk.Any))
	require.Equal(t, []string{"/app/payments.db", "/app/payments.db-wal"}, d.Names())
}

// TestNoPower: without power every operation of SQLite is an I/O error.
func TestNoPower(t *testing.T) {
	d := newDisk(t)
	c, err := setting{"WAL", "FULL", "NORMAL"}.open(d)
	require.NoError(t, err)
	d.PowerFail(1)
	require.ErrorIs(t, c.Exec("INSERT INTO payment (content) VALUES (x'00')"), sqlite3.IOERR)
	_, err = setting{"WAL", "FULL", "NORMAL"}.open(d)
	require.Error(t, err)
	d.Revive()
	require.ErrorIs(t, c.Exec("INSERT INTO payment (content) VALUES (x'00')"), sqlite3.IOERR, "the memory of that process is gone")
	require.NoError(t, c.Close())
}

// forgetful is a file layer that never makes the name of a new log durable, like
// that of the operating system in go-sqlite3 v0.33.3. (v0.37.0 does.)
type forgetful struct {
	vfs.VFS
	disk *disk.Disk
}

func (f forgetful) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if flags&vfs.OPEN_WAL != 0 {
		if _, err := f.disk.Open(name, true); err != nil {
			return nil, flags, err
		}
		flags &^= vfs.OPEN_CREATE
	}
	return f.VFS.Open(name, flags)
}

// TestForgottenDirectory: a log without a name is lost, and all that was
// acknowledged with it, although every commit was synced.
func TestForgottenDirectory(t *testing.T) {
	losing := 0
	for seed := range uint64(60) {
		d := disk.New()
		vfs.Register(t.Name(), forgetful{vfs.Find(d.VFS()), d})
		c, err := sqlite3.Open("file:/app/payments.db?vfs=" + t.Name())
		require.NoError(t, err)
		require.NoError(t, c.Exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
			CREATE TABLE payment (id INTEGER PRIMARY KEY, content BLOB NOT NULL); INSERT INTO payment (content) VALUES (x'00')`))
		d.PowerFail(seed)
		_ = c.Close()
		if lost, _ := (setting{"WAL", "FULL", "NORMAL"}).after(d, 1); lost > 0 {
			losing++
		}
		require.NoError(t, d.Close())
	}
	vfs.Unregister(t.Name())
	t.Logf("%d of 60 runs lost the payment", losing)
	require.Greater(t, losing, 15)
	require.Less(t, losing, 45)
}

// TestLogSync: with a log and synchronous=FULL each commit is one sync of the
// log, so a point names a commit.
func TestLogSync(t *testing.T) {
	for _, after := range []bool{false, true} {
		s := setting{"WAL", "FULL", "EXCLUSIVE"}
		d := newDisk(t)
		c, err := s.open(d)
		require.NoError(t, err)
		before := d.Count(disk.LogSync)
		d.FailAt(disk.Point{Kind: disk.LogSync, N: before + 3, After: after}, 2)
		acknowledged := 0
		for c.Exec("INSERT INTO payment (content) VALUES (x'00')") == nil {
			acknowledged++
		}
		require.NoError(t, c.Close())
		require.Equal(t, 2, acknowledged)
		require.Equal(t, before+3, d.Count(disk.LogSync))
		d.Revive()
		c, err = s.open(d)
		require.NoError(t, err)
		n := count(t, c)
		require.NoError(t, c.Close())
		if after {
			require.Equal(t, 3, n, "nobody heard of it, but it is durable")
		} else {
			require.Contains(t, []int{2, 3}, n)
		}
	}
}
