package disk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/disk"
)

// opened returns a file on a disk.
func opened(t *testing.T, d *disk.Disk) *disk.File {
	t.Helper()
	f, err := d.Open("/f", true)
	require.NoError(t, err)
	return f
}

func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk.New()
		f := opened(t, d)
		d.SyncTime(exactly(time.Millisecond), 1)
		took := func() time.Duration {
			began := time.Now()
			require.NoError(t, f.Sync())
			return time.Since(began)
		}
		require.Equal(t, time.Millisecond, took())
		end := d.Inject(disk.Fault{Slow: time.Second})
		require.Equal(t, time.Second+time.Millisecond, took())
		again := d.Inject(disk.Fault{Slow: time.Minute})
		require.Equal(t, time.Minute+time.Second+time.Millisecond, took(), "they add up")
		require.EqualValues(t, 1, again())
		time.AfterFunc(10*time.Millisecond, func() { end() })
		require.Equal(t, 10*time.Millisecond, took(), "it is quick again")
		require.EqualValues(t, 3, end())
		var late func() int64
		time.AfterFunc(time.Microsecond, func() { late = d.Inject(disk.Fault{Slow: time.Second}) })
		require.Equal(t, time.Second+time.Millisecond, took(), "it becomes slow meanwhile")
		require.EqualValues(t, 1, late())
	})
}

func TestFullDisk(t *testing.T) {
	d := disk.New()
	f := opened(t, d)
	_, err := f.WriteAt(make([]byte, 100), 0)
	require.NoError(t, err)
	end := d.Inject(disk.Fault{Full: true})
	_, err = f.WriteAt([]byte("text"), 98)
	require.ErrorIs(t, err, disk.ErrFull)
	require.ErrorIs(t, f.Truncate(101), disk.ErrFull)
	_, err = d.Open("/new", true)
	require.ErrorIs(t, err, disk.ErrFull)
	_, err = f.WriteAt([]byte("text"), 96)
	require.NoError(t, err, "it has its place")
	require.NoError(t, f.Truncate(50))
	require.NoError(t, f.Sync())
	require.EqualValues(t, 3, end())
	_, err = f.WriteAt(make([]byte, 200), 0)
	require.NoError(t, err)
}

// TestSyncFailsOnce: on one of the disks of a group, and what was pending stays so.
func TestSyncFailsOnce(t *testing.T) {
	g := disk.NewGroup()
	one, two := opened(t, g.Disk(0)), opened(t, g.Disk(1))
	require.NoError(t, g.Disk(1).SyncDir("/"))
	_, err := two.WriteAt([]byte("text"), 0)
	require.NoError(t, err)
	end := g.Inject(disk.Fault{Fail: true})
	before := g.Count(disk.Sync)
	require.ErrorIs(t, two.Sync(), disk.ErrSync)
	require.Equal(t, before, g.Count(disk.Sync), "it was none")
	require.NoError(t, one.Sync())
	require.EqualValues(t, 1, end())
	g.PowerFail(disk.LoseAll)
	g.Disk(1).Revive()
	require.Empty(t, contents(t, opened(t, g.Disk(1))))
}

// TestFaultsInSQLite: SQLite says what is wrong, and commits again when it is over.
func TestFaultsInSQLite(t *testing.T) {
	d := newDisk(t)
	c, err := sqlite3.Open("file:/pay.db?vfs=" + d.VFS())
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE paid (n INTEGER)"))
	pay := func() error { return c.Exec("INSERT INTO paid VALUES (1)") }

	end := d.Inject(disk.Fault{Full: true})
	require.ErrorIs(t, pay(), sqlite3.FULL)
	end()
	require.NoError(t, pay())
	d.Inject(disk.Fault{Fail: true})
	require.ErrorIs(t, pay(), sqlite3.IOERR_FSYNC)
	require.NoError(t, pay())
}
