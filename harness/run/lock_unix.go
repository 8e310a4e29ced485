//go:build unix

package run

import (
	"errors"
	"os"
	"syscall"
)

// lock locks a file until it is closed, also by the end of this process.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
