package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/canary"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/sweep"
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

// inLedger makes a run in the folder canary of out and plants bugs in its ledger.
func inLedger(ctx context.Context, runner cases.Runner, c cases.Case, out string) (*result.Verdict, error) {
	c.Dir = filepath.Join(out, canary.Check)
	if err := unlinked(c.Dir); err != nil {
		return nil, err
	}
	return canary.Run(ctx, runner, c)
}

// plant says whether the exploration would find a bug; nil: none is asked for.
func (e *exploring) plant(ctx context.Context, runner cases.Runner, list []harness.Scenario) (*result.Verdict, error) {
	switch e.canary {
	case "":
		return nil, nil //nolint:nilnil // there is none
	case canary.InLedger:
		return inLedger(ctx, runner, cases.Case{Scenario: list[0], Seed: e.seed}, e.out)
	}
	return canary.Explore(ctx, runner, list, explore.Options{Seeds: e.runs, First: e.seed, For: e.time, Jobs: e.jobs}, e.canary)
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
	of.failFast, of.pairs, of.shard = true, false, selection.Shard{}
	return canary.Sweep(sc, s.canary, func(sc harness.Scenario) (sweep.Result, error) { return of.sweep(cmd, runner, sc) })
}
