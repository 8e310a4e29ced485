// Package netns runs a program in its own Linux network namespace. The only interface
// there is a TUN device, whose packets another process reads and writes. So the
// kernel's TCP sees the delay and loss of the link, as on a phone. With a listener on
// loopback, the kernel would acknowledge everything at once.
//
// Two processes take part. The parent prepares the command with [Wrap], which starts
// this program again in the namespace. There [Enter] creates the device, hands it to the
// parent, receives its address and executes the program. Where the kernel allows it,
// that needs no privilege: a user namespace owns the network namespace of a user who is
// not root.
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

// ErrNotHere is returned if the system has no network namespaces, or does not allow
// onebar to create one. The program can use a loopback address then.
var ErrNotHere = errors.New("no network namespace can be created here")

// reply is what the parent sends to the child when it has the device.
type reply struct {
	harness.Tunnel
	Error string `json:"error,omitempty"`
}

// send tells the child the addresses of its device, or why there are none.
func send(w io.Writer, t harness.Tunnel, err error) error {
	r := reply{Tunnel: t}
	if err != nil {
		r.Error = err.Error()
	}
	return json.NewEncoder(w).Encode(r)
}

// receive reads what send wrote.
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

// become returns the command line that starts this program with Command and args.
func become(args []string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return append([]string{self, Command}, args...), nil
}
