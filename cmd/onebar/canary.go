package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/canary"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reference"
)

// canaryFlag gives cmd the flag --canary.
func canaryFlag(cmd *cobra.Command, bug *string) {
	cmd.Flags().StringVar(bug, "canary", "", "plant bugs in the ledger that a run has read, and find them again; not found makes the result unknown; of sweep and explore also --canary=BUG, one of the reference pair: "+strings.Join(reference.Faults(), ", "))
	cmd.Flags().Lookup("canary").NoOptDefVal = canary.InLedger
}

// canaryOption adds the flag --canary to the flags that decide which runs there are.
func canaryOption(bug string, options ...string) []string {
	if bug != "" {
		options = append(options, "--canary="+bug)
	}
	return options
}

// left returns what is left of a limit of time; 0 is no limit.
func left(limit time.Duration, began time.Time) time.Duration {
	if limit == 0 {
		return 0
	}
	return max(limit-time.Since(began), 1)
}

// checkCanary refuses a bug that cannot be planted in the systems of scenarios.
func checkCanary(bug string, list []harness.Scenario) error {
	if bug == "" || bug == canary.InLedger {
		return nil
	}
	for _, sc := range list {
		if isExternal(sc) {
			return fmt.Errorf("--canary=%s: %s tests a system of your own, in which onebar can plant no bug: give --canary alone", bug, sc.Name)
		}
	}
	if err := new(reference.Faulty).Set(bug); err != nil {
		return fmt.Errorf("--canary: %w", err)
	}
	return nil
}

// inLedger makes a run, in the folder canary of out, and plants bugs in its ledger.
func inLedger(ctx context.Context, runner cases.Runner, c cases.Case, out string) (*result.Verdict, error) {
	c.Dir = filepath.Join(out, canary.Check)
	if err := unlinked(c.Dir); err != nil {
		return nil, err
	}
	report, err := runner.Run(ctx, c)
	if err == nil && report.Result.HistoryFile == "" {
		err = errors.New(report.Result.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("run the canary: %w", err)
	}
	v := canary.File(report.Result.HistoryFile)
	return &v, nil
}

// with returns a scenario with a bug planted. Thresholds are left out: they find other things.
func with(sc harness.Scenario, bug string) harness.Scenario {
	sc.Subject.Broken, sc.Expect = append(slices.Clone(sc.Subject.Broken), bug), nil
	return sc
}

// plant says whether the exploration would find a bug; nil: none is asked for.
func (e *exploring) plant(ctx context.Context, runner cases.Runner, list []harness.Scenario) (*result.Verdict, error) {
	switch e.canary {
	case "":
		return nil, nil //nolint:nilnil // there is none
	case canary.InLedger:
		return inLedger(ctx, runner, cases.Case{Scenario: list[0], Seed: e.seed}, e.out)
	}
	planted := slices.Clone(list)
	for i := range planted {
		planted[i] = with(planted[i], e.canary)
	}
	res, err := explore.Explore(ctx, runner, planted, explore.Options{Seeds: e.runs, First: e.seed, For: e.time, Jobs: e.jobs})
	if err != nil {
		return nil, fmt.Errorf("explore with the canary: %w", err)
	}
	found := ""
	for _, v := range res.Report.Verdicts {
		if v.Status == result.Fail && found == "" {
			found = fmt.Sprintf("%s, seed %d: %s: %s", res.Failure.Scenario.Name, res.Failure.Seed, v.Check, v.Summary)
		}
	}
	v := canary.Search(e.canary, found, res.Runs)
	return &v, nil
}

// plant says whether the sweep would find a bug; nil: none is asked for.
func (s *sweeping) plant(cmd *cobra.Command, runner cases.Runner, sc harness.Scenario) (*result.Verdict, error) {
	switch s.canary {
	case "":
		return nil, nil //nolint:nilnil // there is none
	case canary.InLedger:
		return inLedger(cmd.Context(), runner, cases.Case{Scenario: sc, Seed: s.seed}, s.out)
	}
	of := *s
	of.failFast, of.pairs, of.shard.Index, of.shard.Total = true, false, 0, 0
	res, err := of.sweep(cmd, runner, with(sc, s.canary))
	if err != nil {
		return nil, fmt.Errorf("sweep with the canary: %w", err)
	}
	found := ""
	for _, f := range res.Findings {
		if f.Status == result.Fail && found == "" {
			found = fmt.Sprintf("%s, %s: %s", f.Fault, f.Check, f.Text)
		}
	}
	v := canary.Search(s.canary, found, res.Total().Runs)
	return &v, nil
}
