package main

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
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

// runAll runs every scenario, some at a time, and returns the results in the
// order of list. Runs that share a database or a server are made one at a time. A run for which the machine was too busy is made again once the
// others are done, alone: the result is of that one, and says so in Again.
func (b *batch) runAll(ctx context.Context, list []harness.Scenario, display progress.Display) []result.Result {
	all := make([]result.Result, len(list))
	var group errgroup.Group
	var turns turns
	group.SetLimit(b.jobs)
	for i, sc := range list {
		group.Go(func() error {
			defer turns.take(sc)()
			if ctx.Err() != nil {
				all[i] = b.blank(sc)
				all[i].Error = "not run: interrupted before it began"
				return nil // the result says it
			}
			display.Start(sc.Name, b.seedOf(sc), sc.Workload.Payments)
			all[i] = b.runOne(ctx, sc, display)
			if b.tooBusy(all[i]) {
				display.Update(sc.Name, 0, "waits to be made again, alone")
			} else {
				display.Done(all[i])
			}
			return nil
		})
	}
	_ = group.Wait() // no function above returns an error
	for i, sc := range list {
		if !b.tooBusy(all[i]) {
			continue
		}
		if ctx.Err() == nil {
			display.Update(sc.Name, 0, "again, alone")
			why := all[i].Busy
			all[i] = b.runOne(ctx, sc, display)
			all[i].Again = why
		}
		display.Done(all[i])
	}
	return all
}

// tooBusy reports whether a run could not be judged because the machine was too
// busy. In virtual time it would be the same again.
func (b *batch) tooBusy(res result.Result) bool {
	return res.Busy != "" && res.Exit() == result.ExitUnknown && !virtual(b.engineOf(res.Scenario))
}
