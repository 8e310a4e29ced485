//go:build !linux

package netns

import (
	"io"
	"os/exec"

	"github.com/onebar/onebar/harness"
)

// Attach gives the device of a namespace to a network.
type Attach func(device io.ReadWriteCloser) (harness.Tunnel, error)

// Wrap returns ErrNotHere: only Linux has network namespaces.
func Wrap(*exec.Cmd, Attach) (join func() error, err error) { return nil, ErrNotHere }

// Enter returns ErrNotHere.
func Enter([]string) error { return ErrNotHere }
