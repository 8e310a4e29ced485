package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/shrink"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/files"
)

// shrinking is the command line of onebar shrink.
type shrinking struct {
	seed    uint64
	seeded  bool // the command line has a seed
	check   string
	out     string
	jobs    int
	runs    int
	longest time.Duration
}

// shrinkTime is the longest time spent on shrinking unless the command line says.
const shrinkTime = time.Minute

func newShrink() *cobra.Command {
	var s shrinking
	cmd := &cobra.Command{
		Use:   "shrink SCENARIO|HISTORY",
		Short: "Shrink a failing scenario to the smallest one that still fails",
		Long: `Run a scenario in virtual time. If a check fails, search for the smallest scenario
in which the same check still fails: with fewer events, payments and wallets, a
simpler link, and single lost packets instead of random loss. The seed stays the
same. onebar writes the result as a scenario file, and runs that file to make sure
that it fails.

A HISTORY is a file that onebar run has written, OUT/NAME/history.jsonl. onebar
shrinks its scenario with its seed.

If you interrupt it, it writes the smallest scenario found so far.

Exit codes: 0 a file was written, 2 nothing fails, 130 interrupted.`,
		Example: `  onebar shrink my-scenario.yaml --seed 7
  onebar shrink out/tunnel/history.jsonl --check duplicated --out smallest.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.seeded = cmd.Flags().Changed("seed")
			return s.run(cmd, args[0])
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&s.seed, "seed", 0, "seed of the failing run (default: the seed of the history or scenario, else 1)")
	f.StringVar(&s.check, "check", "", "check that must still fail, such as duplicated (default: the first that fails)")
	f.StringVar(&s.out, "out", "", "file to write (default: NAME-shrunk.yaml)")
	f.IntVarP(&s.jobs, "jobs", "j", runtime.NumCPU(), "runs at the same time")
	f.IntVar(&s.runs, "runs", shrink.DefaultRuns, "maximum number of runs to try")
	f.DurationVar(&s.longest, "for", shrinkTime, "maximum time, such as 10m; if it is reached, the result depends on the speed of the machine; 0 is no limit")
	return cmd
}

func (s *shrinking) run(cmd *cobra.Command, arg string) error {
	if s.jobs < 1 || s.runs < 1 || s.longest < 0 {
		return errors.New("--jobs and --runs: expected at least 1; --for: no negative time")
	}
	if err := checkCheck(s.check); err != nil {
		return err
	}
	lib := library()
	c, err := s.failing(arg, lib)
	if err != nil {
		return err
	}
	if s.out == "" {
		s.out = c.Scenario.Name + shrunkSuffix + ".yaml"
	}
	if err := files.Writable(s.out); err != nil {
		return err
	}
	pool, err := workers(s.jobs)
	if err != nil {
		return err
	}
	defer pool.Close()
	found, err := shrinkTo(cmd.Context(), cases.Workers{Pool: pool}, c, s.out, shrink.Options{
		Check: s.check, Runs: s.runs, For: s.longest, Jobs: s.jobs, Progress: shrinkLines(cmd.ErrOrStderr()),
	})
	if errors.Is(err, shrink.ErrPasses) {
		return fmt.Errorf("there is nothing to shrink in %s with seed %d: %w", c.Scenario.Name, c.Seed, err)
	}
	if err != nil {
		return err
	}
	if err := reportShrunk(cmd.OutOrStdout(), s.out, found); err != nil || cmd.Context().Err() == nil {
		return err
	}
	return exitError{result.ExitInterrupted}
}

// shrinkTo shrinks a failing case, and writes the smallest case as a scenario file, after it
// has checked that the file fails in the same way. When ctx ends, it writes the smallest
// case so far, if there is one.
func shrinkTo(ctx context.Context, r cases.Runner, c cases.Case, path string, o shrink.Options) (shrink.Result, error) {
	found, err := shrink.Shrink(ctx, r, c, o)
	if found.Kept > 0 && ctx.Err() != nil {
		found.Ended = "it was interrupted"
		ctx, err = context.WithoutCancel(ctx), nil // the check of the file needs one more run
	}
	if err != nil {
		return found, err
	}
	return found, writeShrunk(ctx, r, path, found)
}

// failing returns the case to shrink: that of a history, or of a scenario.
func (s *shrinking) failing(arg string, lib spec.Library) (cases.Case, error) {
	if !strings.HasSuffix(arg, ".jsonl") {
		sc, err := load(arg, lib)
		return cases.Case{Scenario: sc, Seed: seedOf(sc, s.seed, s.seeded)}, err
	}
	f, err := os.Open(arg)
	if err != nil {
		return cases.Case{}, fmt.Errorf("read history: %w", err)
	}
	defer f.Close()
	for rec, err := range history.Read(f) {
		if err != nil {
			return cases.Case{}, fmt.Errorf("read history %s: %w", arg, err)
		}
		if rec.Header == nil {
			break
		}
		c := cases.Case{Scenario: rec.Header.Scenario, Seed: rec.Header.Seed}
		if s.seeded {
			c.Seed = s.seed
		}
		return c, spec.FindTraces(&c.Scenario, lib)
	}
	return cases.Case{}, fmt.Errorf("read history %s: its first line is no header", arg)
}

// shrunkSuffix is the end of the name of a shrunk scenario.
const shrunkSuffix = "-shrunk"

// writeShrunk writes a shrunk case as a scenario file, and checks that the file fails in the
// same way.
func writeShrunk(ctx context.Context, r cases.Runner, path string, found shrink.Result) error {
	lib := library()
	sc, name := found.Case.Scenario, found.Given.Scenario.Name
	sc.Name = strings.TrimSuffix(name, shrunkSuffix)
	sc.Name = sc.Name[:min(len(sc.Name), 64-len(shrunkSuffix))] + shrunkSuffix
	sc.Engine, sc.Seed = simulated, written(found.Case.Seed)
	sc.Summary = fmt.Sprintf("The smallest that was found of %s in which %s fails, with seed %d.", name, quoteCheck(found.Check), found.Case.Seed)
	notes := []string{
		fmt.Sprintf("Made by onebar shrink of %s, seed %d: %s.", name, found.Case.Seed, sizes(found.Given, found.First)),
		fmt.Sprintf("%d cases were tried. It shows:", found.Tried),
	}
	for _, line := range evidence(found) {
		notes = append(notes, "  "+line)
	}
	if found.Ended != "" {
		notes = append(notes, maybeNot(found))
	}
	notes = append(notes, "To see it again:", "  "+replay(path, simulated, found.Case.Seed))
	if err := spec.WriteFile(path, sc, lib, notes...); err != nil {
		return err
	}
	back, err := spec.Load(path, lib)
	if err != nil {
		return fmt.Errorf("read back what was written: %w", err)
	}
	if _, _, err := shrink.Fails(ctx, r, cases.Case{Scenario: back, Seed: found.Case.Seed}, found.Check); err != nil {
		return fmt.Errorf("replay %s: %w", path, err)
	}
	return nil
}

// evidence returns what the smallest case shows, in lines.
func evidence(found shrink.Result) []string {
	if found.Failure != nil {
		return []string{found.Check + ": " + found.Failure.Error()}
	}
	v := found.Report.Result.Verdict(found.Check)
	if v.Check == "" {
		return []string{"fail " + quoteCheck(found.Check)}
	}
	lines := []string{"fail " + v.Check + ": " + v.Summary}
	if len(v.Findings) > 0 {
		lines = append(lines, v.Findings[0].Text)
	}
	return lines
}

func maybeNot(found shrink.Result) string {
	more := ""
	if found.Ended == shrink.ErrTime.Error() {
		more = " onebar shrink --for 10m searches longer."
	}
	return fmt.Sprintf("It may not be the smallest: %s.%s", found.Ended, more)
}

// quoteCheck writes the name of a check, or a threshold in quotes.
func quoteCheck(check string) string {
	if strings.Contains(check, " ") {
		return "'" + check + "'"
	}
	return check
}

// size is one measure of how large a run was.
type size struct {
	name string
	n    int64
}

// sizesOf returns how large the run of a case was.
func sizesOf(c cases.Case, r cases.Report) []size {
	sc := run.Unroll(r.Drawn(c), c.Seed)
	packets := int64(0)
	for _, p := range r.Result.Phases {
		packets += p.Up.Offered + p.Down.Offered
	}
	return []size{
		{"events", int64(len(sc.Timeline))},
		{"payments", int64(sc.Workload.Payments)},
		{"wallets", int64(sc.Workload.Wallets)},
		{"packets", packets},
	}
}

// sizes writes how large a run was, on one line.
func sizes(c cases.Case, r cases.Report) string {
	var words []string
	for _, s := range sizesOf(c, r) {
		words = append(words, fmt.Sprintf("%s %d", s.name, s.n))
	}
	return strings.Join(words, ", ")
}

// reportShrunk reports the shrunk case and the file that it was written to.
func reportShrunk(w io.Writer, path string, found shrink.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tbefore\tafter\t")
	after := sizesOf(found.Case, found.Report)
	for i, s := range sizesOf(found.Given, found.First) {
		fmt.Fprintf(t, "%s\t%d\t%d\t\n", s.name, s.n, after[i].n)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, line := range evidence(found) {
		fmt.Fprintln(w, line)
	}
	if stories := found.Report.Result.Stories; len(stories) > 0 {
		if err := reports.Stories(stories[:1])(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if found.Ended != "" {
		fmt.Fprintln(w, maybeNot(found))
	}
	_, err := fmt.Fprintf(w, "%s: seed %d, %d cases\nagain: %s\n", path, found.Case.Seed, found.Tried, replay(path, simulated, found.Case.Seed))
	return err
}

// shrinkSilence is the longest time without a line of progress, while runs are made.
const shrinkSilence = 5 * time.Second

// shrinkLines writes a line each time a step has made the case smaller, and one if nothing
// was written for a while.
func shrinkLines(w io.Writer) func(shrink.Progress) {
	var last shrink.Progress
	began := time.Now()
	written := began
	return func(p shrink.Progress) {
		if now := time.Now(); p.Kept > last.Kept || now.Sub(written) >= shrinkSilence {
			sc := p.Case.Scenario
			fmt.Fprintf(w, "%4.0fs %5d tried: %s: events %d, payments %d, wallets %d\n", now.Sub(began).Seconds(), p.Tried, p.Doing,
				len(sc.Timeline), sc.Workload.Payments, sc.Workload.Wallets)
			written = now
		}
		last = p
	}
}
