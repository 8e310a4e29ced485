package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/onebar/onebar/harness/scratch"
)

// VFS returns the name of the disk as a file layer of SQLite, for use in a URI:
// "file:/wallet.db?vfs=NAME". It is registered until Close.
func (d *Disk) VFS() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.vfs == "" {
		d.vfs = fmt.Sprintf("disk-%p", d)
		vfs.Register(d.vfs, layer{d})
		d.group.registered++
	}
	return d.vfs
}

// layer is the file layer of a disk for SQLite.
type layer struct{ disk *Disk }

// FullPathname implements vfs.VFS.
func (layer) FullPathname(name string) (string, error) { return path.Clean(name), nil }

// Access implements vfs.VFS.
func (l layer) Access(name string, _ vfs.AccessFlag) (bool, error) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.disk.off {
		return false, ErrNoPower
	}
	return l.disk.names[path.Clean(name)] != nil, nil
}

// Delete implements vfs.VFS.
func (l layer) Delete(name string, syncDir bool) error {
	err := l.disk.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if err == nil && syncDir {
		err = l.disk.SyncDir(path.Dir(path.Clean(name)))
	}
	return err
}

// Place creates a complete file, see Disk.Place.
func (l layer) Place(name string, content []byte) error { return l.disk.Place(name, content) }

// Open implements vfs.VFS.
func (l layer) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	const journals = vfs.OPEN_MAIN_JOURNAL | vfs.OPEN_WAL
	if name == "" || flags&vfs.OPEN_DELETEONCLOSE != 0 {
		l.disk.mu.Lock()
		defer l.disk.mu.Unlock()
		f := &File{disk: l.disk, node: &node{}, life: l.disk.life, name: "a temporary file", nameless: true}
		return &file{File: f}, flags, nil
	}
	f, err := l.disk.Open(name, flags&vfs.OPEN_CREATE != 0)
	if errors.Is(err, ErrNoPower) {
		return nil, flags, vfs.SystemError(err, sqlite3.IOERR)
	}
	if err != nil {
		return nil, flags, err
	}
	f.log = flags&journals != 0
	opened := &file{
		File:    f,
		syncDir: flags&vfs.OPEN_CREATE != 0 && flags&(journals|vfs.OPEN_SUPER_JOURNAL) != 0,
	}
	if flags&vfs.OPEN_MAIN_DB == 0 {
		return opened, flags, nil
	}
	shm, err := l.disk.sharedMemory(f, flags)
	if err != nil {
		return nil, flags, err
	}
	return &database{file: opened, shm: shm}, flags, nil
}

// sharedMemory returns the index of the log of a database. All connections share it until
// the next power failure. It is nil for other files.
func (d *Disk) sharedMemory(f *File, flags vfs.OpenFlag) (vfs.SharedMemory, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.group.scratchDir()
	if err != nil {
		return nil, fmt.Errorf("make room for shared memory: %w", err)
	}
	name := fmt.Sprintf("%d-%d-%d-shm", d.number, f.life, f.node.id)
	return vfs.NewSharedMemory(filepath.Join(dir, name), flags), nil
}

// makeScratch creates a directory for temporary files. On Linux it is in memory, which is
// ten times as fast, unless the user has set TMPDIR.
func makeScratch() (*scratch.Folder, error) {
	if os.Getenv("TMPDIR") == "" {
		if f, err := scratch.Make("/dev/shm"); err == nil {
			return f, nil
		}
	}
	return scratch.Make("")
}

// file is an open file as SQLite sees it. SQLite uses it in one goroutine at a
// time.
type file struct {
	*File
	lock    vfs.LockLevel
	syncDir bool // the first sync syncs the directory, too
}

// database is a file that may have a log with a shared index.
type database struct {
	*file
	shm vfs.SharedMemory
}

// SharedMemory implements vfs.FileSharedMemory.
func (f *database) SharedMemory() vfs.SharedMemory { return f.shm }

// Close implements vfs.File.
func (f *database) Close() error {
	if f.shm != nil {
		_ = f.shm.Close() // it has been closed, or was never opened
	}
	return f.file.Close()
}

// Close implements vfs.File.
func (f *file) Close() error { return f.Unlock(vfs.LOCK_NONE) }

// Sync implements vfs.File.
func (f *file) Sync(vfs.SyncFlag) error {
	if err := f.File.Sync(); err != nil || !f.syncDir {
		return err
	}
	if err := f.disk.SyncDir(path.Dir(f.name)); err != nil {
		return err
	}
	f.syncDir = false
	return nil
}

// SectorSize implements vfs.File.
func (*file) SectorSize() int { return SectorSize }

// DeviceCharacteristics implements vfs.File. A power failure changes only what was being
// written.
func (*file) DeviceCharacteristics() vfs.DeviceCharacteristic { return vfs.IOCAP_POWERSAFE_OVERWRITE }

// locks are the locks of a file as in https://sqlite.org/lockingv3.html. A power failure
// releases them.
type locks struct {
	shared   int  // readers, the writer included
	reserved bool // a connection is going to write
	pending  bool // a connection writes, or waits for the readers to end: no new readers
}

// Lock implements vfs.File. It does not wait.
func (f *file) Lock(to vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	if f.lock >= to {
		return nil
	}
	l := &f.node.locks
	switch to {
	case vfs.LOCK_SHARED:
		if l.pending {
			return sqlite3.BUSY
		}
		l.shared++
	case vfs.LOCK_RESERVED:
		if l.reserved {
			return sqlite3.BUSY
		}
		l.reserved = true
	default:
		if l.pending && f.lock < vfs.LOCK_PENDING {
			return sqlite3.BUSY
		}
		if f.lock == vfs.LOCK_RESERVED {
			f.lock, l.pending = vfs.LOCK_PENDING, true
		}
		if l.shared > 1 {
			return sqlite3.BUSY
		}
		l.pending = true
	}
	f.lock = to
	return nil
}

// Unlock implements vfs.File.
func (f *file) Unlock(to vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.lock <= to {
		return nil
	}
	l := &f.node.locks // after a power failure this connection's alone
	if f.lock >= vfs.LOCK_PENDING {
		l.pending = false
	}
	if f.lock >= vfs.LOCK_RESERVED {
		l.reserved = false
	}
	if to == vfs.LOCK_NONE {
		l.shared--
	}
	f.lock = to
	return nil
}

// CheckReservedLock implements vfs.File.
func (f *file) CheckReservedLock() (bool, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.node.locks.reserved, f.alive()
}
