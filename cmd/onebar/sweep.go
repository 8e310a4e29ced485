package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/harness/sweep"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
	"github.com/onebar/onebar/reports/progress"
)

// sweepLimit is the default of the largest number of runs of a sweep: enough for all pairs
// of faults of one payment, or for each single fault of a whole scenario.
const sweepLimit = 100_000

// mostPayments is the largest number of payments in a scenario file; a sweep writes its
// findings as such files.
const mostPayments = 1_000_000

// sweeping is the command line of onebar sweep.
type sweeping struct {
	search
	engine   string
	payments int
	pairs    bool
	limit    int
	budget   time.Duration
	failFast bool
	shard    selection.Shard
	canary   string
	hosts    hosts
}

func newSweep() *cobra.Command {
	var s sweeping
	cmd := &cobra.Command{
		Use:   "sweep SCENARIO",
		Short: "Inject each fault at each packet and each commit of a scenario",
		Long: `Run a scenario once and count the packets and the durable commits of its payments.
Then run it again for each of these points and each kind of fault, with that fault at
that point:

  - the packet is dropped
  - a blackhole begins, short or longer than any time-out
  - every connection is reset, or the NAT forgets it
  - the client or the server crashes, with or without closing its connections
  - the client or the server freezes for a while
  - the client or the server loses power before or after its commit

With --pairs, a second fault follows at each later point of each of these runs.

With sim, time is virtual. The other engines run in real time, make --payments one after
the other, and can also test your own system. With toxiproxy, the first connection is cut
after each byte that it carries, in both directions. With packet, each HTTP request meets
each fault at four moments: when the server has received it, while the server works on
it, before the answer, and in the middle of the answer. What is found in one run only is
made again once; if it is not found again, it is unknown.

For each check, the first failing run is written to OUT/NAME-sweep: its history, and
a scenario file that fails in the same way.`,
		Example: `  onebar sweep edge --payments 1
  onebar sweep edge --payments 1 --pairs
  onebar sweep my-api.yaml --engine packet
  onebar sweep my-scenario.yaml --seed 7 --json sweep.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.files.guard(cmd, args, func() error { return s.run(cmd, args[0]) })
		},
	}
	s.flags(cmd, 0, "seed of every random decision (default: the scenario's, else 1)", "one for each processor; in real time 128 for the reference pair, 64 for programs, 4 for containers, 1 for a server that is already running")
	f := cmd.Flags()
	f.StringVar(&s.engine, "engine", simulated, "sim; toxiproxy to cut after each byte; packet for faults at each moment of each HTTP request")
	f.IntVar(&s.payments, "payments", 0, "number of payments, all made at once (default: the scenario's payments, at its rate); in real time one after the other (default: 2 with packet, 1 with toxiproxy)")
	f.BoolVar(&s.pairs, "pairs", false, "also run all pairs of faults")
	s.hosts.flag(cmd)
	shardFlag(cmd, &s.shard)
	budgetFlag(cmd, &s.budget)
	canaryFlag(cmd, &s.canary)
	f.BoolVar(&s.failFast, "fail-fast", false, "start no new run after one that failed or could not be carried out")
	f.IntVar(&s.limit, "limit", sweepLimit, "most runs: more single faults are refused, more pairs are left out; 0 is no limit")
	return cmd
}

// check returns the mistakes in the flags.
func (s *sweeping) check() error {
	switch {
	case engines()[s.engine] == nil:
		return fmt.Errorf("--engine %q: expected sim, toxiproxy or packet", s.engine)
	case !virtual(s.engine) && s.pairs:
		return fmt.Errorf("--engine %s makes single faults: leave --pairs out, or use --engine sim", s.engine)
	}
	if s.jobs < 0 || s.payments < 0 || s.limit < 0 || s.budget < 0 {
		return errors.New("--jobs, --payments, --limit and --time-budget: expected no negative number")
	}
	if s.payments > mostPayments {
		return fmt.Errorf("--payments %d: a scenario has at most %d", s.payments, mostPayments)
	}
	return nil
}

func (s *sweeping) run(cmd *cobra.Command, arg string) error {
	if err := s.check(); err != nil {
		return err
	}
	sc, err := loadOne(arg)
	if err != nil {
		return err
	}
	if err := errors.Join(s.hosts.check(sc), checkCanary(s.canary, []harness.Scenario{sc})); err != nil {
		return err
	}
	s.hosts.announce(cmd.ErrOrStderr(), sc)
	s.seed = seedOf(sc, s.seed, cmd.Flags().Changed("seed"))
	options := canaryOption(s.canary, fmt.Sprintf("--payments %d", s.payments))
	whole, err := identity(&s.files, []harness.Scenario{sc}, func(harness.Scenario) string { return s.engine }, func(harness.Scenario) uint64 { return s.seed }, options...)
	if err != nil {
		return err
	}
	if s.payments > 0 && virtual(s.engine) {
		sc.Workload.Payments, sc.Workload.Rate = s.payments, 0
		sc.Workload.Wallets = min(sc.Workload.Wallets, s.payments)
	}
	if why := s.oneAtATime(sc.Subject); why != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "onebar: the runs share %s: they are made one at a time\n", why)
	}
	runner, free, err := s.runner(sc.Subject)
	if err != nil {
		return err
	}
	defer free()
	began := time.Now()
	found, err := s.plant(cmd, runner, sc)
	if err != nil {
		return err
	}
	s.budget = left(s.budget, began)
	res, err := s.sweep(cmd, runner, sc)
	if err != nil {
		return err
	}
	res.Of, res.Canary = whole, found
	s.keep(cmd.Context(), cmd.ErrOrStderr(), runner, &res)
	if err := s.files.write(cmd, reports.Sweep(res.Sweep), outcome.Swept(res.Sweep)); err != nil {
		return err
	}
	return exit(res.Exit())
}

// oneAtATime has runs that share something made one at a time, and returns what they
// share, or nothing.
func (s *sweeping) oneAtATime(c sut.Config) string {
	shared := sharedBy(c)
	if len(shared) == 0 {
		return ""
	}
	s.jobs = 1
	return strings.Join(slices.Sorted(maps.Values(shared)), " and ")
}

// liveJobs is the default number of runs in real time at the same time. A run waits most of
// the time; but a container needs a part of the machine, and a server that already runs may
// bear only one run.
func liveJobs(c sut.Config) int {
	switch {
	case c.Server == nil:
		return 128
	case c.Server.Exec != nil:
		return 64
	case c.Server.Container != nil:
		return 4
	}
	return 1
}

// runner returns what makes the runs.
func (s *sweeping) runner(c sut.Config) (r cases.Runner, free func(), err error) {
	if !virtual(s.engine) {
		s.jobs = cmp.Or(s.jobs, liveJobs(c))
		return cases.Live{Engine: engines()[s.engine], New: newLive, Version: version}, func() {}, nil
	}
	s.jobs = cmp.Or(s.jobs, runtime.NumCPU())
	pool, err := workers(s.jobs)
	if err != nil {
		return nil, nil, err
	}
	return cases.Workers{Pool: pool}, pool.Close, nil
}

// sweep makes the runs.
func (s *sweeping) sweep(cmd *cobra.Command, runner cases.Runner, sc harness.Scenario) (sweep.Result, error) {
	counter := progress.NewCounter(cmd.ErrOrStderr(), sc.Name)
	defer counter.Close()
	o := sweep.Options{Pairs: s.pairs, Payments: s.payments, Jobs: s.jobs, Limit: s.limit, Watch: counter.Set, Shard: s.shard, For: s.budget, FailFast: s.failFast}
	c := cases.Case{Scenario: sc, Seed: s.seed}
	switch can := engines()[s.engine].Abilities(); {
	case can.Has(harness.CountPackets):
		return sweep.Packets(cmd.Context(), runner, c, o)
	case can.Has(harness.CarryPackets):
		return sweep.Moments(cmd.Context(), runner, c, o)
	}
	return sweep.Bytes(cmd.Context(), runner, c, o)
}

// keep writes, for each check that has found something, the first run in which it
// has: as a scenario, and with its history. What cannot be written is said on
// warnings.
func (s *sweeping) keep(ctx context.Context, warnings io.Writer, runner cases.Runner, res *sweep.Result) {
	lib := library()
	kept := map[string]bool{}
	for i := range res.Findings {
		f := &res.Findings[i]
		if kept[f.Check] || f.Check == result.NoCommits || ctx.Err() != nil {
			continue
		}
		kept[f.Check] = true
		c := res.Cases[i]
		folder := filepath.Join(s.out, c.Scenario.Name+"-sweep")
		c.Scenario.Name += "-" + strings.ReplaceAll(f.Check, "_", "-")
		c.Scenario.Engine, c.Scenario.Seed = res.Engine, written(s.seed)
		c.Scenario.Length = max(c.Scenario.Length, time.Second) // the shortest that a file can state
		c.Dir = filepath.Join(folder, f.Check)
		file := filepath.Join(folder, f.Check+".yaml")
		err := unlinked(folder, file)
		if err == nil {
			err = spec.WriteFile(file, c.Scenario, lib, s.notes(*f)...)
		}
		if err == nil {
			c.Scenario, err = spec.Load(file, lib) // the run must be that of the file
		}
		if err != nil {
			fmt.Fprintf(warnings, "onebar: keep a run: %s\n", printable(err))
			continue
		}
		report, err := runner.Run(ctx, c)
		f.History = report.Result.HistoryFile
		if why := unlike(*f, report.Result, err); why != "" && ctx.Err() == nil {
			fmt.Fprintf(warnings, "onebar: %s does not fail %s again: %s\n", file, f.Check, format.Clean(why))
		}
		f.File, f.Again = file, fmt.Sprintf("%s run %s --seed %d", itself(), quote(file), s.seed)
	}
}

// unlike returns why a run does not show the finding, or nothing if it does.
func unlike(f result.SweepFinding, res result.Result, err error) string {
	broken := err != nil || res.Error != ""
	switch {
	case broken && f.Check == result.Broken:
	case err != nil:
		return err.Error()
	case broken:
		return res.Error
	case f.Check == result.Broken:
		return "it could be carried out this time: the order of events at one instant depends on the scheduler"
	case res.Verdict(f.Check).Status != f.Status:
		return fmt.Sprintf("it is %s this time: the order of events at one instant depends on the scheduler, see onebar run --verify", res.Verdict(f.Check).Status)
	}
	return ""
}

// notes returns the comments of a file that say what it shows.
func (s *sweeping) notes(f result.SweepFinding) []string {
	what := f.Fault
	if f.Where[0] != "" {
		what += ", " + f.Where[0]
	}
	return []string{
		fmt.Sprintf("Found by onebar sweep, seed %d: %s.", s.seed, what),
		fmt.Sprintf("%s: %s", f.Check, f.Text),
	}
}
