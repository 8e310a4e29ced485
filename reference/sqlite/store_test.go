package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference/sqlite"
	"github.com/onebar/onebar/reference/sqlite/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance runs the suite on every file layer the pair uses, as the wallet
// opens its file and as the bank does.
func TestConformance(t *testing.T) {
	layers := map[string]func(t *testing.T) (path, vfs string){
		"operating system": func(t *testing.T) (string, string) {
			t.Helper()
			return filepath.Join(t.TempDir(), "box.db"), ""
		},
		"failing disk": func(t *testing.T) (string, string) {
			t.Helper()
			return filepath.Join(t.TempDir(), "box.db"), storetest.NewDisk(t).Name
		},
		"disk in memory": func(t *testing.T) (string, string) {
			t.Helper()
			d := disk.New()
			t.Cleanup(func() { require.NoError(t, d.Close()) })
			return "/box/box.db", d.VFS()
		},
	}
	for name, layer := range layers {
		for owner, exclusive := range map[string]bool{"exclusive": true, "shared": false} {
			t.Run(name+", "+owner, func(t *testing.T) {
				conforms(t, func(t *testing.T) sqlite.Config {
					t.Helper()
					cfg := testConfig(layer(t))
					cfg.Exclusive, cfg.StopOnError = exclusive, !exclusive
					return cfg
				})
			})
		}
	}
}

// onDisk is a store of the wallet's kind on a disk that can fail.
func onDisk(t *testing.T) (*sqlite.Store, *storetest.Disk, string) {
	t.Helper()
	d, dir := storetest.NewDisk(t), t.TempDir()
	cfg := testConfig(filepath.Join(dir, "box.db"), d.Name)
	cfg.Exclusive = true
	return open(t, cfg), d, dir
}

// crashed returns what is in the files at this moment, as a crash would leave
// them.
func crashed(t *testing.T, dir string) []int {
	t.Helper()
	r, err := sqlite.TakeSnapshot(testConfig(filepath.Join(dir, "box.db"), ""))
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	all, err := list(&r.Tx)
	require.NoError(t, err)
	return all
}

func TestFailedCommitDoesNotComeBack(t *testing.T) {
	s, disk, dir := onDisk(t)
	require.NoError(t, s.Update(add(1)))
	disk.FailSyncs.Store(1)
	require.Error(t, s.Update(add(2)))
	require.Equal(t, []int{1}, crashed(t, dir), "it is written over before the user is told")
	disk.FailSyncs.Store(1000)
	require.Error(t, s.Update(add(3)))
	require.Error(t, s.Update(add(4)), "while that cannot be made durable nothing else is done")
	disk.FailSyncs.Store(0)
	require.Equal(t, []int{1}, items(t, s), "reading is enough")
	require.Equal(t, []int{1}, crashed(t, dir))
	require.NoError(t, s.Update(add(5)))
	require.Equal(t, []int{1, 5}, crashed(t, dir))
}

// TestACommitThatCannotBeCoveredEndsTheStore: the commit fails because the disk is
// full, which ends nothing. The sync that is to write over what it left fails, which
// does.
func TestACommitThatCannotBeCoveredEndsTheStore(t *testing.T) {
	for name, late := range map[string]bool{"at once": false, "before the next change": true} {
		t.Run(name, func(t *testing.T) {
			d := storetest.NewDisk(t)
			d.Shared = true
			cfg := testConfig(filepath.Join(t.TempDir(), "box.db"), d.Name)
			cfg.StopOnError = true
			cfg.Hooks.Undone = func(*sqlite.Tx, error) error {
				d.FullAll.Store(late)
				d.FailSyncs.Store(1)
				return nil
			}
			s := open(t, cfg)
			require.NoError(t, s.Update(add(1)))
			d.FullAll.Store(true)
			err := s.Update(add(2))
			require.True(t, sqlite.IsUnwritten(err), "%v", err)
			if d.FullAll.Swap(false) {
				require.ErrorIs(t, s.Update(add(3)), sqlite3.IOERR_FSYNC)
			}
			require.ErrorContains(t, s.Update(add(4)), "open it again")
			require.ErrorIs(t, <-s.Failed(), sqlite3.IOERR_FSYNC)
		})
	}
}

