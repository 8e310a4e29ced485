package onebartest

import (
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
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/spec"
)

// runs makes the runs of one call of a Trial's methods.
type runs struct {
	cases.Runner
	t        testing.TB
	scenario harness.Scenario
	library  spec.Library
	jobs     int // runs at a time
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
	r := &runs{Runner: x.simulator(), t: tb, scenario: sc, library: lib, jobs: 1}
	if x.workable(tb.Name()) {
		workers, err := startWorkers(tb.Name(), id, jobs)
		if err != nil {
			tb.Fatal(err)
		}
		defer workers.Close()
		r.Runner, r.jobs = cases.Workers{Pool: workers}, jobs
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
	err := cases.Serve(tb.Context(), os.Stdin, out, x.simulator())
	if err != nil {
		tb.Fatal(err)
	}
	tb.SkipNow()
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
