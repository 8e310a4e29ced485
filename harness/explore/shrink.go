package explore

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
	"github.com/onebar/onebar/harness/nemesis"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
)

// ShrinkOptions say what must be kept, and how long to try.
type ShrinkOptions struct {
	// Check is what must go on failing: the name of a check, the text of a
	// threshold, or the kind of a bubble.Failure. Empty is the first that fails.
	Check string
	Runs  int           // most cases tried; 0 is DefaultShrinkRuns
	For   time.Duration // longest time spent, by the clock; 0 is no limit; a limit that is met makes the outcome depend on the machine
	Jobs  int           // cases under way at a time; 0 is 1; the outcome does not depend on it
	// Progress is told after each step; nil is nobody.
	Progress func(ShrinkProgress)
}

// confirmations is how many runs more a case that fails is given, which must fail,
// too: one that leaves to the scheduler who is first of two at one instant may fail
// now and then, and whoever replays it must see it fail.
const confirmations = 4

// DefaultShrinkRuns is how many cases Shrink tries at most unless it is told.
const DefaultShrinkRuns = 5000

// ShrinkProgress is how far Shrink has come.
type ShrinkProgress struct {
	Doing string // what is tried now, such as "fewer events"
	Tried int    // cases
	Kept  int    // those that failed in the same way, and were kept
	Case  Case   // the smallest so far
}

// Shrunk is what Shrink has found.
type Shrunk struct {
	Check  string // what fails, as in ShrinkOptions.Check
	Case   Case   // the smallest that fails so
	Report Report // of it
	Given  Case   // what it was made of
	First  Report // of it
	// Failure is how the run of Case failed itself, if that is what Check says; nil is
	// not.
	Failure *bubble.Failure
	Tried   int // cases
	Kept    int // how often a smaller one was found
	// Ended says why it may not be the smallest that could be found: a budget was
	// spent. Empty is that no step led any further.
	Ended string
}

// ErrPasses is the error of Shrink for a case in which nothing fails.
var ErrPasses = errors.New("the case does not fail")

// Shrink makes a failing case smaller while it fails in the same way, five times of
// five: first fewer
// events, by delta debugging; then fewer payments and wallets, with the events
// moved to the packets and commits of what is left; a simpler link, its random
// loss replaced by the packets it lost; shorter and rounder times. The seed stays.
//
// The outcome is deterministic. It is minimal step by step, not the smallest there
// is: none of the steps, from its end, leads to a smaller case that fails. Once a
// case has been found whose impairment and load were as asked, only such are kept.
//
// If nothing fails, or not what was asked for, the error is an ErrPasses. When ctx
// ends, the smallest case so far comes with the error of ctx.
func Shrink(ctx context.Context, r Runner, c Case, o ShrinkOptions) (Shrunk, error) {
	s := &shrinker{runner: r, options: o, best: c, tested: map[[sha256.Size]byte]bool{}}
	if s.options.Runs <= 0 {
		s.options.Runs = DefaultShrinkRuns
	}
	s.best.Dir, s.best.Pcap, s.best.Survey, s.best.Traces = "", false, true, nil
	s.ctx = ctx
	if o.For > 0 {
		timed, cancel := context.WithTimeoutCause(ctx, o.For, errTime)
		defer cancel()
		s.ctx = timed
	}
	first, err := r.Run(s.ctx, s.best.Pack())
	if ctx.Err() != nil {
		return Shrunk{}, context.Cause(ctx)
	}
	s.report = first
	s.failure, _ = errors.AsType[*bubble.Failure](err)
	if s.check, err = symptom(first, err, o.Check); err != nil {
		return Shrunk{}, err
	}
	s.prepare()
	s.shrink()
	found := Shrunk{
		Check: s.check, Case: s.best, Report: s.report, Given: c, First: first, Failure: s.failure, Tried: s.tried, Kept: s.kept, Ended: s.ended,
	}
	found.Case.Survey, found.Report.Survey, found.First.Survey = false, nil, nil
	return found, context.Cause(ctx)
}

// errTime ends the time of ShrinkOptions.For.
var errTime = errors.New("the time is over")

// Fails runs a case and returns what fails in it, named as in ShrinkOptions.Check:
// check, or if that is empty the first thing. If nothing fails, or not what was
// asked for, the error is an ErrPasses.
func Fails(ctx context.Context, r Runner, c Case, check string) (string, Report, error) {
	report, err := r.Run(ctx, c.Pack())
	if ctx.Err() != nil {
		return "", report, context.Cause(ctx)
	}
	what, err := symptom(report, err, check)
	return what, report, err
}

