//go:build !unix

package scratch

import "os"

const locks = false

// Lock does nothing where there is no flock.
func Lock(*os.File) error { return nil }

func owned(os.FileInfo) bool { return false }
