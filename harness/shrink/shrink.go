// Package shrink finds, for a case that fails, a smaller one that fails in the same way.
package shrink

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
)

// Options say what must still fail, and how long to try.
type Options struct {
	// Check is what must fail in the smaller case, too: the name of a check, the text of
	// a threshold, or the kind of a bubble.Failure. Empty is the first that fails.
	Check string
	Runs  int           // most cases tried; 0 is DefaultRuns
	For   time.Duration // longest time spent, by the clock; 0 is no limit; with one, the outcome depends on the machine
	Jobs  int           // runs at a time; 0 is 1; the outcome does not depend on it
	// Progress is called after each run and each step. Calls do not overlap. Nil: progress
	// is not reported.
	Progress func(Progress)
}

// confirmations is how many further runs of a case must fail before it is kept. If the
// scheduler decides the order of two events at one instant, a case may fail in some runs
// only; whoever replays it must see it fail.
const confirmations = 4

// DefaultRuns is the most cases that Shrink tries if Options.Runs does not say.
const DefaultRuns = 5000

// Progress is how far Shrink is.
type Progress struct {
	Doing string     // what is tried now, such as "fewer events"
	Runs  int        // made so far; a case that fails is run several times
	Tried int        // cases
	Kept  int        // smaller cases found so far
	Case  cases.Case // the smallest so far
}

// Result is the smallest case found.
type Result struct {
	Check  string       // what fails, as in Options.Check
	Case   cases.Case   // the smallest that fails so
	Report cases.Report // of it
	Given  cases.Case   // the case to begin with
	First  cases.Report // of it
	// Failure is the bubble.Failure of the run of Case, if Check is its kind; nil is none.
	Failure *bubble.Failure
	Tried   int // cases
	Kept    int // smaller cases found on the way
	// Ended says why Case may not be the smallest that can be found: which limit was
	// reached. Empty: no step led any further.
	Ended string
}

// ErrPasses is the error of Shrink for a case in which nothing fails.
var ErrPasses = errors.New("the case does not fail")

// Shrink looks for a smaller case that fails in the same way, in each of five runs. It
// tries, in this order: fewer events, by delta debugging; fewer payments and wallets,
// with the events moved to the packets and commits that are left; a simpler link, its
// random loss replaced by the packets it lost; shorter and rounder times. The seed
// stays.
//
// The outcome is deterministic. It is a local minimum, not the smallest there is: no
// single step leads from it to a smaller case that fails. Once a case has been found in
// which the checks impairment and load pass, only such cases are kept.
//
// If nothing fails, or not what was asked for, the error is an ErrPasses. When ctx
// ends, the smallest case so far comes with the error of ctx.
func Shrink(ctx context.Context, r cases.Runner, c cases.Case, o Options) (Result, error) {
	s := &shrinker{runner: r, options: o, best: c, tested: map[[sha256.Size]byte]bool{}}
	if s.options.Runs <= 0 {
		s.options.Runs = DefaultRuns
	}
	s.best.Dir, s.best.Pcap, s.best.Survey, s.best.Traces = "", false, true, nil
	s.ctx = ctx
	if o.For > 0 {
		timed, cancel := context.WithTimeoutCause(ctx, o.For, ErrTime)
		defer cancel()
		s.ctx = timed
	}
	first, err := r.Run(s.ctx, s.best.Pack())
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	s.report = first
	s.failure, _ = errors.AsType[*bubble.Failure](err)
	if s.check, err = symptom(first, err, o.Check); err != nil {
		return Result{}, err
	}
	s.prepare()
	s.shrink()
	found := Result{
		Check: s.check, Case: s.best, Report: s.report, Given: c, First: first, Failure: s.failure, Tried: s.tried, Kept: s.kept, Ended: s.ended,
	}
	found.Case.Survey, found.Report.Survey, found.First.Survey = false, nil, nil
	return found, context.Cause(ctx)
}

// ErrTime is the Result.Ended of a search that Options.For has ended.
var ErrTime = errors.New("the time is over")

