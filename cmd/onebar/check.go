package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports"
)

func newCheck() *cobra.Command {
	var files reportFiles
	cmd := &cobra.Command{
		Use:   "check HISTORY...",
		Short: "Judge saved histories again",
		Long: `Judge and measure histories that onebar run has written. The verdicts are the same
as those of the run, unless this version of onebar has better checks.`,
		Example: `  onebar check out/tunnel/history.jsonl
  onebar check out/*/history.jsonl --junit junit.xml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var results []result.Result
			var errs []error
			for _, path := range args {
				res, err := judge.File(path)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				results = append(results, res)
			}
			if len(results) > 0 {
				errs = append(errs, files.write(cmd.OutOrStdout(), results))
			}
			if err := errors.Join(errs...); err != nil {
				return err
			}
			return exit(reports.Exit(results))
		},
	}
	files.flags(cmd)
	return cmd
}
