// Command mutants plants the bugs of harness/mutants/corpus one after the other and requires that
// onebar finds each by its right name. It is part of this repository's tests, not of onebar.
//
//	mutants [--shard i/n] [--first] [--outcomes FILE] [--record FILE] [NAME...]   from the root of the repository
//
// For each bug it builds itself again, with the bug, and has that program hunt. The exit codes are
// those of onebar: 1 if a bug was missed, 3 if one could not be tried.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/harness/mutants"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/reference"
	"github.com/onebar/onebar/reports/files"
	"github.com/onebar/onebar/scenarios"
)

// corpus is the folder of the mutants, from the root of the repository.
const corpus = "harness/mutants/corpus"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := result.ExitPass
	root := gate{}.command(&code)
	root.AddCommand(newHunt(), newWorker())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "mutants: %s\n", err)
		code = result.ExitBroken
	}
	stop()
	os.Exit(code) //nolint:forbidigo // this is main
}

// gate is the command line of mutants.
type gate struct {
	shard, record, outcomes string
	first                   bool
	jobs                    int
}

func (g gate) command(code *int) *cobra.Command {
	cmd := &cobra.Command{
		Use: "mutants [NAME...]", Short: "Plant each bug of the corpus and require that onebar finds it",
		Args:         cobra.ArbitraryArgs, // without it a name would be an unknown command
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			*code, err = g.run(cmd, args)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&g.shard, "shard", "1/1", "only the i-th of n parts of the corpus")
	f.StringVar(&g.record, "record", "", "write the track record into this file")
	f.StringVar(&g.outcomes, "outcomes", "", "add each outcome to this file, and do not try a mutant again whose outcome is in it; the files of shards can be joined")
	f.BoolVar(&g.first, "first", false, "stop at the first method that finds the bug")
	f.IntVarP(&g.jobs, "jobs", "j", runtime.NumCPU(), "runs at a time")
	return cmd
}

func (g gate) run(cmd *cobra.Command, names []string) (int, error) {
	list, err := mutants.Load(corpus)
	if err != nil {
		return 0, err
	}
	if list, err = g.choose(list, names); err != nil {
		return 0, err
	}
	earlier, err := mutants.ReadOutcomes(g.outcomes)
	if err != nil {
		return 0, err
	}
	var all []mutants.Outcome
	for _, m := range list {
		began := time.Now()
		o, err := g.outcome(cmd.Context(), m, earlier)
		switch {
		case interrupted(cmd.Context()):
			return result.ExitInterrupted, nil
		case err != nil:
			return 0, err
		}
		all = append(all, o)
		fmt.Fprintf(cmd.OutOrStdout(), "%-7s %-32s %4.1f s  %s\n", strings.ToUpper(o.Verdict().String()), m.Name, time.Since(began).Seconds(), o)
	}
	if g.record != "" {
		if err := files.Write(g.record, func(w io.Writer) error { return mutants.Record(w, all, g.first) }); err != nil {
			return 0, err
		}
	}
	return exit(all), nil
}

// outcome returns what became of a mutant: as an earlier run has found it, or after trying it.
func (g gate) outcome(ctx context.Context, m mutants.Mutant, earlier []mutants.Outcome) (mutants.Outcome, error) {
	for _, o := range earlier {
		if o.Of(m) && o.Error == "" {
			o.Mutant = m
			return o, nil
		}
	}
	o := g.try(ctx, m)
	if g.outcomes == "" || interrupted(ctx) {
		return o, nil
	}
	f, err := os.OpenFile(g.outcomes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(json.NewEncoder(f).Encode(o), f.Close())
	}
	if err != nil {
		err = fmt.Errorf("keep the outcome of %s: %w", m.Name, err)
	}
	return o, err
}

// interrupted reports whether ctx has ended.
func interrupted(ctx context.Context) bool { return ctx.Err() != nil }

// choose returns the mutants of the names, or of the shard.
func (g gate) choose(list []mutants.Mutant, names []string) ([]mutants.Mutant, error) {
	for _, name := range names {
		if !slices.ContainsFunc(list, func(m mutants.Mutant) bool { return m.Name == name }) {
			return nil, fmt.Errorf("%s holds no mutant %q", corpus, name)
		}
	}
	var shard selection.Shard
	if err := shard.Set(g.shard); err != nil {
		return nil, fmt.Errorf("--shard %w", err)
	}
	var chosen []mutants.Mutant
	for place, m := range list {
		if shard.Has(place) && (len(names) == 0 || slices.Contains(names, m.Name)) {
			chosen = append(chosen, m)
		}
	}
	return chosen, nil
}