// Fails runs a case and returns what fails in it, named as in Options.Check: check, or
// the first thing if check is empty. If nothing fails, or not what was
// asked for, the error is an ErrPasses.
func Fails(ctx context.Context, r cases.Runner, c cases.Case, check string) (string, cases.Report, error) {
	report, err := r.Run(ctx, c.Pack())
	if ctx.Err() != nil {
		return "", report, context.Cause(ctx)
	}
	what, err := symptom(report, err, check)
	return what, report, err
}

// symptom returns the name of what fails: want, or else the first thing.
func symptom(r cases.Report, err error, want string) (string, error) {
	all, err := symptoms(r, err)
	switch {
	case err != nil:
		return "", err
	case want != "" && slices.Contains(all, want):
		return want, nil
	case len(all) == 0:
		return "", fmt.Errorf("%w: its status is %s", ErrPasses, r.Result.Status)
	case want != "":
		return "", fmt.Errorf("%w in %s: it fails in %s", ErrPasses, want, strings.Join(all, ", "))
	}
	return all[0], nil
}

// symptoms returns all that fails in a run, named as in Options.Check. The error is
// err, unless it is a bubble.Failure.
func symptoms(r cases.Report, err error) (all []string, _ error) {
	if f, ok := errors.AsType[*bubble.Failure](err); ok {
		all = append(all, string(f.Kind))
	} else if err != nil {
		return nil, err
	}
	for _, v := range r.Result.Verdicts {
		if v.Status == result.Fail {
			all = append(all, v.Check)
		}
	}
	for _, t := range r.Result.Thresholds {
		if t.Status == result.Fail {
			all = append(all, t.Text)
		}
	}
	return all, nil
}

type shrinker struct {
	ctx     context.Context //nolint:containedctx // of one call of Shrink
	runner  cases.Runner
	options Options
	check   string // what must fail

	best    cases.Case // the smallest so far
	report  cases.Report
	failure *bubble.Failure // of it, or nil
	clean   bool            // the checks impairment and load of best do not say unknown

	doing       string
	quiet       bool // progress is not reported: the step may be undone
	tried, kept int
	runs        int
	ended       string
	tested      map[[sha256.Size]byte]bool // scenarios that do not fail so
}

// threshold reports whether what fails is a threshold. It was written for this
// workload, which therefore stays.
func (s *shrinker) threshold() bool {
	return slices.ContainsFunc(s.report.Result.Thresholds, func(t result.Threshold) bool { return t.Text == s.check })
}

// prepare replaces the nemesis and periodic events by single events, and removes what
// does not change the run.
func (s *shrinker) prepare() {
	sc := run.Unroll(s.report.Drawn(s.best), s.best.Seed)
	sc.Tags = nil
	sc.Expect = slices.DeleteFunc(slices.Clone(sc.Expect), func(e harness.Expectation) bool { return e.Text != s.check })
	if !s.threshold() {
		sc.Radio = nil
	}
	if sc.Length = max(sc.Length, minScript); sc.Workload.Rate == 0 && s.best.Scenario.Length == 0 {
		sc.Length = 0 // with one, a file would spread the payments over it
	}
	for i := range sc.Timeline {
		e := &sc.Timeline[i]
		e.MayMiss, e.Line = false, 0
		if !s.threshold() {
			e.Phase = ""
		}
		if sc.Length > 0 {
			sc.Length = max(sc.Length, e.At+time.Millisecond)
		}
	}
	s.step("its timeline made explicit")
	s.first([]harness.Scenario{sc})
}

// shrink repeats all steps until none of them leads any further.
func (s *shrinker) shrink() {
	steps := []struct {
		doing string
		take  func()
	}{
		{"fewer events", s.fewerEvents},
		{"fewer payments", s.fewerPayments},
		{"a simpler workload", s.simplerWorkload},
		{"a simpler link", s.simplerLinks},
		{"packets lost by name", s.explicitLoss},
		{"simpler events", s.simplerEvents},
		{"events begun by packets", s.triggers},
		{"rounder times", s.rounderTimes},
	}
	for before := -1; before < s.kept && s.ended == ""; {
		before = s.kept
		for _, st := range steps {
			s.step(st.doing)
			st.take()
		}
	}
}

