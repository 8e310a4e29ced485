// Package explore runs scenarios with many seeds and counts the results: which
// checks fail, with which seed first, and which situations were reached.
package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/coverage"
	"github.com/onebar/onebar/harness/result"
)

// Options say how much an exploration does. The zero value makes runs one at a time,
// until one fails or the context ends.
type Options struct {
	Seeds     int           // runs to make; 0 is no limit
	First     uint64        // the first seed
	For       time.Duration // no run begins after this long, by the clock; 0 is no limit
	Jobs      int           // runs at a time; 0 is 1
	KeepGoing bool          // go on after a failure
	// Watch is called after each run, never twice at a time. Nil: progress is not
	// reported.
	Watch func(Progress)
}

// Progress is how far an exploration is.
type Progress struct {
	Runs, Planned int // Planned is 0 if there is no limit
	Bad           int // runs that failed or could not be carried out
	Unknown       int
	Odd           *result.OddRun // the run that has just ended, if it did not pass
}

// Result is what an exploration found, and the case of the first run that failed.
type Result struct {
	result.Exploration
	Failure *cases.Case   // without a nemesis: its faults are in the timeline; nil if nothing failed
	Report  result.Result // of Failure, see cases.Case.Brief
}

// Explore runs scenarios with seed after seed: run number i, from 0, is of
// scenario i modulo their number, with seed First + i divided by it. Unless KeepGoing
// is set, no run begins after a failure; the runs under way end first, so that the
// failure returned is the one with the lowest number. A subject that panics, hangs or
// leaks breaks its own run only, which is counted as broken. Any other error means
// that these scenarios cannot be run here, and ends the exploration. With such an
// error, and when ctx ends, the result is of the runs made until then.
//
// Memory does not grow with the number of runs.
func Explore(ctx context.Context, r cases.Runner, list []harness.Scenario, o Options) (Result, error) {
	if len(list) == 0 {
		return Result{}, errors.New("explore: no scenario was given")
	}
	x := &explorer{runner: r, list: list, options: o, began: time.Now(), checks: map[checkKey]*checkCount{}, first: -1}
	for _, sc := range list {
		x.result.Scenarios = append(x.result.Scenarios, sc.Name)
	}
	x.result.Version, x.result.First, x.result.Planned = result.ExplorationVersion, o.First, o.Seeds
	cases.Parallel(o.Jobs, x.numbers(ctx), func(i int) { x.run(ctx, i) })
	return x.finish(ctx), x.refused
}

type explorer struct {
	runner  cases.Runner
	list    []harness.Scenario
	options Options
	began   time.Time

	mu      sync.Mutex // guards what follows
	stopped bool       // no further run begins
	refused error      // why these scenarios cannot be run here
	result  Result
	first   int   // number of the run of result.Failure; -1 is none
	odd     []int // numbers of the runs of result.Odd
	total   coverage.Total
	checks  map[checkKey]*checkCount
}

type checkKey struct {
	check  string
	status result.Status
}

type checkCount struct {
	result.CheckCount
	first int // number of the run of First
}

func (x *explorer) numbers(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; (x.options.Seeds <= 0 || i < x.options.Seeds) && !x.ended(ctx) && yield(i); i++ {
			continue
		}
	}
}

func (x *explorer) ended(ctx context.Context) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	late := x.options.For > 0 && time.Since(x.began) >= x.options.For
	return x.stopped || late || ctx.Err() != nil
}

func (x *explorer) run(ctx context.Context, i int) {
	c := cases.Case{
		Scenario: x.list[i%len(x.list)],
		Seed:     x.options.First + uint64(i/len(x.list)),
		Cover:    true,
		Brief:    true,
	}
	report, err := x.runner.Run(ctx, c)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return // it was interrupted and shows nothing
	}
	if _, failure := errors.AsType[*bubble.Failure](err); err != nil && !failure {
		if x.refused == nil {
			x.refused = fmt.Errorf("%s, seed %d: %w", c.Scenario.Name, c.Seed, err)
		}
		x.stopped = true
		return
	}
	x.add(i, c, report, err)
}

