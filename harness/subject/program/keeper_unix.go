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

// keeper is a watchdog: a process that leads the process group of a program, and kills
// the group when onebar has ended.
type keeper struct {
	cmd  *exec.Cmd
	pipe *os.File // it is closed when onebar ends
}

// newKeeper starts a keeper as the first process of a new group.
func newKeeper() (*keeper, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	// read ends when the pipe is closed. Signals from onebar's terminal do not reach the
	// group. The system sends SIGHUP to a group with a stopped process when onebar ends.
	cmd := exec.Command("/bin/sh", "-c", `trap "" HUP INT QUIT TERM; read -r _; kill -KILL 0`) //nolint:noctx // it lives until kill
	cmd.Stdin, cmd.Env, cmd.Dir = read, []string{}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return &keeper{cmd, write}, nil
}

// admit makes a command start in the group.
func (k *keeper) admit(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: k.cmd.Process.Pid}
}

// kill kills the group. It is called once.
func (k *keeper) kill() {
	group := k.cmd.Process.Pid
	// The group exists while its leader has not been waited for.
	_ = syscall.Kill(-group, syscall.SIGKILL)
	_ = k.cmd.Wait() // killed
	k.pipe.Close()
	// onebar cannot wait for the children of the program: give the system a moment to
	// end them, so that their ports are free.
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
		return fmt.Errorf("continue the program: %w", err)
	}
	return nil
}