// TestUndoneFollowsBegin: no hook is called for a transaction that could not begin.
func TestUndoneFollowsBegin(t *testing.T) {
	d := storetest.NewDisk(t)
	cfg := testConfig(filepath.Join(t.TempDir(), "box.db"), d.Name)
	var calls []string // of the writer; read when it waits
	cfg.Hooks = sqlite.Hooks{
		Begin:  func() { calls = append(calls, "begin") },
		Done:   func() { calls = append(calls, "done") },
		Undone: func(*sqlite.Tx, error) error { calls = append(calls, "undone"); return nil },
	}
	s := open(t, cfg)
	require.NoError(t, s.Update(add(1)))
	d.FailBegin.Store(1)
	err := s.Update(add(2))
	require.True(t, sqlite.IsUnwritten(err), "%v", err)
	require.Equal(t, []string{"begin", "done"}, calls)
	require.NoError(t, s.Update(add(3)))
	require.Equal(t, []int{1, 3}, items(t, s))
}

func TestFullDiskCanBeRead(t *testing.T) {
	s, disk, _ := onDisk(t)
	require.NoError(t, s.Update(add(1)))
	disk.FailSyncs.Store(1000)
	require.Error(t, s.Update(add(2)))
	require.Equal(t, []int{1}, items(t, s))
	disk.FailSyncs.Store(0)
	disk.Full.Store(true)
	var err error
	n := 2
	for ; err == nil; n++ {
		require.Less(t, n, 10_000, "the disk never fills")
		err = s.Update(add(n))
	}
	require.True(t, sqlite.IsUnwritten(err), "%v", err)
	require.Len(t, items(t, s), n-2)
	disk.Full.Store(false)
	require.NoError(t, s.Update(add(n)))
}

// TestFullDiskEndsNothing: whatever the file layer says of a full disk, what is
// refused is not there, what was taken is, and it goes on when there is room. The
// log is copied into the file now and then, or cannot be.
func TestFullDiskEndsNothing(t *testing.T) {
	for _, says := range []error{sqlite3.FULL, sqlite3.IOERR_WRITE} {
		t.Run(says.Error(), func(t *testing.T) {
			d, dir := storetest.NewDisk(t), t.TempDir()
			d.Shared, d.Says = true, says
			cfg := testConfig(filepath.Join(dir, "box.db"), d.Name)
			cfg.StopOnError, cfg.Settings = true, "PRAGMA wal_autocheckpoint=3"
			s := open(t, cfg)
			var want []int
			refused := 0
			for n := range 3000 {
				d.Full.Store(n/300%2 == 1)
				d.FullAll.Store(n%700 > 650)
				if err := s.Update(add(n)); err != nil {
					require.True(t, sqlite.IsUnwritten(err), "%v", err)
					refused++
					continue
				}
				want = append(want, n)
			}
			require.Positive(t, refused)
			require.Equal(t, want, items(t, s))
			require.Equal(t, want, crashed(t, dir))
			t.Logf("%d of 3000 refused", refused)
			require.NoError(t, s.Kill())
			require.Equal(t, want, items(t, open(t, cfg)))
		})
	}
}

func TestNamesOfTheFilesAreSynced(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	open(t, testConfig("box.db", ""))
	require.NoError(t, sqlite.SyncDir(filepath.Dir("box.db")))
	require.ErrorIs(t, sqlite.SyncDir(filepath.Join(dir, "missing")), os.ErrNotExist)
}

