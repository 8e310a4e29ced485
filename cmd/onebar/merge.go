package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/merge"
)

func newMerge() *cobra.Command {
	var json string
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join the JSON reports of all shards of a command to one",
		Long: `Join the JSON reports of all shards of onebar sweep or explore to the report of one
command that made all the runs. Only the wall time is another one: it is that of the
slowest shard. The exit code is that of the one command.

A shard that is missing, was given twice, was interrupted or has not finished is an
error. So is a shard of other runs: of another build of onebar, another scenario file,
seed or engine, or other flags.`,
		Example: `  onebar explore bad-day --seeds 1..100000 --shard 1/2 --json part-1.json
  onebar explore bad-day --seeds 1..100000 --shard 2/2 --json part-2.json
  onebar merge part-*.json --json explored.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := writable(json); err != nil {
				return err
			}
			all, err := merge.Files(args)
			if err != nil {
				return err
			}
			var report reports.Report
			var data any
			var code int
			switch {
			case all.Exploration != nil:
				report, data, code = reports.Explore(*all.Exploration, false), *all.Exploration, all.Exploration.Exit()
			case all.Sweep != nil:
				report, data, code = reports.Sweep(*all.Sweep), *all.Sweep, all.Sweep.Exit()
			}
			if err := errors.Join(report(cmd.OutOrStdout()), writeFile(json, reports.AsJSON(data))); err != nil {
				return err
			}
			return exit(code)
		},
	}
	cmd.Flags().StringVar(&json, "json", "", "write the joined JSON report to this file")
	return cmd
}
