package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/selection"
)

// filterFlags gives cmd the flags that choose scenarios. Their names are those of
// Playwright.
func filterFlags(cmd *cobra.Command, f *selection.Filter) {
	cmd.Flags().StringSliceVar(&f.Tags, "tag", nil, "only scenarios that have one of these tags")
	cmd.Flags().StringSliceVar(&f.Exclude, "exclude-tag", nil, "only scenarios that have none of these tags")
	cmd.Flags().StringVarP(&f.Grep, "grep", "g", "", "only scenarios whose name matches this regular expression")
}

// shardFlag gives cmd the flag --shard.
func shardFlag(cmd *cobra.Command, s *selection.Shard) {
	cmd.Flags().Var(s, "shard", "make only shard i of n, from 1/n; onebar merge joins the JSON reports of all shards")
}

// budgetFlag gives cmd the flag --time-budget.
func budgetFlag(cmd *cobra.Command, d *time.Duration) {
	cmd.Flags().DurationVar(d, "time-budget", 0, "start no new run after this time; runs left out make the result unknown (default: no limit)")
}

// identity says what runs were asked for. Without a JSON report it is not needed, and nil.
// engine and seed return those of a scenario. options are the further flags that decide
// which runs there are.
func identity(files *reportFiles, list []harness.Scenario, engine func(harness.Scenario) string, seed func(harness.Scenario) uint64, options ...string) (*selection.Identity, error) {
	if files.JSON() == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	build, err := selection.Build()
	d := selection.Identity{Build: build, Options: options}
	errs := []error{err}
	for _, sc := range list {
		hash, err := cases.Hash(sc)
		errs = append(errs, err)
		d.Scenarios = append(d.Scenarios, selection.Chosen{Name: sc.Name, Hash: hash, Engine: engine(sc), Seed: seed(sc)})
	}
	return &d, errors.Join(errs...)
}