// step begins a step, or reports progress in it. It must not be called while runs are made,
// but by run.
func (s *shrinker) step(doing string) {
	s.doing = doing
	if s.options.Progress != nil && !s.quiet {
		s.options.Progress(Progress{Doing: doing, Runs: s.runs, Tried: s.tried, Kept: s.kept, Case: s.best})
	}
}

// first returns the index of the first of some scenarios that fails in the same
// way, and keeps that scenario; -1 is none. Scenarios after it may have been run; they
// do not count.
func (s *shrinker) first(list []harness.Scenario) int {
	if left := max(0, s.options.Runs-s.tried); len(list) > left {
		list = list[:left]
		s.ended = fmt.Sprintf("%d cases have been tried", s.options.Runs)
	}
	t := &search{shrinker: s, list: list, found: len(list)}
	cases.Parallel(min(s.options.Jobs, len(list)), t.open, t.try)
	if s.ctx.Err() != nil {
		s.ended = context.Cause(s.ctx).Error()
		return -1
	}
	s.tried += min(t.found+1, len(list))
	if t.found == len(list) {
		return -1
	}
	s.best.Scenario, s.report, s.clean = list[t.found], t.report, clean(t.report)
	s.failure = t.failure
	s.kept++
	s.step(s.doing)
	return t.found
}

// search runs a list of scenarios until the first that fails is known.
type search struct {
	*shrinker
	list []harness.Scenario

	mu      sync.Mutex // guards what follows, and tested
	found   int        // index of the first known to fail; the length of list is none
	report  cases.Report
	failure *bubble.Failure
}

// open yields the indices of the scenarios that may be the first to fail.
func (t *search) open(yield func(int) bool) {
	more := func(i int) bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return i < t.found && t.ctx.Err() == nil
	}
	for i := 0; more(i) && yield(i); i++ {
		continue
	}
}

// try runs scenario i, unless it is known not to fail.
func (t *search) try(i int) {
	c := t.best
	c.Scenario = t.list[i]
	key := keyOf(c.Scenario)
	t.mu.Lock()
	known := t.tested[key]
	t.mu.Unlock()
	if known {
		return
	}
	report, err := t.run(c)
	fails := t.fails(report, err)
	for n := 0; n < confirmations && fails; n++ {
		fails = t.fails(t.run(c))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ctx.Err() != nil:
	case !fails:
		t.tested[key] = true
	case i < t.found && (clean(report) || !t.clean):
		t.found, t.report = i, report
		t.failure, _ = errors.AsType[*bubble.Failure](err)
	}
}

func (t *search) run(c cases.Case) (cases.Report, error) {
	report, err := t.runner.Run(t.ctx, c.Pack())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs++
	t.step(t.doing)
	return report, err
}

func keyOf(sc harness.Scenario) [sha256.Size]byte {
	data, err := json.Marshal(sc)
	if err != nil { // a scenario that has no JSON form fails in its run
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(data)
}

// fails reports whether a run fails in the same way.
func (s *shrinker) fails(r cases.Report, err error) bool {
	all, _ := symptoms(r, err) // a run that could not be carried out has none
	return slices.Contains(all, s.check)
}

// clean reports whether neither impairment nor load is unknown: the network and the
// workload were as the scenario asks.
func clean(r cases.Report) bool {
	return !slices.ContainsFunc(r.Result.Verdicts, func(v result.Verdict) bool {
		return v.Weak && v.Status == result.StatusUnknown
	})
}

// surveyed runs a scenario, which need not fail, and returns its survey; nil is none.
func (s *shrinker) surveyed(sc harness.Scenario) *cases.Survey {
	if s.ended != "" || s.ctx.Err() != nil {
		return nil
	}
	c := s.best
	c.Scenario = sc
	s.tried++
	report, _ := s.runner.Run(s.ctx, c.Pack()) // without a survey there is nothing to do
	s.runs++
	s.step(s.doing)
	return report.Survey
}
