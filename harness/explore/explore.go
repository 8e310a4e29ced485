package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/nemesis"
	"github.com/onebar/onebar/harness/result"
)

// Options say how much an exploration does. The zero value makes runs until
// something fails or its context ends, one at a time.
type Options struct {
	Seeds     int           // runs to make; 0 is no end
	First     uint64        // the first seed
	For       time.Duration // no run begins after this long, by the clock; 0 is no end
	Jobs      int           // runs at a time; 0 is 1
	KeepGoing bool          // go on after a failure
	// Watch is told of each run that is over. Calls come one after the other. Nil is
	// nobody.
	Watch func(Progress)
}

// Progress is how far an exploration is.
type Progress struct {
	Runs, Planned int // Planned is 0 if there is no end
	Bad           int // runs that failed or could not be carried out
	Unknown       int
	Odd           *result.OddRun // the run that is over, if it did not pass
}

// Found is what an exploration has found, and the case of the first run that
// failed.
type Found struct {
	result.Exploration
	Failure *Case         // explicit: without a nemesis; nil if nothing failed
	Report  result.Result // of Failure, in brief: see Case
}

// Explore runs scenarios with seed after seed: run number i, from 0, is of
// scenario i modulo their number, with seed First + i divided by it. It ends at
// the first failure, unless told to go on, and then when the runs before it are
// over, so that the failure it gives back is the first of all. A subject that
// panics, hangs or leaks costs its run, which is counted as broken, and the others
// go on. Any other error says that these scenarios cannot be run here, and ends it. Beside
// it, and if ctx ends, the result is of the runs made until then.
//
// Memory does not grow with the number of runs.
func Explore(ctx context.Context, r Runner, list []harness.Scenario, o Options) (Found, error) {
	if len(list) == 0 {
		return Found{}, errors.New("explore: no scenario was given")
	}
	x := &explorer{runner: r, list: list, options: o, began: time.Now(), checks: map[checkKey]*counted{}, first: -1}
	for _, sc := range list {
		x.found.Scenarios = append(x.found.Scenarios, sc.Name)
	}
	x.found.First, x.found.Planned = o.First, o.Seeds
	var workers sync.WaitGroup
	for range max(o.Jobs, 1) {
		workers.Go(func() {
			for x.next(ctx) {
				continue
			}
		})
	}
	workers.Wait()
	return x.result(ctx), x.refused
}

// explorer is an exploration under way.
type explorer struct {
	runner  Runner
	list    []harness.Scenario
	options Options
	began   time.Time

	mu      sync.Mutex
	issued  int
	stopped bool
	refused error
	found   Found
	first   int // number of the run of found.Failure; -1 is none
	numbers []int
	tally   Tally
	checks  map[checkKey]*counted
}

type checkKey struct {
	check  string
	status result.Status
}

// counted is a harness.CheckCount that grows.
type counted struct {
	result.CheckCount
	first int // number of the run of First
}

// next makes the next run, and returns false if there is none.
func (x *explorer) next(ctx context.Context) bool {
	i, ok := x.take(ctx)
	if !ok {
		return false
	}
	c := Case{
		Scenario: x.list[i%len(x.list)],
		Seed:     x.options.First + uint64(i/len(x.list)),
		Cover:    true,
		Brief:    true,
	}
	report, err := x.runner.Run(ctx, c)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return false // it was cut short, and says nothing
	}
	if _, failure := errors.AsType[*bubble.Failure](err); err != nil && !failure {
		if x.refused == nil {
			x.refused = fmt.Errorf("%s, seed %d: %w", c.Scenario.Name, c.Seed, err)
		}
		x.stopped = true
		return false
	}
	x.over(i, c, report, err)
	return true
}

// take returns the number of the next run, if there is to be one.
func (x *explorer) take(ctx context.Context) (int, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	late := x.options.For > 0 && time.Since(x.began) >= x.options.For
	if x.stopped || late || ctx.Err() != nil || x.options.Seeds > 0 && x.issued >= x.options.Seeds {
		return 0, false
	}
	x.issued++
	return x.issued - 1, true
}

// over takes in a run. The caller holds x.mu.
func (x *explorer) over(i int, c Case, report Report, failure error) {
	f := &x.found
	f.Runs++
	f.Onebar = cmp.Or(f.Onebar, report.Result.Onebar)
	f.Virtual += report.Result.Took
	x.tally.Add(report.Coverage)
	against := objections(report.Result, failure)
	switch worst := worst(against); {
	case len(against) == 0:
		f.Passed++
	case worst.Check == result.Broken:
		f.Broken++
	case worst.Status == result.Fail:
		f.Failed++
		x.stopped = x.stopped || !x.options.KeepGoing
		if x.first < 0 || i < x.first {
			x.first = i
			c.Scenario, c.Cover, c.Brief = nemesis.Expand(c.Scenario, c.Seed), false, false
			f.Failure, f.Report = &c, report.Result
		}
	default:
		f.Unknown++
	}
	x.note(i, c, against)
	if x.options.Watch != nil {
		p := Progress{Runs: f.Runs, Planned: x.options.Seeds, Bad: f.Failed + f.Broken, Unknown: f.Unknown}
		if len(against) > 0 {
			odd := worst(against)
			p.Odd = &odd
		}
		x.options.Watch(p)
	}
}

// note keeps what spoke against a run.
func (x *explorer) note(i int, c Case, against []result.OddRun) {
	if len(against) == 0 {
		return
	}
	for j := range against {
		against[j].Scenario, against[j].Seed = c.Scenario.Name, c.Seed
		k := checkKey{against[j].Check, against[j].Status}
		n := x.checks[k]
		if n == nil {
			n = &counted{CheckCount: result.CheckCount{Check: k.check, Status: k.status}, first: i}
			x.checks[k] = n
		}
		n.Runs++
		if i <= n.first {
			n.First, n.first = against[j], i
		}
	}
	at, _ := slices.BinarySearch(x.numbers, i)
	if at >= result.MaxOdd {
		return
	}
	x.numbers = slices.Insert(x.numbers, at, i)
	x.found.Odd = slices.Insert(x.found.Odd, at, worst(against))
	if len(x.numbers) > result.MaxOdd {
		x.numbers, x.found.Odd = x.numbers[:result.MaxOdd], x.found.Odd[:result.MaxOdd]
	}
}

// objections is what speaks against a run: a failure to carry it out, or else each
// check and threshold that has not passed.
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
	doubted := len(all) > 0
	for _, t := range res.Thresholds {
		if t.Status == result.Fail || t.Status == result.StatusUnknown && !doubted {
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

// worst returns the first objection of the worst kind.
func worst(all []result.OddRun) result.OddRun {
	for _, o := range all {
		if o.Check == result.Broken || o.Status == result.Fail {
			return o
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return result.OddRun{}
}

// result is what has been found by now.
func (x *explorer) result(ctx context.Context) Found {
	f := x.found
	f.Took, f.Interrupted = time.Since(x.began), ctx.Err() != nil
	f.Reached = x.tally.Reached(x.list)
	for _, n := range x.checks {
		f.ByCheck = append(f.ByCheck, n.CheckCount)
	}
	rank := func(n result.CheckCount) int {
		switch {
		case n.Check == result.Broken:
			return 0
		case n.Status == result.Fail:
			return 1
		}
		return 2
	}
	slices.SortFunc(f.ByCheck, func(a, b result.CheckCount) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Check, b.Check))
	})
	return f
}
