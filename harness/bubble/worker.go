package bubble

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// endTimeout is how long a worker has to answer or to exit after it is told to.
const endTimeout = 10 * time.Second

// worker is a child process of a Pool.
type worker struct {
	cmd       *exec.Cmd
	in        io.WriteCloser
	responses chan response // closed at the end of its output
	said      tail          // the end of its standard error
}

// environment returns this process's environment with one processor. Unless the user has
// set GOGC or GOMEMLIMIT, the garbage collector runs less often: a run uses a few
// megabytes and allocates several times as much.
func environment() []string {
	env := append(os.Environ(), "GOMAXPROCS=1")
	for name, value := range map[string]string{"GOGC": "400", "GOMEMLIMIT": "1GiB"} {
		if _, set := os.LookupEnv(name); !set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func startWorker(command []string) (*worker, error) {
	w := &worker{cmd: exec.Command(command[0], command[1:]...), responses: make(chan response)} //nolint:noctx // it outlives the job that needed it first
	w.cmd.Env = environment()
	w.cmd.Stderr = &w.said
	var out io.ReadCloser
	var err error
	if w.in, err = w.cmd.StdinPipe(); err == nil {
		if out, err = w.cmd.StdoutPipe(); err == nil {
			err = w.cmd.Start()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	go func() {
		defer close(w.responses)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			if r, ok := responseOf(line); ok {
				w.responses <- r
			}
		}
	}()
	return w, nil
}

// responseOf returns the response that a line of a worker's output is, and false if the
// job has printed it.
func responseOf(line []byte) (response, bool) {
	var r response
	if json.Unmarshal(line, &r) != nil || !r.Done && r.News == nil {
		return response{}, false
	}
	return r, true
}

// do does one job. An error means that the worker cannot be used any more.
func (w *worker) do(ctx context.Context, job json.RawMessage, news func(json.RawMessage)) (response, error) {
	tell := func(r request) { _ = json.NewEncoder(w.in).Encode(r) } // if it is gone, its output ends
	tell(request{Job: job})
	stop, late := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case r, ok := <-w.responses:
			switch {
			case !ok:
				return response{}, w.died()
			case r.Done:
				return r, nil
			case news != nil:
				news(r.News)
			}
		case <-stop:
			tell(request{Cancel: true})
			timer := time.NewTimer(endTimeout)
			defer timer.Stop()
			stop, late = nil, timer.C
		case <-late:
			return response{}, context.Cause(ctx)
		}
	}
}

// died returns how a worker ended that closed its output.
func (w *worker) died() error {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait() // its state says the same
	f := &Failure{Kind: Died, Text: fmt.Sprintf("its process ended without an answer (%v)", w.cmd.ProcessState)}
	said := w.said.text()
	if head, list, ok := crash(said); ok {
		f.Kind, f.Text, f.Goroutines = Panic, head, list
	} else if said != "" {
		f.Text += ", and its last words were: " + said
	}
	return f
}

// crash finds a panic, or a fatal error of the runtime, in the output of a process: its
// first line, and the goroutine that caused it.
func crash(said string) (head string, list []Goroutine, ok bool) {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			_, rest, _ := strings.Cut(said, line)
			list = parse(rest)
			return strings.TrimSpace(line), list[:min(len(list), 1)], true
		}
	}
	return "", nil, false
}

// end ends the process: by the end of its input, or else by force.
func (w *worker) end() {
	w.in.Close()
	if w.cmd.ProcessState != nil {
		return
	}
	force := time.AfterFunc(endTimeout, func() { _ = w.cmd.Process.Kill() })
	defer force.Stop()
	for range w.responses { // drain its output
		continue
	}
	_ = w.cmd.Wait() // its exit status does not matter any more
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 64 << 10

// Write implements io.Writer and never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if n := len(t.buf) - tailSize; n > 0 {
		t.buf = slices.Delete(t.buf, 0, n)
	}
	return len(b), nil
}

// text returns the last lines, or the whole of a crash.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.buf))
}
