package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/agreement"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/progress"
)

// agreeing is the command line of onebar agree.
type agreeing struct {
	seeds, jobs int
	out, update string
	workers     *bubble.Pool
	display     progress.Display
}

func newAgree() *cobra.Command {
	var a agreeing
	cmd := &cobra.Command{
		Use:    "agree SCENARIO...",
		Short:  "Run scenarios on sim and on packet, and compare what they measure",
		Hidden: true, // it is for developers of an engine: see make agreement
		Long: `Run each scenario with several seeds on the engines sim and packet, and print both
measurements side by side: how long payments took, and their bytes, packets and
joules. This command makes the table of docs/fidelity.md.

The payments of all seeds are pooled. If the machine was too busy during a run on
packet, the run is discarded and repeated.

Exit code 1 says that a scenario without a timeline is out of bounds: ` + agreement.Bounds() + `.
Exit code 3 says that the machine was too busy each time a scenario was tried.`,
		Example: `  onebar agree edge umts --seeds 10
  onebar agree scenarios/ --update docs/fidelity.md`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.run(cmd, args) },
	}
	f := cmd.Flags()
	f.IntVar(&a.seeds, "seeds", 4, "seeds of each scenario: 1, 2 and so on")
	f.IntVarP(&a.jobs, "jobs", "j", 8, "runs on packet at the same time")
	f.StringVar(&a.out, "out", filepath.Join(defaultOut, "agree"), "output folder; each run writes OUT/ENGINE/SEED/SCENARIO")
	f.StringVar(&a.update, "update", "", "Markdown file whose table, between its markers, is replaced")
	return cmd
}

func (a *agreeing) run(cmd *cobra.Command, args []string) error {
	if a.seeds < 1 || a.jobs < 1 {
		return fmt.Errorf("--seeds %d --jobs %d: expected at least 1 of both", a.seeds, a.jobs)
	}
	list, err := loadScenarios(args, nil)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(sc harness.Scenario) bool { return sc.Engine == simulated }) // packet cannot run them
	if len(list) == 0 {
		return errors.New("nothing to compare: every scenario has engine: sim, and cannot run on packet")
	}
	if a.workers, err = workers(runtime.NumCPU()); err != nil {
		return err
	}
	defer a.workers.Close()
	a.display = progress.New(cmd.ErrOrStderr(), 2*a.seeds*len(list))
	pairs, err := a.measure(cmd.Context(), list)
	a.display.Close()
	if err != nil {
		return err
	}
	table := agreement.Table(pairs)
	fmt.Fprint(cmd.OutOrStdout(), table)
	if a.update != "" {
		if err := agreement.Update(a.update, table); err != nil {
			return err
		}
	}
	return exit(agreement.Exit(pairs))
}

// measure runs every scenario with every seed on both engines: first on sim, so
// that the runs in real time have the machine for themselves.
func (a *agreeing) measure(ctx context.Context, list []harness.Scenario) ([]agreement.Pair, error) {
	pairs := make([]agreement.Pair, len(list))
	for i := range list {
		list[i].Commit = harness.Durations{} // on packet a commit takes as long as this machine's disk does
		pairs[i].Scenario = list[i]
	}
	for _, e := range []struct {
		engine string
		jobs   int
	}{{simulated, runtime.NumCPU()}, {defaultEngine, a.jobs}} {
		all := make([]agreement.Measurements, len(list)*a.seeds) // seed by seed, so that what takes much of the machine is spread
		var group errgroup.Group
		group.SetLimit(e.jobs)
		for i := range all {
			group.Go(func() (err error) {
				all[i], err = a.one(ctx, list[i%len(list)], e.engine, uint64(i/len(list)+1))
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for i, m := range all {
			if p := &pairs[i%len(list)]; e.engine == simulated {
				p.Sim.Add(m)
			} else {
				p.Packet.Add(m)
			}
		}
	}
	return pairs, nil
}

// mostAttempts is how often a run is attempted on a busy machine.
const mostAttempts = 6

// one runs a scenario until the machine was not too busy for it. If it always was,
// that is what is missing from the measurements.
func (a *agreeing) one(ctx context.Context, sc harness.Scenario, engine string, seed uint64) (agreement.Measurements, error) {
	b := batch{engine: engine, seed: seed, out: filepath.Join(a.out, engine, fmt.Sprint(seed)), jobs: 1, workers: a.workers}
	name := fmt.Sprintf("%s/%d/%s", engine, seed, sc.Name) // as the folder
	var why string
	var res result.Result
	a.display.Start(name, seed, sc.Workload.Payments)
	defer func() {
		res.Scenario.Name = name
		a.display.Done(res)
	}()
	for range mostAttempts {
		res = b.runOne(ctx, sc, renamed{a.display, name})
		switch {
		case ctx.Err() != nil:
			return agreement.Measurements{}, ctx.Err()
		case res.Error != "":
			return agreement.Measurements{}, fmt.Errorf("%s: %s", name, res.Error)
		case agreement.Unfit(res) == "":
			return agreement.Measure(res)
		}
		why = agreement.Unfit(res)
		if engine == simulated {
			break // another run would be the same
		}
		a.display.Update(name, 0, "again: the machine was busy")
	}
	return agreement.Measurements{Missing: fmt.Sprintf("%s cannot be used: %s", name, why)}, nil
}

// renamed tells of a run by another name.
type renamed struct {
	progress.Display
	name string
}

// Update implements progress.Display.
func (r renamed) Update(_ string, done int, state string) { r.Display.Update(r.name, done, state) }
