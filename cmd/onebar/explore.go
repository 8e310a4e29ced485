package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/shrink"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/outcome"
	"github.com/onebar/onebar/reports/progress"
)

// exploreSeeds is how many runs an exploration makes unless asked otherwise.
const exploreSeeds = 1000

// exploring is the command line of onebar explore.
type exploring struct {
	search
	seeds     string // a number of runs, or selection.Seeds
	runs      int    // that seeds asks for; 0 is no limit
	time      time.Duration
	budget    time.Duration
	keepGoing bool
	filter    selection.Filter
	shard     selection.Shard
	canary    string
	all       bool
	noShrink  bool
}

func newExplore() *cobra.Command {
	var e exploring
	cmd := &cobra.Command{
		Use:   "explore SCENARIO...",
		Short: "Run scenarios with thousands of seeds in virtual time, until something fails",
		Long: `Run scenarios with many seeds, in virtual time and on all processors. The seed
decides losses, arrivals and amounts, and the random faults if the scenario has the
key nemesis. Several scenarios take turns.

The exploration ends at the first run that fails. Its history is written to
OUT/NAME-seed-SEED. onebar then shrinks the scenario to the smallest one that still
fails, see onebar shrink, and writes it there too. A run in which the program panics,
hangs or leaks goroutines is reported, and the exploration goes on.

At the end it reports which situations were reached, how often, and which were never
reached.`,
		Example: `  onebar explore bad-day --seeds 10000
  onebar explore my-scenario.yaml --for 60s
  onebar explore scenarios/ --seeds 100000 --keep-going
  onebar explore bad-day --seeds 1..100000 --shard 2/8 --json part-2.json`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.files.guard(cmd, args, func() error { return e.run(cmd, args) })
		},
	}
	e.flags(cmd, 1, "first seed", "one for each processor")
	f := cmd.Flags()
	f.StringVar(&e.seeds, "seeds", strconv.Itoa(exploreSeeds), "how many runs; or A..B, each scenario with each of these seeds; with --for the default is no limit")
	f.DurationVar(&e.time, "for", 0, "start no new run after this time (default: no limit)")
	f.BoolVar(&e.keepGoing, "keep-going", false, "continue after a failure")
	budgetFlag(cmd, &e.budget)
	shardFlag(cmd, &e.shard)
	filterFlags(cmd, &e.filter)
	canaryFlag(cmd, &e.canary)
	f.BoolVar(&e.noShrink, "no-shrink", false, "do not shrink the first failure")
	f.BoolVar(&e.all, "all", false, "list every run that did not pass, at most 1000")
	return cmd
}

func (e *exploring) run(cmd *cobra.Command, args []string) error {
	if e.jobs == 0 {
		e.jobs = runtime.NumCPU()
	}
	list, err := loadScenarios(args, e.filter)
	if err == nil {
		err = errors.Join(e.check(cmd, len(list)), checkCanary(e.canary, list), simulable(list))
	}
	if err != nil {
		return err
	}
	whole, err := identity(&e.files, list, func(harness.Scenario) string { return simulated }, func(harness.Scenario) uint64 { return e.seed }, e.options()...)
	if err != nil {
		return err
	}
	pool, err := workers(e.jobs)
	if err != nil {
		return err
	}
	defer pool.Close()
	runner := cases.Workers{Pool: pool}
	began := time.Now()
	found, err := e.plant(cmd.Context(), runner, list)
	if err != nil {
		return err
	}
	e.time = left(e.time, began)
	res, refused := e.explore(cmd, runner, list)
	if refused != nil && res.Runs == 0 {
		return refused
	}
	res.Of, res.Canary = whole, found
	for i := range res.Odd {
		res.Odd[i].Again = again(list, res.Odd[i])
	}
	file := ""
	if len(list) == 1 {
		file = list[0].File
	}
	if err := errors.Join(e.files.write(cmd, reports.Explore(res.Exploration, e.all), outcome.Explored(res.Exploration, file)), refused); err != nil {
		return err
	}
	code := res.Exit()
	if res.Failure != nil && !res.Interrupted {
		if err := e.keep(cmd, runner, list, res); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "onebar: %s\n", printable(err)) // the findings stay valid
		}
		if cmd.Context().Err() != nil {
			code = result.ExitInterrupted
		}
	}
	return exit(code)
}

