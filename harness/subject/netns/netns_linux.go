package netns

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/onebar/onebar/harness"
)

// Attach gives the device of a namespace to a network and returns its address there. It
// is harness.Tunneler's Tunnel for one payer.
type Attach func(device io.ReadWriteCloser) (harness.Tunnel, error)

// Wrap changes a command so that its program runs in its own network namespace. After
// cmd.Start the caller must call join once, even if the start failed. join returns when
// the program runs, or could not be started; the error is ErrNotHere if no namespace
// can be created. cmd.Path must be resolved; cmd.SysProcAttr must not ask for
// namespaces, and cmd.ExtraFiles must be empty.
func Wrap(cmd *exec.Cmd, attach Attach) (join func() error, err error) {
	if len(cmd.ExtraFiles) > 0 {
		return nil, errors.New("run a program in a namespace: expected a command without extra files")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("run a program in a namespace: make a socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "parent"), os.NewFile(uintptr(pair[1]), "child")
	args, err := become(append([]string{cmd.Path}, cmd.Args...))
	if err != nil {
		return nil, errors.Join(err, ours.Close(), theirs.Close())
	}
	cmd.Path, cmd.Args, cmd.ExtraFiles = args[0], args, []*os.File{theirs}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		// The set-up of the device needs this capability; the program does not keep it.
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
	}
	return func() error {
		defer ours.Close()
		if err := theirs.Close(); err != nil {
			return fmt.Errorf("run a program in a namespace: %w", err)
		}
		if cmd.Process == nil {
			return nil
		}
		return lead(ours, attach)
	}, nil
}

// setUpLimit is how long a child may take to set its namespace up.
const setUpLimit = 10 * time.Second

// lead receives the device from the child and sends its address.
func lead(socket *os.File, attach Attach) error {
	c, err := net.FileConn(socket)
	if err != nil {
		return fmt.Errorf("run a program in a namespace: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(setUpLimit)); err != nil {
		return fmt.Errorf("run a program in a namespace: %w", err)
	}
	device, err := take(c.(*net.UnixConn))
	if err != nil {
		return err
	}
	tunnel, err := attach(device)
	if err != nil {
		err = errors.Join(err, device.Close())
	}
	if told := send(c, tunnel, err); err == nil {
		err = told
	}
	if err != nil {
		return fmt.Errorf("join a namespace to its link: %w", err)
	}
	// The child's end is closed when it executes the program; before that it writes why
	// it could not.
	why, err := io.ReadAll(io.LimitReader(c, 1<<10))
	switch {
	case err != nil:
		return fmt.Errorf("wait for a program in its namespace: %w", err)
	case len(why) > 0:
		return errors.New(string(why))
	}
	return nil
}

// take receives the TUN device.
func take(c *net.UnixConn) (*os.File, error) {
	text, rights := make([]byte, 1<<10), make([]byte, unix.CmsgSpace(4))
	n, k, _, _, err := c.ReadMsgUnix(text, rights)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotHere, err)
	}
	list, err := unix.ParseSocketControlMessage(rights[:k])
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("%w: %s", ErrNotHere, text[:n])
	}
	fds, err := unix.ParseUnixRights(&list[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("%w: it sent no device", ErrNotHere)
	}
	unix.CloseOnExec(fds[0])
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, errors.Join(err, unix.Close(fds[0]))
	}
	return os.NewFile(uintptr(fds[0]), "tun"), nil
}

// Enter runs in the child: it sets the namespace up and executes the program whose path
// and arguments are args. It returns only if that failed, after it has told the parent
// why.
func Enter(args []string) error {
	socket := os.NewFile(socketFile, "parent")
	unix.CloseOnExec(socketFile)
	err := enter(socket, args)
	_, _ = io.WriteString(socket, err.Error())
	return errors.Join(err, socket.Close())
}

func enter(socket *os.File, args []string) error {
	if len(args) < 2 {
		return errors.New("a program is needed: its path and its arguments")
	}
	runtime.LockOSThread() // capabilities belong to a thread
	device, err := openTUN()
	if err != nil {
		return err
	}
	rights := unix.UnixRights(int(device.Fd()))
	if err := unix.Sendmsg(int(socket.Fd()), []byte("tun"), rights, nil, 0); err != nil {
		return fmt.Errorf("hand the TUN device over: %w", err)
	}
	tunnel, err := receive(socket)
	if err != nil {
		return err
	}
	if err := configure(tunnel); err != nil {
		return err
	}
	// The parent has the device now; the interface exists while the parent has it open.
	if err := device.Close(); err != nil {
		return fmt.Errorf("close the TUN device: %w", err)
	}
	if err := forgo(); err != nil {
		return err
	}
	return fmt.Errorf("start %s: %w", args[0], syscall.Exec(args[0], args[1:], os.Environ()))
}

// name is that of the device.
const name = "tun0"

func openTUN() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the TUN device: %w", err)
	}
	r, err := unix.NewIfreq(name)
	if err == nil {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err != nil {
		return nil, fmt.Errorf("make a TUN device: %w", errors.Join(err, unix.Close(fd)))
	}
	return os.NewFile(uintptr(fd), "tun"), nil
}

// configure gives the device its address, and the server's address as that of its other
// end, and turns the device and loopback on.
func configure(t harness.Tunnel) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("set the TUN device up: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	set := func(device string, request uint, value func(*unix.Ifreq) error) {
		var r *unix.Ifreq
		if err == nil {
			r, err = unix.NewIfreq(device)
		}
		if err == nil {
			err = value(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, request, r)
		}
	}
	address := func(a netip.Addr) func(*unix.Ifreq) error {
		return func(r *unix.Ifreq) error { return r.SetInet4Addr(a.AsSlice()) }
	}
	on := func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }
	set("lo", unix.SIOCSIFFLAGS, on)
	set(name, unix.SIOCSIFADDR, address(t.Client))
	set(name, unix.SIOCSIFDSTADDR, address(t.Server))
	set(name, unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(uint32(t.MTU)); return nil })
	set(name, unix.SIOCSIFFLAGS, on)
	if err != nil {
		return fmt.Errorf("set the TUN device up: %w", err)
	}
	return nil
}

// forgo drops the capability that only the set-up needed.
func forgo() error {
	if os.Getuid() == 0 {
		return nil
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	return nil
}
