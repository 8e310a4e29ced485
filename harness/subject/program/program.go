// Package program starts external programs, and makes sure that none of their processes
// is left behind.
//
// A [Process] is a program in its own process group. The leader of the group is a
// watchdog, the keeper: a shell that waits for the end of a pipe from onebar. When
// onebar ends, for whatever reason, the pipe is closed and the keeper kills the group.
// [Process.Kill] and [Process.Freeze] apply to the whole group, so they reach the
// children of the program. The output of the program goes to a log file.
//
// [Server] is a payment server that is a program. [Client] is one or several programs
// that speak the protocol of docs/exec-client.md. [Ledger] is a program that prints what
// has been booked.
package program

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	"github.com/onebar/onebar/harness/subject/netns"
)

// Config says how to start a program.
type Config struct {
	Name    string   // for messages, such as "the server"
	Command []string // program and arguments; no shell reads them
	Env     []string // the whole environment, each of the form NAME=value
	Dir     string   // working folder; a relative path of the program is relative to it

	// LogFile receives what the program prints, at its end; not the standard output if
	// Stdout is set.
	LogFile string
	Stdin   *os.File // nil is none; the caller closes it
	Stdout  *os.File // nil is LogFile; the caller closes it

	// Attach, if it is not nil, makes the program run in its own network namespace, and
	// is called with the TUN device of it: see package netns. Linux only.
	Attach netns.Attach
}

// Process is a program that was started. Its methods may be called from several
// goroutines.
type Process struct {
	name   string
	log    string
	from   int64 // size of the log when it was started
	keeper *keeper
	cmd    *exec.Cmd
	killed atomic.Bool
	done   chan struct{}
	err    error // how it ended; err and itself are set before done is closed
	itself bool  // it ended before it was killed
}

// Start starts a program. The caller must call Kill in the end, even if the program
// has ended by itself.
func Start(c Config) (*Process, error) {
	log, err := os.OpenFile(c.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", c.Name, err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", c.Name, err)
	}
	k, err := newKeeper()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	cmd := exec.Command(c.Command[0], c.Command[1:]...) //nolint:noctx // it lives until Kill
	cmd.Env, cmd.Dir = c.Env, c.Dir
	cmd.Stdout, cmd.Stderr = log, log
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	k.admit(cmd)
	join := func() error { return nil }
	if c.Attach != nil {
		if join, err = netns.Wrap(cmd, c.Attach); err != nil {
			k.kill()
			return nil, fmt.Errorf("start %s: %w", c.Name, err)
		}
	}
	err = cmd.Start()
	if failed := join(); err == nil && failed != nil {
		k.kill()
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.Name, failed), reap(cmd))
	}
	if err != nil {
		k.kill()
		if c.Attach != nil && cmd.Err == nil { // then it was onebar itself, the child of package netns, that could not be started
			return nil, fmt.Errorf("start %s: %w: %w", c.Name, netns.ErrNotHere, err)
		}
		return nil, fmt.Errorf("start %s: %w; its command is %q in %s", c.Name, err, strings.Join(c.Command, " "), c.Dir)
	}
	p := &Process{name: c.Name, log: c.LogFile, from: info.Size(), keeper: k, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		p.itself = !p.killed.Load()
		close(p.done)
	}()
	return p, nil
}

// reap waits for a process that was killed before it executed the program.
func reap(cmd *exec.Cmd) error {
	if _, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok {
		return fmt.Errorf("wait for process %d", cmd.Process.Pid)
	}
	return nil
}

// Pid returns the process id of the program.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill kills the program and its children by SIGKILL, and returns when they have ended.
// Further calls do nothing.
func (p *Process) Kill() {
	if p.killed.Swap(true) {
		<-p.done
		return
	}
	p.keeper.kill()
	<-p.done
}

// Freeze stops the program and its children, by SIGSTOP, until Thaw. Both do nothing
// after Kill.
func (p *Process) Freeze() error {
	if p.killed.Load() {
		return nil
	}
	return p.keeper.freeze()
}

// Thaw continues it after Freeze.
func (p *Process) Thaw() error {
	if p.killed.Load() {
		return nil
	}
	return p.keeper.thaw()
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Died returns an error that says how the program ended by itself, with its last lines.
// It returns nil while the program runs, and if Kill has ended it.
func (p *Process) Died() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	if !p.itself {
		return nil
	}
	how := "exit status 0"
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		how = exit.String()
	} else if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s died by itself: %s; %s", p.name, how, p.LastLines())
}

// LastLines returns the last lines of the log for a message.
func (p *Process) LastLines() string {
	const most, longest = 5, 200
	lines := strings.Split(strings.TrimSpace(string(p.printed(4096))), "\n")
	if lines[0] == "" && len(lines) == 1 {
		return "it printed nothing"
	}
	lines = lines[max(0, len(lines)-most):]
	for i, l := range lines {
		if len(l) > longest {
			lines[i] = strings.ToValidUTF8(l[:longest], "") + "…"
		}
	}
	return "its last lines: " + strings.Join(lines, " | ")
}

// Printed reports whether a line that was logged since this start contains text.
func (p *Process) Printed(text string) bool {
	for line := range bytes.Lines(p.printed(1 << 20)) {
		if bytes.HasSuffix(line, []byte("\n")) && bytes.Contains(line, []byte(text)) {
			return true
		}
	}
	return false
}

// printed returns the last most bytes that were logged since this start.
func (p *Process) printed(most int64) []byte {
	f, err := os.Open(p.log)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	from := max(p.from, info.Size()-most)
	b, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return nil
	}
	return b
}
