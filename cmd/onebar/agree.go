package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/progress"
)

// agreement is the command line of onebar agree.
type agreement struct {
	seeds, jobs int
	out, update string
	workers     *bubble.Pool
	display     progress.Display
}

func newAgree() *cobra.Command {
	var a agreement
	cmd := &cobra.Command{
		Use:    "agree SCENARIO...",
		Short:  "Run scenarios on sim and on packet, and compare what they measure",
		Hidden: true, // it is for who changes an engine: see make agreement
		Long: `Run each scenario with several seeds on the engines sim and packet, and print both
measurements side by side: how long payments took, and their bytes, packets and
joules. This command makes the table of docs/fidelity.md.

The payments of all seeds are pooled. If the machine was too busy during a run on
packet, the run is discarded and repeated.

Exit code 1 says that a scenario without a timeline is out of bounds: ` + bounds() + `.
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

func (a *agreement) run(cmd *cobra.Command, args []string) error {
	if a.seeds < 1 || a.jobs < 1 {
		return fmt.Errorf("--seeds %d --jobs %d: expected at least 1 of both", a.seeds, a.jobs)
	}
	list, err := loadScenarios(args, nil)
	if err != nil {
		return err
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
	table := agreementTable(pairs)
	fmt.Fprint(cmd.OutOrStdout(), table)
	if a.update != "" {
		if err := updateBetween(a.update, table); err != nil {
			return err
		}
	}
	return agreementExit(pairs)
}

// agreementExit is the exit code: a figure out of bounds is worse than one that
// could not be measured.
func agreementExit(pairs []pair) error {
	var err error
	for _, p := range pairs {
		switch {
		case p.outside():
			return exitError{result.ExitFail}
		case p.missing != "":
			err = exitError{result.ExitUnknown}
		}
	}
	return err
}

// measure runs every scenario with every seed on both engines: first on sim, so
// that the runs in real time have the machine for themselves.
func (a *agreement) measure(ctx context.Context, list []harness.Scenario) ([]pair, error) {
	pairs := make([]pair, len(list))
	for i, sc := range list {
		pairs[i].scenario = sc
	}
	for _, e := range []struct {
		engine string
		jobs   int
	}{{simulated, runtime.NumCPU()}, {defaultEngine, a.jobs}} {
		tallies := make([]tally, len(list)*a.seeds) // seed by seed, so that what takes much of the machine is spread
		var group errgroup.Group
		group.SetLimit(e.jobs)
		for i := range tallies {
			group.Go(func() (err error) {
				tallies[i], err = a.one(ctx, list[i%len(list)], e.engine, uint64(i/len(list)+1))
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for i, t := range tallies {
			p := &pairs[i%len(list)]
			p.of(e.engine).pool(t)
			p.missing = cmp.Or(p.missing, t.missing)
		}
	}
	return pairs, nil
}

// mostTries is how often a run is tried on a busy machine.
const mostTries = 6

// one runs a scenario until the machine was not too busy for it. If it always was,
// that is what is missing from the tally.
func (a *agreement) one(ctx context.Context, sc harness.Scenario, engine string, seed uint64) (tally, error) {
	b := batch{engine: engine, seed: seed, out: filepath.Join(a.out, engine, fmt.Sprint(seed)), jobs: 1, workers: a.workers}
	name := fmt.Sprintf("%s/%d/%s", engine, seed, sc.Name) // as the folder
	var why string
	var res result.Result
	a.display.Start(name, seed, sc.Workload.Payments)
	defer func() {
		res.Scenario.Name = name
		a.display.Done(res)
	}()
	for range mostTries {
		res = b.runOne(ctx, sc, renamed{a.display, name})
		switch {
		case ctx.Err() != nil:
			return tally{}, ctx.Err()
		case res.Error != "":
			return tally{}, fmt.Errorf("%s: %s", name, res.Error)
		case unused(res) == "":
			return measureRun(res)
		}
		why = unused(res)
		if engine == simulated {
			break // it would be the same again
		}
		a.display.Update(name, 0, "again: the machine was busy")
	}
	return tally{missing: fmt.Sprintf("%s cannot be used: %s", name, why)}, nil
}

// unused says why a run must not be used: it was not the experiment that was asked
// for. It is empty if it was.
func unused(res result.Result) string {
	if len(res.Verdicts) == 0 {
		return "the run was not judged"
	}
	for _, v := range res.Verdicts {
		if v.Weak && v.Status != result.Pass {
			return v.Check + ": " + v.Summary
		}
	}
	if late := lateness(res); late > mostLate {
		return fmt.Sprintf("packets were %s late on average, %s is allowed here", late.Round(100*time.Microsecond), mostLate)
	}
	return ""
}

// mostLate is how late packets may be on average. It is less than the impairment
// check allows: the engines are compared to a few per cent.
const mostLate = time.Millisecond

// lateness is by how much packets came later than was asked, on average.
func lateness(res result.Result) time.Duration {
	var late, packets int64
	for _, p := range res.Phases {
		for _, r := range []result.Realised{p.Up, p.Down} {
			late += int64(r.LateMean) * r.Delivered
			packets += r.Delivered
		}
	}
	return time.Duration(late / max(packets, 1))
}

// renamed tells of a run by another name.
type renamed struct {
	progress.Display
	name string
}

// Update implements progress.Display.
func (r renamed) Update(_ string, done int, state string) { r.Display.Update(r.name, done, state) }

// tally is what runs of a scenario on one engine measured.
type tally struct {
	runs     int
	confirm  []time.Duration    // of each confirmed payment
	payments float64            // asked for
	sums     map[string]float64 // over the payments, by the figure that is their mean
	missing  string             // why there is nothing of a run; empty if there is
}

// measureRun reads a run's history.
func measureRun(res result.Result) (t tally, err error) {
	f, err := os.Open(res.HistoryFile)
	if err != nil {
		return t, fmt.Errorf("open the history: %w", err)
	}
	defer f.Close()
	c := metric.NewCollector()
	for rec, err := range history.Read(f) {
		if err != nil {
			return t, fmt.Errorf("read %s: %w", res.HistoryFile, err)
		}
		c.Add(rec)
	}
	payments, _ := res.Figures.Get("payments")
	t = tally{runs: 1, confirm: c.Confirmed(), payments: payments.Value, sums: map[string]float64{}}
	for _, f := range res.Figures {
		t.sums[f.Name] = f.Value * payments.Value
	}
	return t, nil
}

// pool adds the runs of u.
func (t *tally) pool(u tally) {
	t.runs += u.runs
	t.confirm = append(t.confirm, u.confirm...)
	t.payments += u.payments
	if t.sums == nil {
		t.sums = map[string]float64{}
	}
	for name, v := range u.sums {
		t.sums[name] += v
	}
}