// add counts run number i. The caller holds x.mu.
func (x *explorer) add(i int, c cases.Case, report cases.Report, failure error) {
	f := &x.result
	f.Runs++
	f.Onebar = cmp.Or(f.Onebar, report.Result.Onebar)
	f.Virtual += report.Result.Took
	x.total.Add(report.Coverage)
	against := objections(report.Result, failure)
	for j := range against {
		against[j].Scenario, against[j].Seed = c.Scenario.Name, c.Seed
	}
	worst := worst(against)
	switch {
	case len(against) == 0:
		f.Passed++
	case worst.Check == result.Broken:
		f.Broken++
	case worst.Status == result.Fail:
		f.Failed++
		x.stopped = x.stopped || !x.options.KeepGoing
		if x.first < 0 || i < x.first {
			x.first = i
			c.Scenario, c.Cover, c.Brief = report.Drawn(c), false, false
			f.Failure, f.Report = &c, report.Result
		}
	default:
		f.Unknown++
	}
	if len(against) > 0 {
		x.note(i, against)
		cases.KeepFirst(&x.odd, &f.Odd, result.MaxOdd, i, worst)
	}
	if x.options.Watch != nil {
		p := Progress{Runs: f.Runs, Planned: x.options.Seeds, Bad: f.Failed + f.Broken, Unknown: f.Unknown}
		if len(against) > 0 {
			p.Odd = &worst
		}
		x.options.Watch(p)
	}
}

func (x *explorer) note(i int, against []result.OddRun) {
	for _, o := range against {
		k := checkKey{o.Check, o.Status}
		n := x.checks[k]
		if n == nil {
			n = &checkCount{CheckCount: result.CheckCount{Check: k.check, Status: k.status}, first: i}
			x.checks[k] = n
		}
		n.Runs++
		if i <= n.first {
			n.First, n.first = o, i
		}
	}
}

// objections returns what is wrong with a run: that it could not be carried out, or
// else each check and threshold that did not pass.
func objections(res result.Result, failure error) []result.OddRun {
	if failure != nil {
		return []result.OddRun{{Check: result.Broken, Text: failure.Error()}}
	}
	if res.Error != "" {
		return []result.OddRun{{Check: result.Broken, Text: res.Error}}
	}
	var all []result.OddRun
	for _, v := range res.Verdicts {
		if v.Status == result.Fail || v.Status == result.StatusUnknown {
			all = append(all, result.OddRun{Check: v.Check, Status: v.Status, Text: v.Summary})
		}
	}
	if len(res.Verdicts) == 0 {
		return []result.OddRun{{Check: result.Broken, Text: "the run was not judged"}}
	}
	unknown := len(all) > 0
	for _, t := range res.Thresholds {
		if t.Status == result.Fail || t.Status == result.StatusUnknown && !unknown {
			all = append(all, result.OddRun{Check: t.Text, Status: t.Status, Text: measured(t)})
		}
	}
	return all
}

func measured(t result.Threshold) string {
	if t.Got.Name == "" {
		return cmp.Or(t.Reason, "it was not measured")
	}
	return fmt.Sprintf("%s was %.4g %s", t.Got.Name, t.Got.Value, t.Got.Unit)
}

// worst returns the first objection of the worst kind; the zero value is none.
func worst(all []result.OddRun) result.OddRun {
	if len(all) == 0 {
		return result.OddRun{}
	}
	return slices.MinFunc(all, func(a, b result.OddRun) int {
		return cmp.Compare(cases.Rank(a.Check, a.Status), cases.Rank(b.Check, b.Status))
	})
}

func (x *explorer) finish(ctx context.Context) Result {
	f := x.result
	f.Took, f.Interrupted = time.Since(x.began), ctx.Err() != nil
	f.Reached = x.total.Reached(x.list)
	for _, n := range x.checks {
		f.ByCheck = append(f.ByCheck, n.CheckCount)
	}
	slices.SortFunc(f.ByCheck, func(a, b result.CheckCount) int {
		return cmp.Or(
			cmp.Compare(cases.Rank(a.Check, a.Status), cases.Rank(b.Check, b.Status)),
			cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Check, b.Check))
	})
	return f
}
