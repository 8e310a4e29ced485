package main

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports"
)

func newCheck() *cobra.Command {
	var out reportFiles
	cmd := &cobra.Command{
		Use:   "check HISTORY...",
		Short: "Judge saved histories again",
		Long: `Judge and measure histories that onebar run has written. The verdicts are the same
as those of the run, unless this version of onebar has better checks.`,
		Example: `  onebar check out/tunnel/history.jsonl
  onebar check out/*/history.jsonl --junit junit.xml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return out.guard(cmd, args, func() error { return judgeAll(cmd, args, &out) })
		},
	}
	out.flags(cmd)
	return cmd
}

// judgeAll judges histories. Those that cannot be read are broken runs in the reports.
func judgeAll(cmd *cobra.Command, paths []string, out *reportFiles) error {
	var all, read []result.Result
	var errs []error
	for _, path := range paths {
		began := time.Now()
		res, err := judge.File(path)
		if err == nil {
			res.Wall = &result.Wall{Started: began, Took: time.Since(began)}
			read = append(read, res)
		} else {
			errs = append(errs, err)
			res = result.Result{Version: result.Version, Onebar: version, Scenario: harness.Scenario{File: path}, Error: err.Error()}
		}
		all = append(all, res)
	}
	console := reports.Console(read)
	if len(read) == 0 {
		console = func(io.Writer) error { return nil } // the errors say it
	}
	errs = append(errs, out.write(cmd, console, reports.Runs(all)))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return exit(reports.Exit(all))
}
