//go:build !unix

package program

import (
	"errors"
	"os/exec"
)

func errSystem() error {
	return errors.New("programs of others can be run on Linux and macOS only: use a server that is there, by its address")
}

type keeper struct{}

func newKeeper() (*keeper, error) { return nil, errSystem() }
func (*keeper) admit(*exec.Cmd)   {}
func (*keeper) kill()             {}
func (*keeper) freeze() error     { return errSystem() }
func (*keeper) thaw() error       { return errSystem() }
