package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/reports/progress"
)

// realTimeJobs is how many runs in real time the default puts on a processor. A run
// mostly waits: the bundled scenarios take a fiftieth of one.
const realTimeJobs = 4

// defaultJobs is how many runs are made at the same time if the command line does
// not say: one for each processor if all are simulated, else several. It is one if a
// scenario tests an external system, because two of its runs may share a port or a ledger.
func (b *batch) defaultJobs(list []harness.Scenario) int {
	jobs := runtime.NumCPU()
	for _, sc := range list {
		if isExternal(sc) {
			return 1
		}
		if !virtual(b.engineOf(sc)) {
			jobs = realTimeJobs * runtime.NumCPU()
		}
	}
	return jobs
}

// mostRuns is the largest number of runs of onebar run, whose reports have each of them.
const mostRuns = 100_000

// cases returns the runs of the shard: of each scenario one, or one with each of --seeds.
func (b *batch) cases(list []harness.Scenario) ([]cases.Case, error) {
	if n := b.seeds.Count(); n*len(list) > mostRuns {
		return nil, fmt.Errorf("--seeds %s: these are %d runs, and the most are %d: onebar explore makes more", b.seeds, n*len(list), mostRuns)
	}
	var all []cases.Case
	for _, sc := range list {
		for i := range max(1, b.seeds.Count()) {
			c := cases.Case{Scenario: sc, Seed: b.seedOf(sc) + uint64(i), Dir: filepath.Join(b.out, sc.Name), Pcap: b.pcap, Verify: b.verify}
			if b.seeds.Given {
				c.Dir += fmt.Sprintf("-seed-%d", c.Seed)
			}
			all = append(all, c)
		}
	}
	run := func(c cases.Case) selection.Run { return selection.Run{Scenario: c.Scenario.Name, Seed: c.Seed} }
	return selection.Pick(b.shard, all, func(c, d cases.Case) int { return run(c).Compare(run(d)) }), nil
}

// title names a run while it is under way; no two runs have one name.
func title(c cases.Case) string { return filepath.Base(c.Dir) }

// runAll makes every run, some at a time, and returns the results in the
// order of list. Runs that share a database or a server are made one at a time. A run for which the machine was too busy is made again once the
// others are done, alone: the result is of that one, and says so in Again.
func (b *batch) runAll(ctx context.Context, list []cases.Case, display progress.Display) []result.Result {
	all := make([]result.Result, len(list))
	var group errgroup.Group
	var turns turns
	gate := selection.Gate{Budget: b.budget, FailFast: b.failFast, Began: time.Now()}
	group.SetLimit(b.jobs)
	for i, c := range list {
		group.Go(func() error {
			defer turns.take(c.Scenario)()
			if all[i] = b.blank(c); ctx.Err() != nil {
				all[i].Error = "not run: interrupted before it began"
				return nil // the result says it
			}
			if why := gate.Closed(); why != "" {
				all[i].Verdicts = []result.Verdict{{Check: result.NotRun, Weak: true, Summary: why}}
				b.done(display, c, all[i])
				return nil
			}
			display.Start(title(c), c.Seed, c.Scenario.Workload.Payments)
			all[i] = b.runOne(ctx, c, display)
			if b.tooBusy(all[i]) {
				display.Update(title(c), 0, "waits to be made again, alone")
				return nil
			}
			if code := all[i].Exit(); code == result.ExitFail || code == result.ExitBroken {
				gate.Fail(title(c))
			}
			b.done(display, c, all[i])
			return nil
		})
	}
	_ = group.Wait() // no function above returns an error
	for i, c := range list {
		if !b.tooBusy(all[i]) {
			continue
		}
		if ctx.Err() == nil && gate.Closed() == "" {
			display.Update(title(c), 0, "again, alone")
			why := all[i].Busy
			all[i] = b.runOne(ctx, c, display)
			all[i].Again = why
		}
		b.done(display, c, all[i])
	}
	return all
}

// done says that a run is done.
func (*batch) done(display progress.Display, c cases.Case, res result.Result) {
	res.Scenario.Name = title(c)
	display.Done(res)
}

// tooBusy reports whether a run could not be judged because the machine was too
// busy. In virtual time it would be the same again.
func (b *batch) tooBusy(res result.Result) bool {
	return res.Busy != "" && res.Exit() == result.ExitUnknown && !virtual(b.engineOf(res.Scenario))
}
