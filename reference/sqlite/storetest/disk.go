// Package storetest has a file layer for stores that fails when a test wants it to.
package storetest

import (
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Disk is the operating system's file layer without waiting for the disk, whose
// syncs and writes can be made to fail. Its name for sqlite.Config.VFS is Name.
type Disk struct {
	vfs.VFSFilename

	Name      string
	FailBegin atomic.Int64 // so many of the next BEGIN IMMEDIATE fail with Says, where the journal is a rollback journal
	FailSyncs atomic.Int64 // so many of the next syncs fail with an I/O error
	Full      atomic.Bool  // every write that needs more room fails
	FullAll   atomic.Bool  // every write fails as on a full disk
	Says      error        // of a write or a beginning that fails; default sqlite3.FULL. Set it before the first opening
	Shared    bool         // has shared memory, so that a log can be read by others; set it before the first opening
	LogSyncs  atomic.Int64 // syncs of a log that did not fail
}

// NewDisk registers a disk under the test's name, until the test ends.
func NewDisk(tb testing.TB) *Disk {
	tb.Helper()
	d := &Disk{VFSFilename: vfs.Find("").(vfs.VFSFilename), Name: tb.Name(), Says: sqlite3.FULL}
	vfs.Register(d.Name, d)
	tb.Cleanup(func() { vfs.Unregister(d.Name) })
	return d
}

// OpenFilename implements vfs.VFSFilename.
func (d *Disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := d.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	df := &file{File: f, disk: d, log: flags&vfs.OPEN_WAL != 0}
	if shm, ok := f.(vfs.FileSharedMemory); ok && d.Shared {
		return &sharedFile{file: df, shm: shm}, flags, nil
	}
	return df, flags, nil
}

type file struct {
	vfs.File
	disk *Disk
	log  bool // it is a write-ahead log
}

// sharedFile is a file with shared memory.
type sharedFile struct {
	*file
	shm vfs.FileSharedMemory
}

// SharedMemory implements vfs.FileSharedMemory.
func (f *sharedFile) SharedMemory() vfs.SharedMemory { return f.shm.SharedMemory() }

// Lock implements vfs.File. With a rollback journal the lock that is reserved is
// the one of BEGIN IMMEDIATE (https://sqlite.org/lang_transaction.html).
func (f *file) Lock(level vfs.LockLevel) error {
	if level == vfs.LOCK_RESERVED && f.disk.FailBegin.Load() > 0 && f.disk.FailBegin.Add(-1) >= 0 {
		return f.disk.Says
	}
	return f.File.Lock(level)
}

// Sync implements vfs.File.
func (f *file) Sync(vfs.SyncFlag) error {
	if f.disk.FailSyncs.Load() > 0 && f.disk.FailSyncs.Add(-1) >= 0 {
		return sqlite3.IOERR_FSYNC
	}
	if f.log {
		f.disk.LogSyncs.Add(1)
	}
	return nil
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if f.disk.FullAll.Load() {
		return 0, f.disk.Says
	}
	if f.disk.Full.Load() {
		if size, err := f.Size(); err != nil || off+int64(len(p)) > size {
			return 0, f.disk.Says
		}
	}
	return f.File.WriteAt(p, off)
}
