// Package scratch makes folders for files that nobody needs after their process. A
// process that was killed leaves its folders behind; the next one that makes a folder in
// the same place removes them.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ErrLocked is the error of Lock if another open file has the lock.
var ErrLocked = errors.New("it is locked")

// The names in a place for scratch: a folder has a file that its process has locked, and
// within it the folder that is used.
const (
	pattern  = "onebar-scratch-*"
	lockFile = "lock"
	inner    = "files"
)

// Folder is a folder of this process. Remove ends it. It must be kept until then: a Folder
// that nobody refers to any more loses its lock.
type Folder struct {
	Path  string // it is empty
	outer string
	lock  *os.File
}

// swept are the places that this process has swept.
//
//nolint:gochecknoglobals // a place is swept once a process
var swept sync.Map

// Make makes a folder in a place, an existing folder; an empty one is that of the
// system for temporary files. Before the first one there it removes what killed processes
// of this user have left.
func Make(place string) (*Folder, error) {
	if place == "" {
		place = os.TempDir()
	}
	if _, again := swept.LoadOrStore(place, true); !again {
		Sweep(place)
	}
	outer, err := os.MkdirTemp(place, pattern)
	if err != nil {
		return nil, fmt.Errorf("make a scratch folder: %w", err)
	}
	f := &Folder{Path: filepath.Join(outer, inner), outer: outer}
	path := filepath.Join(outer, lockFile)
	if f.lock, err = os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		// It gets its name when it is locked: until then Sweep of another process would lock it.
		err = errors.Join(Lock(f.lock), os.Mkdir(f.Path, 0o700))
	}
	if err == nil && locks {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a scratch folder: %w", err), f.Remove())
	}
	return f, nil
}

// Remove removes the folder and everything in it.
func (f *Folder) Remove() error {
	err := os.RemoveAll(f.Path)
	if f.lock != nil {
		f.lock.Close() // the lock ends only now: until here nobody else removes it, too
	}
	return errors.Join(err, os.RemoveAll(f.outer))
}

// Sweep removes the folders in a place whose processes are gone. It leaves alone what
// belongs to another user, what is a link, and a folder that a process has locked or has
// just made.
func Sweep(place string) {
	if !locks {
		return
	}
	found, err := filepath.Glob(filepath.Join(place, pattern))
	if err != nil {
		return
	}
	for _, outer := range found {
		if info, err := os.Lstat(outer); err != nil || !info.IsDir() || !owned(info) {
			continue
		}
		path := filepath.Join(outer, lockFile)
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		lock, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if Lock(lock) == nil {
			_ = os.RemoveAll(outer) // another process may be removing it, too
		}
		lock.Close()
	}
}
