package main

import (
	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reports/merge"
)

func newMerge() *cobra.Command {
	var out reportFiles
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join the JSON reports of all shards of a command to one",
		Long: `Join the JSON reports of all shards of onebar run, sweep or explore to the report of one
command that made all the runs. Only wall times are other ones, and the JUnit report of an
exploration names no scenario file. The exit code is that of the one command.

A shard that is missing, was given twice, was interrupted or has not finished is an
error. So is a shard of other runs: of another build of onebar, another scenario file,
seed or engine, or other flags.`,
		Example: `  onebar explore bad-day --seeds 1..100000 --shard 1/2 --json part-1.json
  onebar explore bad-day --seeds 1..100000 --shard 2/2 --json part-2.json
  onebar merge part-*.json --json explored.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return out.guard(cmd, args, func() error {
				all, err := merge.Files(args)
				if err != nil {
					return err
				}
				if err := out.write(cmd, all.Console, all.Outcome); err != nil {
					return err
				}
				return exit(all.Exit)
			})
		},
	}
	out.flags(cmd)
	return cmd
}
