//go:build !windows

package cli

import (
	"fmt"
	"os"
)

// private returns an error if others than its owner can read the file.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%s holds private keys and others can read it (mode %04o): run \"chmod 600 %s\"", path, perm, path)
	}
	return nil
}
