// Package netns runs a program in a Linux network namespace of its own, whose only
// way out is a TUN device that somebody else reads and writes. So the kernel's TCP
// meets what the link does, as on a phone, where behind a listener on loopback it
// would be told that everything has arrived.
//
// It takes two programs. The parent prepares the command with [Wrap], which makes
// this program again in the namespace; there [Enter] makes the device, hands it to
// the parent, is told its address and becomes the program. Where the kernel allows
// it, that needs no privilege: the namespace of a user who is not root is owned by
// a user namespace.
package netns

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/onebar/onebar/harness"
)

// Command is the first argument with which this program must call Enter.
const Command = "netns"

// ErrNotHere is returned where there are no network namespaces, or nobody may make
// one. The program can be reached by a loopback address then.
var ErrNotHere = errors.New("no network namespace can be made here")

// reply is what the parent tells the child once it has the device.
type reply struct {
	harness.Tunnel
	Error string `json:"error,omitempty"`
}

// send tells the child what its device is.
func send(w io.Writer, t harness.Tunnel, err error) error {
	r := reply{Tunnel: t}
	if err != nil {
		r.Error = err.Error()
	}
	return json.NewEncoder(w).Encode(r)
}

// receive is send's other end.
func receive(r io.Reader) (harness.Tunnel, error) {
	var got reply
	if err := json.NewDecoder(r).Decode(&got); err != nil {
		return harness.Tunnel{}, fmt.Errorf("ask for the address of the namespace: %w", err)
	}
	if got.Error != "" {
		return harness.Tunnel{}, errors.New(got.Error)
	}
	return got.Tunnel, nil
}

// socketFile is the child's end of the socket to its parent: the first of
// exec.Cmd.ExtraFiles.
const socketFile = 3

// become replaces the command line of the parent by that of this program.
func become(args []string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return append([]string{self, Command}, args...), nil
}