// check reads how many runs are asked for, of a number of scenarios, and returns the mistakes
// in the flags.
func (e *exploring) check(cmd *cobra.Command, scenarios int) error {
	var seeds selection.Seeds
	runs, err := strconv.Atoi(e.seeds)
	if err != nil {
		err = seeds.Set(e.seeds)
		runs = seeds.Count() * scenarios
	}
	if err != nil {
		for _, number := range quantity.Meant(e.seeds) {
			if _, wrong := strconv.Atoi(number); wrong == nil {
				return fmt.Errorf("--seeds %q: write --seeds %s", e.seeds, number)
			}
		}
		return fmt.Errorf("--seeds: %w; or a number of runs", err)
	}
	if seeds.Given && cmd.Flags().Changed("seed") {
		return errors.New("--seed and --seeds A..B both say the first seed: leave --seed out")
	}
	if seeds.Given {
		e.seed = seeds.First
	}
	if e.time > 0 && !cmd.Flags().Changed("seeds") {
		runs = 0
	}
	if runs < 0 || e.jobs < 0 || e.time < 0 || e.budget < 0 || runs == 0 && e.time == 0 {
		return errors.New("--seeds, --jobs, --for and --time-budget: expected no negative number, and some seeds or some time")
	}
	e.runs, e.time = runs, cmp.Or(min(e.time, e.budget), e.time, e.budget)
	return nil
}

// options returns the flags that decide which runs there are.
func (e *exploring) options() []string {
	all := []string{fmt.Sprintf("--seeds %d", e.runs)}
	if e.keepGoing {
		all = append(all, "--keep-going")
	}
	return canaryOption(e.canary, all...)
}

// simulable returns an error for each scenario that cannot be run in virtual time.
func simulable(list []harness.Scenario) error {
	var errs []error
	for _, sc := range list {
		if err := refusal(sc, simulated); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", sc.Name, err))
		}
	}
	return errors.Join(errs...)
}

// explore makes the runs.
func (e *exploring) explore(cmd *cobra.Command, runner cases.Runner, list []harness.Scenario) (explore.Result, error) {
	name := list[0].Name
	if len(list) > 1 {
		name = fmt.Sprintf("%d scenarios", len(list))
	}
	counter := progress.NewCounter(cmd.ErrOrStderr(), name)
	defer counter.Close()
	began := time.Now()
	return explore.Explore(cmd.Context(), runner, list, explore.Options{
		Seeds: e.runs, First: e.seed, For: e.time, Jobs: e.jobs, KeepGoing: e.keepGoing, Shard: e.shard,
		Watch: func(p explore.Progress) {
			counter.Say(p.Runs, p.Planned, state(p, time.Since(began)))
			if p.Odd != nil {
				counter.Odd(*p.Odd)
			}
		},
	})
}

// state describes the progress of an exploration in a few words.
func state(p explore.Progress, took time.Duration) string {
	text := fmt.Sprintf("%.0f/s", float64(p.Runs)/max(took.Seconds(), 0.001))
	if p.Bad > 0 {
		text += fmt.Sprintf(", %d failed", p.Bad)
	}
	if p.Unknown > 0 {
		text += fmt.Sprintf(", %d unknown", p.Unknown)
	}
	return text
}

// again returns the command that repeats an odd run.
func again(list []harness.Scenario, o result.OddRun) string {
	for _, sc := range list {
		if sc.Name == o.Scenario {
			return replay(sc.File, simulated, o.Seed)
		}
	}
	return ""
}

// keep repeats the first run that failed, writes its history, and shrinks it.
func (e *exploring) keep(cmd *cobra.Command, runner cases.Runner, list []harness.Scenario, res explore.Result) error {
	c := *res.Failure
	c.Dir = filepath.Join(e.out, fmt.Sprintf("%s-seed-%d", c.Scenario.Name, c.Seed))
	report, err := runner.Run(cmd.Context(), c)
	if err != nil {
		return fmt.Errorf("run the failing seed again: %w", err)
	}
	w := cmd.OutOrStdout()
	first := result.OddRun{Scenario: c.Scenario.Name, Seed: c.Seed}
	fmt.Fprintf(w, "\nthe first failure: %s, seed %d\n  history  %s\n  again    %s\n", c.Scenario.Name, c.Seed, report.Result.HistoryFile, again(list, first))
	if report.Result.Status != result.Fail {
		return fmt.Errorf("seed %d of %s did not fail when it was run again: the order of events at one instant depends on the scheduler, see onebar run --verify",
			c.Seed, c.Scenario.Name)
	}
	if e.noShrink {
		return nil
	}
	fmt.Fprintln(w, "\nthe smallest scenario that still fails")
	return e.shrink(cmd, runner, c)
}

// shrink shrinks a failing case, and writes the result into its folder.
func (e *exploring) shrink(cmd *cobra.Command, runner cases.Runner, c cases.Case) error {
	path := filepath.Join(c.Dir, c.Scenario.Name+shrunkSuffix+".yaml")
	if err := unlinked(path); err != nil {
		return err
	}
	c.Dir = ""
	found, err := shrinkTo(cmd.Context(), runner, c, path, shrink.Options{
		Jobs: e.jobs, For: shrinkTime, Progress: shrinkLines(cmd.ErrOrStderr()),
	})
	if err != nil {
		return fmt.Errorf("shrink the failing run: %w", err)
	}
	return reportShrunk(cmd.OutOrStdout(), path, found)
}
