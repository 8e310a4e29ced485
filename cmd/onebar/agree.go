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
	"github.com/onebar/onebar/reports"
)

// agreement is the command line of onebar agree.
type agreement struct {
	seeds, jobs int
	out, update string
	workers     *bubble.Pool
	progress    reports.Progress
}

func newAgree() *cobra.Command {
	var a agreement
	cmd := &cobra.Command{
		Use:    "agree SCENARIO...",
		Short:  "Run scenarios on sim and on packet, and compare what they measure",
		Hidden: true, // it is for developers of an engine: see make agreement
		Long: `Run each scenario with several seeds on the engines sim and packet, and print both
measurements side by side: how long payments took, and their bytes, packets and
joules. This command makes the table of docs/fidelity.md.

The payments of all seeds are pooled. If the machine was too busy during a run on
packet, the run is discarded and repeated.

Exit code 1 says that a scenario without a timeline is out of bounds: ` + bounds() + `.
Exit code 3 says that the machine was too busy in each attempt at a scenario.`,
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
	a.progress = reports.NewProgress(cmd.ErrOrStderr(), 2*a.seeds*len(list))
	pairs, err := a.measure(cmd.Context(), list)
	a.progress.Close()
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

// measure runs every scenario with every seed on both engines: first on sim, so that no
// other run uses the machine during the runs in real time.
func (a *agreement) measure(ctx context.Context, list []harness.Scenario) ([]pair, error) {
	pairs := make([]pair, len(list))
	for i, sc := range list {
		pairs[i].scenario = sc
	}
	for _, e := range []struct {
		engine string
		jobs   int
	}{{simulated, runtime.NumCPU()}, {defaultEngine, a.jobs}} {
		all := make([]totals, len(list)*a.seeds) // seed by seed, so that demanding scenarios do not run together
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
		for i, t := range all {
			p := &pairs[i%len(list)]
			p.of(e.engine).pool(t)
			p.missing = cmp.Or(p.missing, t.missing)
		}
	}
	return pairs, nil
}

// mostAttempts is how often a run is attempted on a busy machine.
const mostAttempts = 6

// one repeats a run until the machine was not too busy for it. If the machine always was
// too busy, the totals say what is missing.
func (a *agreement) one(ctx context.Context, sc harness.Scenario, engine string, seed uint64) (totals, error) {
	b := batch{engine: engine, seed: seed, out: filepath.Join(a.out, engine, fmt.Sprint(seed)), jobs: 1, workers: a.workers}
	name := fmt.Sprintf("%s/%d/%s", engine, seed, sc.Name) // as the folder
	var why string
	var res result.Result
	a.progress.Start(name, seed, sc.Workload.Payments)
	defer func() {
		res.Scenario.Name = name
		a.progress.Done(res)
	}()
	for range mostAttempts {
		res = b.runOne(ctx, sc, renamed{a.progress, name})
		switch {
		case ctx.Err() != nil:
			return totals{}, ctx.Err()
		case res.Error != "":
			return totals{}, fmt.Errorf("%s: %s", name, res.Error)
		case unused(res) == "":
			return measureRun(res)
		}
		why = unused(res)
		if engine == simulated {
			break // another run would be the same
		}
		a.progress.Update(name, 0, "again: the machine was busy")
	}
	return totals{missing: fmt.Sprintf("%s cannot be used: %s", name, why)}, nil
}

// unused returns why a run must not be used, because it did not happen as asked, or nothing.
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

// mostLate is how late packets may be on average. It is less than the impairment check
// allows, because the engines are compared to a few per cent.
const mostLate = time.Millisecond

// lateness returns how late packets were on average.
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
	reports.Progress
	name string
}

// Update implements reports.Progress.
func (r renamed) Update(_ string, done int, state string) { r.Progress.Update(r.name, done, state) }

// totals is what runs of a scenario on one engine measured.
type totals struct {
	runs     int
	confirm  []time.Duration    // of each confirmed payment
	payments float64            // asked for
	sums     map[string]float64 // over the payments, by the figure that is their mean
	missing  string             // why there is nothing of a run; empty if there is
}

// measureRun reads a run's history.
func measureRun(res result.Result) (t totals, err error) {
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
	t = totals{runs: 1, confirm: c.Confirmed(), payments: payments.Value, sums: map[string]float64{}}
	for _, f := range res.Figures {
		t.sums[f.Name] = f.Value * payments.Value
	}
	return t, nil
}

// pool adds the runs of u.
func (t *totals) pool(u totals) {
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
