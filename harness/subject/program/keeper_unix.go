//go:build unix

package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// keeper leads the process group of a program and kills it when this process is
// gone.
type keeper struct {
	cmd  *exec.Cmd
	pipe *os.File // its end is how the keeper knows
}

// newKeeper starts one, alone in its group.
func newKeeper() (*keeper, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	// The read ends at the end of the pipe; signals to us from a terminal do not
	// reach the group. A group with something frozen in it is hung up when we end.
	cmd := exec.Command("/bin/sh", "-c", `trap "" HUP INT QUIT TERM; read -r _; kill -KILL 0`) //nolint:noctx // it lives until kill
	cmd.Stdin, cmd.Env, cmd.Dir = read, []string{}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return &keeper{cmd, write}, nil
}

// admit has a program begin in the group.
func (k *keeper) admit(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: k.cmd.Process.Pid}
}

// kill ends the group. It is called once.
func (k *keeper) kill() {
	group := k.cmd.Process.Pid
	// The group exists while its leader has not been waited for.
	_ = syscall.Kill(-group, syscall.SIGKILL)
	_ = k.cmd.Wait() // killed
	k.pipe.Close()
	// What the program had started is nobody's child here: give the system a moment
	// to end it, so that its ports are free.
	for range 50 {
		if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (k *keeper) freeze() error {
	if err := syscall.Kill(-k.cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze the program: %w", err)
	}
	// The keeper itself must go on.
	return k.cmd.Process.Signal(syscall.SIGCONT)
}

func (k *keeper) thaw() error {
	if err := syscall.Kill(-k.cmd.Process.Pid, syscall.SIGCONT); err != nil {
		return fmt.Errorf("let the program go on: %w", err)
	}
	return nil
}
