package onebartest

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/spec"
)

// runs makes the runs of one call of a Trial's methods. It is an explore.Runner.
type runs struct {
	t        testing.TB
	trial    Trial
	scenario harness.Scenario
	library  spec.Library
	workers  *bubble.Pool // nil if they are made in this process
	jobs     int          // how many runs are made at a time
}

// workerArg begins the last argument of a process that is a worker. The name of
// the test follows, and which of its Trials is meant.
const workerArg = "onebartest-worker="

// calls counts the Trials that each test under way has come to.
//
//nolint:gochecknoglobals // a test is known by its name in the whole process
var calls struct {
	sync.Mutex
	of map[string]int
}

// call names a call of a Trial's method, the same in this process and its workers.
func call(tb testing.TB) string {
	tb.Helper()
	calls.Lock()
	defer calls.Unlock()
	name := tb.Name()
	if calls.of == nil {
		calls.of = map[string]int{}
	}
	if calls.of[name] == 0 {
		tb.Cleanup(func() { // the test may be run again, see -count
			calls.Lock()
			defer calls.Unlock()
			delete(calls.of, name)
		})
	}
	calls.of[name]++
	return name + "#" + strconv.Itoa(calls.of[name])
}

// begin has do make runs, at most jobs at a time. In a worker it serves, if it is
// what the worker was started for, and ends the test.
func (x Trial) begin(tb testing.TB, jobs int, do func(*runs)) {
	tb.Helper()
	id := call(tb)
	if wanted, ok := strings.CutPrefix(os.Args[len(os.Args)-1], workerArg); ok {
		if wanted == id {
			x.serve(tb)
		}
		return
	}
	sc, lib, err := x.load()
	if err != nil {
		tb.Fatal(err)
	}
	sc.Timeline = append(slices.Clone(sc.Timeline), x.Events...)
	r := &runs{t: tb, trial: x, scenario: sc, library: lib, jobs: 1}
	if x.workable(tb.Name()) {
		if r.workers, err = startWorkers(tb.Name(), id, jobs); err != nil {
			tb.Fatal(err)
		}
		defer r.workers.Close()
		r.jobs = jobs
	}
	do(r)
}

// workable reports whether runs can be made by workers.
func (x Trial) workable(test string) bool {
	return strings.HasPrefix(test, "Test") && !x.InProcess && !racing
}

// startWorkers returns a pool of processes that come to the same call.
func startWorkers(test, id string, jobs int) (*bubble.Pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this test binary, to start workers from (or set Trial.InProcess): %w", err)
	}
	var pattern []string
	for name := range strings.SplitSeq(test, "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
	}
	command := []string{self, "-test.run=" + strings.Join(pattern, "/")}
	if testing.Short() {
		command = append(command, "-test.short")
	}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") {
			command = append(command, "-"+f.Name+"="+f.Value.String())
		}
	})
	return bubble.NewPool(jobs, append(command, "--", workerArg+id)...), nil
}

// serve does the jobs of the process that has started this one.
func (x Trial) serve(tb testing.TB) {
	tb.Helper()
	out := os.Stdout
	os.Stdout = os.Stderr // what the system prints must not get between the answers
	err := bubble.Serve(tb.Context(), os.Stdin, out, func(ctx context.Context, job json.RawMessage, _ func(any)) (any, error) {
		var c explore.Case
		err := json.Unmarshal(job, &c)
		if err == nil {
			err = c.Unpack()
		}
		if err != nil {
			return nil, fmt.Errorf("read the job: %w", err)
		}
		return x.simulator().Run(ctx, c)
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.SkipNow()
}

// Run implements explore.Runner.
func (r *runs) Run(ctx context.Context, c explore.Case) (explore.Report, error) {
	if r.workers == nil {
		return r.trial.simulator().Run(ctx, c)
	}
	answer, err := r.workers.Do(ctx, c.Pack(), nil)
	var report explore.Report
	if len(answer) > 0 {
		if bad := json.Unmarshal(answer, &report); bad != nil {
			err = errors.Join(err, fmt.Errorf("read a worker's answer: %w", bad))
		}
	}
	return report, err
}

// folder makes a folder for the files of a run.
func (r *runs) folder() string {
	r.t.Helper()
	dir, err := filepath.Abs(r.t.ArtifactDir())
	if err == nil {
		dir, err = os.MkdirTemp(dir, "onebar-")
	}
	if err != nil {
		r.t.Fatalf("make a folder for a run: %v", err)
	}
	return dir
}

// kept reports whether go test keeps what is in such a folder.
func kept() bool {
	f := flag.Lookup("test.artifacts")
	return f != nil && f.Value.String() == "true"
}