// symptom returns the name of what fails: want, or else the first thing.
func symptom(r Report, err error, want string) (string, error) {
	var all []string
	if f, ok := errors.AsType[*bubble.Failure](err); ok {
		all = append(all, string(f.Kind))
	} else if err != nil {
		return "", err
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
	switch {
	case want != "" && slices.Contains(all, want):
		return want, nil
	case len(all) == 0:
		return "", fmt.Errorf("%w: its status is %s", ErrPasses, r.Result.Status)
	case want != "":
		return "", fmt.Errorf("%w in %s: it fails in %s", ErrPasses, want, strings.Join(all, ", "))
	}
	return all[0], nil
}

// shrinker is a shrinking under way.
type shrinker struct {
	ctx     context.Context //nolint:containedctx // of one call of Shrink
	runner  Runner
	options ShrinkOptions
	check   string // what must fail

	best    Case // the smallest so far
	report  Report
	failure *bubble.Failure // of it, or nil
	clean   bool            // in best, impairment and load were as asked

	doing       string
	quiet       bool // what is tried may yet be taken back
	tried, kept int
	ended       string
	tested      map[[sha256.Size]byte]bool // scenarios that do not fail so
}

// threshold reports whether what fails is a threshold. It is about the workload it
// was written for, which therefore stays.
func (s *shrinker) threshold() bool {
	return slices.ContainsFunc(s.report.Result.Thresholds, func(t result.Threshold) bool { return t.Text == s.check })
}

// prepare makes all of the timeline explicit and leaves out what has no part in
// the run.
func (s *shrinker) prepare() {
	sc := run.Unroll(nemesis.Expand(s.best.Scenario, s.best.Seed), s.best.Seed)
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

// shrink takes step after step until none leads any further.
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

func (s *shrinker) step(doing string) {
	s.doing = doing
	if s.options.Progress != nil && !s.quiet {
		s.options.Progress(ShrinkProgress{Doing: doing, Tried: s.tried, Kept: s.kept, Case: s.best})
	}
}

// first returns the index of the first of some scenarios that fails in the same
// way, and keeps it, or -1. Those after it may have been run, too; they do not
// count.
func (s *shrinker) first(list []harness.Scenario) int {
	if left := max(0, s.options.Runs-s.tried); len(list) > left {
		list = list[:left]
		s.ended = fmt.Sprintf("%d cases have been tried", s.options.Runs)
	}
	t := &trial{shrinker: s, list: list, found: len(list)}
	var wg sync.WaitGroup
	for range min(max(s.options.Jobs, 1), len(list)) {
		wg.Go(t.work)
	}
	wg.Wait()
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

// trial runs a list of scenarios until the first that fails is known.
type trial struct {
	*shrinker
	list []harness.Scenario

	mu      sync.Mutex
	next    int
	found   int // index of the first known to fail; the length of list is none
	report  Report
	failure *bubble.Failure
}

func (t *trial) work() {
	for {
		t.mu.Lock()
		i := t.next
		t.next++
		done := i >= t.found || t.ctx.Err() != nil
		t.mu.Unlock()
		if done {
			return
		}
		c := t.best
		c.Scenario = t.list[i]
		key := keyOf(c.Scenario)
		t.mu.Lock()
		known := t.tested[key]
		t.mu.Unlock()
		if known {
			continue
		}
		report, err := t.runner.Run(t.ctx, c.Pack())
		fails := t.fails(report, err)
		for n := 0; n < confirmations && fails; n++ {
			fails = t.fails(t.runner.Run(t.ctx, c.Pack()))
		}
		t.mu.Lock()
		switch {
		case t.ctx.Err() != nil:
		case !fails:
			t.tested[key] = true
		case i < t.found && (clean(report) || !t.clean):
			t.found, t.report = i, report
			t.failure, _ = errors.AsType[*bubble.Failure](err)
		}
		t.mu.Unlock()
	}
}

func keyOf(sc harness.Scenario) [sha256.Size]byte {
	data, err := json.Marshal(sc)
	if err != nil { // a scenario that has no JSON form fails in its run
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(data)
}

// fails reports whether a run fails in the same way.
func (s *shrinker) fails(r Report, err error) bool {
	if f, ok := errors.AsType[*bubble.Failure](err); ok {
		return string(f.Kind) == s.check
	}
	if err != nil {
		return false
	}
	if r.Result.Verdict(s.check).Status == result.Fail {
		return true
	}
	return slices.ContainsFunc(r.Result.Thresholds, func(t result.Threshold) bool {
		return t.Text == s.check && t.Status == result.Fail
	})
}

// clean reports whether the experiment was the one that was asked for.
func clean(r Report) bool {
	for _, check := range []string{"impairment", "load"} {
		if v := r.Result.Verdict(check); v.Check != "" && v.Status == result.StatusUnknown {
			return false
		}
	}
	return true
}

// surveyed runs a scenario that need not fail, and returns its survey, or nil if
// there is none.
func (s *shrinker) surveyed(sc harness.Scenario) *Survey {
	if s.ended != "" || s.ctx.Err() != nil {
		return nil
	}
	c := s.best
	c.Scenario = sc
	s.tried++
	report, _ := s.runner.Run(s.ctx, c.Pack()) // without a survey there is nothing to do
	return report.Survey
}
