package netns_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/subject/netns"
	"github.com/onebar/onebar/harness/testneeds"
)

// This binary is also what it runs in the namespace: a client that says its
// address and what it receives.
func TestMain(m *testing.M) {
	code := 0
	switch {
	case len(os.Args) > 1 && os.Args[1] == netns.Command:
		code = report(netns.Enter(os.Args[2:]))
	case os.Getenv("NETNS_CLIENT") != "":
		code = report(client(os.Stdout, os.Getenv("NETNS_CLIENT")))
	default:
		code = m.Run()
	}
	os.Exit(code) //nolint:forbidigo // this is the main of two programs
}

func report(err error) (code int) {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func client(out io.Writer, address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d interfaces, I am %v\n", len(all), c.LocalAddr().(*net.TCPAddr).IP)
	_, err = io.Copy(out, c)
	return err
}

// start runs this binary in a namespace.
func start(t *testing.T, n *packet.Network, env string) (cmd *exec.Cmd, out *strings.Builder, err error) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	out = new(strings.Builder)
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), "NETNS_CLIENT="+env)
	cmd.Stdout, cmd.Stderr = out, out
	join, err := netns.Wrap(cmd, func(device io.ReadWriteCloser) (harness.Tunnel, error) { return n.Tunnel(0, device) })
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, out, join()
}

// A program in its namespace reaches the server over the link, and nothing else.
func TestProgramMeetsTheLink(t *testing.T) {
	const delay = 50 * time.Millisecond
	path := harness.Path{Delay: delay}
	n, err := packet.New(harness.NetworkConfig{Clients: 1, Profile: harness.Profile{Up: path, Down: path}})
	require.NoError(t, err)
	defer func() { require.NoError(t, n.Close()) }()
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	go func() {
		c, err := l.Accept()
		if err == nil {
			fmt.Fprintln(c, "hello", c.RemoteAddr().(*net.TCPAddr).IP)
			c.Close()
		}
	}()
	began := time.Now()
	cmd, out, err := start(t, n, l.Addr().String())
	if errors.Is(err, netns.ErrNotHere) && !testneeds.CI() {
		_ = cmd.Wait()
		t.Skip(err)
	}
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), out.String())
	require.Equal(t, "2 interfaces, I am 10.1.0.0\nhello 10.1.0.0\n", out.String())
	require.GreaterOrEqual(t, time.Since(began), 3*delay, "a handshake and an answer")
}

// Nothing else can be reached, and a program that is not there is named.
func TestNamespaceHasNoOtherWayOut(t *testing.T) {
	n, err := packet.New(harness.NetworkConfig{Clients: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, n.Close()) }()
	real, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer real.Close()
	cmd, out, err := start(t, n, real.Addr().String())
	if errors.Is(err, netns.ErrNotHere) && !testneeds.CI() {
		_ = cmd.Wait()
		t.Skip(err)
	}
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Contains(t, out.String(), syscall.ECONNREFUSED.Error(), "its loopback is its own")
}

func TestNoSuchProgram(t *testing.T) {
	n, err := packet.New(harness.NetworkConfig{Clients: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, n.Close()) }()
	cmd := &exec.Cmd{Path: "/nowhere/at/all", Args: []string{"all"}}
	join, err := netns.Wrap(cmd, func(device io.ReadWriteCloser) (harness.Tunnel, error) { return n.Tunnel(0, device) })
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	err = join()
	require.Error(t, cmd.Wait())
	if errors.Is(err, netns.ErrNotHere) && !testneeds.CI() {
		t.Skip(err)
	}
	require.ErrorContains(t, err, "start /nowhere/at/all: no such file or directory")
}
