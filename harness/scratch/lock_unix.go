//go:build unix

package scratch

import (
	"errors"
	"os"
	"syscall"
)

// locks reports whether Lock can lock a file.
const locks = true

// Lock locks a file until it is closed, also by the end of this process. It returns
// ErrLocked if it is locked already.
func Lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// owned reports whether a file belongs to the user of this process.
func owned(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
