package bank

import (
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// testVFS is the operating system's file layer without shared memory and
// without waiting for the disk, whose writes and syncs can be made to fail. A
// ledger on it shows that the file layer is replaceable.
type testVFS struct {
	vfs.VFSFilename
	failSync  atomic.Bool // every sync fails with an I/O error
	failWrite atomic.Bool // every write fails because the disk is full
	shared    bool        // with shared memory after all, so with a write-ahead log
	logSyncs  atomic.Int64
}

// newTestVFS registers a file layer under the test's name, which it returns.
func newTestVFS(tb testing.TB) (*testVFS, string) {
	tb.Helper()
	v := &testVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	vfs.Register(tb.Name(), v)
	tb.Cleanup(func() { vfs.Unregister(tb.Name()) })
	return v, tb.Name()
}

func (v *testVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	tf := &testFile{File: f, vfs: v, log: flags&vfs.OPEN_WAL != 0}
	if shm, ok := f.(vfs.FileSharedMemory); ok && v.shared {
		return &sharedFile{testFile: tf, shm: shm}, flags, nil
	}
	return tf, flags, nil
}

type testFile struct {
	vfs.File
	vfs *testVFS
	log bool // it is a write-ahead log
}

// sharedFile is a testFile with shared memory.
type sharedFile struct {
	*testFile
	shm vfs.FileSharedMemory
}

func (f *sharedFile) SharedMemory() vfs.SharedMemory { return f.shm.SharedMemory() }

func (f *testFile) Sync(vfs.SyncFlag) error {
	if f.vfs.failSync.Load() {
		return sqlite3.IOERR_FSYNC
	}
	if f.log {
		f.vfs.logSyncs.Add(1)
	}
	return nil
}

func (f *testFile) WriteAt(p []byte, off int64) (int, error) {
	if f.vfs.failWrite.Load() {
		return 0, sqlite3.FULL
	}
	return f.File.WriteAt(p, off)
}
