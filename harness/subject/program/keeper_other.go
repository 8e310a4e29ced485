//go:build !unix

package program

import (
	"errors"
	"os/exec"
)

func errSystem() error {
	return errors.New("external programs run on Linux and macOS only: use the address of a server that already runs")
}

type keeper struct{}

func newKeeper() (*keeper, error) { return nil, errSystem() }
func (*keeper) admit(*exec.Cmd)   {}
func (*keeper) kill()             {}
func (*keeper) freeze() error     { return errSystem() }
func (*keeper) thaw() error       { return errSystem() }