// TestFilesArePrivate: in a folder that all may enter, and also a file that all
// could read.
func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder's access list decides on Windows")
	}
	for name, exclusive := range map[string]bool{"exclusive": true, "shared": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Chmod(dir, 0o755))
			cfg := testConfig(filepath.Join(dir, "box.db"), "")
			cfg.Exclusive = exclusive
			s, err := sqlite.Open(cfg)
			require.NoError(t, err)
			require.NoError(t, s.Close())
			require.NoError(t, os.Chmod(cfg.Path, 0o644))
			s = open(t, cfg)
			require.NoError(t, s.Update(add(1)))
			lock, err := sqlite.Lock(filepath.Join(dir, "lock.db"))
			require.NoError(t, err)
			defer func() { require.NoError(t, lock.Close()) }()
			if !exclusive {
				r, err := sqlite.Attach(cfg)
				require.NoError(t, err)
				require.NoError(t, r.Query("PRAGMA database_list", func(row sqlite.Row) error {
					require.Equal(t, filepath.Base(cfg.Path), filepath.Base(row.Text(2)), "it reads a copy in memory")
					return sqlite.ErrStop
				}))
				defer func() { require.NoError(t, r.Close()) }()
			}
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(entries), 3)
			for _, e := range entries {
				info, err := e.Info()
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
			}
		})
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock.db")
	lock, err := sqlite.Lock(path)
	require.NoError(t, err)
	_, err = sqlite.Lock(path)
	require.ErrorIs(t, err, sqlite.ErrLocked)
	require.NoError(t, lock.Close())
	lock, err = sqlite.Lock(path)
	require.NoError(t, err)
	require.NoError(t, lock.Close())
}

// TestSnapshot: a copy is that of a moment, beside a store that holds its file to
// itself, and nothing is left behind.
func TestSnapshot(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(filepath.Join(dir, "box.db"), "")
	cfg.Exclusive, cfg.Settings = true, "PRAGMA wal_autocheckpoint=4" // often
	s := open(t, cfg)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n += 2 {
			select {
			case <-stop:
				return
			default:
			}
			// A reader must see both or none.
			if err := s.Update(func(tx *sqlite.Tx) error {
				if err := add(n)(tx); err != nil {
					return err
				}
				return add(n + 1)(tx)
			}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	seen := 0
	for range 60 {
		r, err := sqlite.TakeSnapshot(cfg)
		require.NoError(t, err)
		all, err := list(&r.Tx)
		require.NoError(t, err)
		require.Zero(t, len(all)%2)
		for i, n := range all {
			require.Equal(t, i, n)
		}
		require.GreaterOrEqual(t, len(all), seen, "what was committed stays")
		seen = len(all)
		require.NoError(t, r.Close())
	}
	close(stop)
	<-stopped
	require.Equal(t, items(t, s), crashed(t, dir))
	require.NoError(t, s.Close())
	before, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Equal(t, items(t, open(t, cfg)), crashed(t, dir))
	require.Len(t, before, 1, "only the file")
	t.Logf("%d items", seen)
}

// TestDamagedTables: every single bit of the text of a table definition.
func TestDamagedTables(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(filepath.Join(dir, "box.db"), "")
	cfg.Schema = "CREATE TABLE item (n INTEGER PRIMARY KEY, text TEXT NOT NULL DEFAULT '' CHECK (length(text) < 100)) STRICT;"
	s, err := sqlite.Open(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	content, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	at := bytes.Index(content, []byte("CREATE TABLE item"))
	require.Positive(t, at)
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for bit := 0; bit < 8*(len(cfg.Schema)-1); bit += stride {
		damaged := bytes.Clone(content)
		damaged[at+bit/8] ^= 1 << (bit % 8)
		require.NoError(t, os.WriteFile(cfg.Path, damaged, 0o600))
		_, err := sqlite.Open(cfg)
		require.Error(t, err, "bit %d", bit)
		_, err = sqlite.TakeSnapshot(cfg)
		require.Error(t, err, "bit %d", bit)
	}
}