// exit returns the exit code of all outcomes.
func exit(all []mutants.Outcome) int {
	code := result.ExitPass
	for _, o := range all {
		switch o.Verdict() {
		case result.Fail:
			return result.ExitFail
		case result.StatusUnknown:
			code = result.ExitUnknown
		case result.Pass, result.NotApplicable:
		}
	}
	return code
}

// try plants one bug and has it hunted.
func (g gate) try(ctx context.Context, m mutants.Mutant) mutants.Outcome {
	o := mutants.Outcome{Mutant: m}
	found, err := g.hunt(ctx, m)
	if o.Found = found; err != nil {
		o.Error = err.Error()
	}
	return o
}

func (g gate) hunt(ctx context.Context, m mutants.Mutant) ([]mutants.Found, error) {
	root, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "onebar-mutant-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := m.Overlay(ctx, root, dir)
	if err != nil {
		return nil, err
	}
	if m.Test != "" {
		f, err := m.RunTest(ctx, overlay)
		return []mutants.Found{f}, err
	}
	program := filepath.Join(dir, "mutant")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-overlay", overlay, "-ldflags", "-s -w -X testing.testBinary=1", "-o", program, "./cmd/mutants")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w: %s", err, out)
	}
	args := []string{"hunt", "--checks", strings.Join(m.Check, ","), fmt.Sprintf("--first=%t", g.first), fmt.Sprintf("--jobs=%d", g.jobs)}
	run := exec.CommandContext(ctx, program, args...)
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		return nil, fmt.Errorf("hunt: %w", err)
	}
	var found []mutants.Found
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, fmt.Errorf("read what the hunt found: %w", err)
	}
	return found, nil
}

// newHunt is the command of a program with a planted bug.
func newHunt() *cobra.Command {
	var checks []string
	var first bool
	var jobs int
	cmd := &cobra.Command{
		Use: "hunt", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, free, err := newHunter(jobs)
			if err != nil {
				return err
			}
			defer free()
			found, err := h.Hunt(cmd.Context(), checks, first)
			return errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(found))
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&checks, "checks", nil, "checks of which any names the bug")
	f.BoolVar(&first, "first", false, "stop at the first method that finds it")
	f.IntVar(&jobs, "jobs", 1, "runs at a time")
	return cmd
}

// newHunter returns what hunts in this program, with the bundled scenarios.
func newHunter(jobs int) (h mutants.Hunter, free func(), err error) {
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	if err != nil {
		return h, nil, err
	}
	names, err := fs.Glob(scenarios.FS, "*.yaml")
	if err != nil {
		return h, nil, err
	}
	h.Jobs = jobs
	for _, name := range names {
		data, err := fs.ReadFile(scenarios.FS, name)
		if err != nil {
			return h, nil, err
		}
		sc, err := spec.Parse(name, data, lib)
		if err != nil {
			return h, nil, err
		}
		h.Catalogue = append(h.Catalogue, sc)
		switch sc.Name {
		case "edge":
			h.Sweep = sc
		case "bad-day":
			h.Explore = sc
		}
	}
	self, err := os.Executable()
	if err != nil {
		return h, nil, err
	}
	pool := bubble.NewPool(jobs, self, "worker")
	h.Runner = cases.Workers{Pool: pool}
	return h, pool.Close, nil
}

// newWorker is the command of a process that makes the runs of a hunt.
func newWorker() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			os.Stdout = os.Stderr // what a subject prints must not mix with the answers
			return cases.Serve(context.WithoutCancel(cmd.Context()), cmd.InOrStdin(), out, cases.Simulator{New: subject, Version: "mutants"})
		},
	}
}

// subject returns the reference pair on disks that a crash can take power from.
func subject(harness.Scenario) (s harness.Subject, free func() error, err error) {
	o := reference.Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
	return reference.New(o), func() error { return errors.Join(o.BankDisk.Close(), o.WalletDisks.Close()) }, nil
}
