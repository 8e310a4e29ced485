package disk

import (
	"errors"
	"fmt"
	"io"
)

// File is an open file. Its methods may be called from several goroutines.
type File struct {
	disk     *Disk
	node     *node
	life     int64 // of the disk, when it was opened
	name     string
	nameless bool // a temporary file: its operations do not count
	log      bool // an SQLite log or rollback journal
}

// alive returns ErrNoPower if the power has failed since the file was opened. It is called
// with mu held.
func (f *File) alive() error {
	if f.disk.off || f.life != f.disk.life {
		return ErrNoPower
	}
	return nil
}

// do carries out an operation after which the file has at least some size, if the file is
// alive.
func (f *File) do(k Kind, size int64, apply func()) error {
	f.disk.mu.Lock()
	defer f.disk.unlock()
	if err := f.alive(); err != nil {
		return fmt.Errorf("%v %s: %w", k, f.name, err)
	}
	if f.nameless {
		apply()
		return nil
	}
	if err := f.disk.do(operation{kind: k, log: f.log, grows: size > f.node.size}, apply); err != nil {
		return fmt.Errorf("%v %s: %w", k, f.name, err)
	}
	return nil
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, fmt.Errorf("read %s: %w", f.name, err)
	}
	if off < 0 {
		return 0, fmt.Errorf("read %s: offset %d is below 0", f.name, off)
	}
	n := f.node.read(p, off)
	if n < len(p) || off >= f.node.size {
		return n, io.EOF
	}
	return n, nil
}

// maxSize bounds a file, so that a wrong offset is an error and does not exhaust the
// memory.
const maxSize = 1 << 30

var errSize = errors.New("a file of this disk has at most 1 GiB")

// WriteAt implements io.WriterAt. What it writes is pending until Sync. A gap
// before it reads as zeros.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > maxSize-int64(len(p)) {
		return 0, fmt.Errorf("write %s at %d: %w", f.name, off, errSize)
	}
	if err := f.do(Write, off+int64(len(p)), func() {
		if len(p) > 0 {
			f.node.write(p, off)
		}
	}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Truncate sets the size, in bytes. The change is pending until Sync. What a
// file grows over reads as zeros.
func (f *File) Truncate(size int64) error {
	if size < 0 || size > maxSize {
		return fmt.Errorf("truncate %s to %d: %w", f.name, size, errSize)
	}
	return f.do(Truncate, size, func() { f.node.truncate(size) })
}

// Sync makes the content and the size durable, but not the name: that is for
// Disk.SyncDir. It takes the time of Disk.SyncTime, at the end of which what was written
// until then is durable.
func (f *File) Sync() error {
	f.wait()
	return f.do(Sync, 0, f.node.sync)
}

// Size returns the size in bytes.
func (f *File) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, fmt.Errorf("size of %s: %w", f.name, err)
	}
	return f.node.size, nil
}

// Close implements io.Closer. It syncs nothing and never fails.
func (f *File) Close() error { return nil }
