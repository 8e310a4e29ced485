package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/baseline"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/files"
	"github.com/onebar/onebar/reports/outcome"
)

func newBaseline() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "baseline FILE RESULT.json...",
		Short: "Write the figures of runs to a baseline file, to compare later runs with",
		Long: `Write the figures of the runs in some JSON reports to a baseline file: one line for
each figure, sorted. Commit the file. onebar run --baseline FILE and onebar compare
compare later runs with it.

A baseline that exists is replaced, and the new one records the reason. Any other file is
left as it is.`,
		Example: `  onebar run scenarios/ --engine sim --json result.json
  onebar baseline baseline.jsonl result.json
  onebar baseline baseline.jsonl result.json --reason "receipts are signed: 64 B more"`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch old, err := os.ReadFile(args[0]); {
			case err == nil && !baseline.Is(old):
				return fmt.Errorf("%s exists and is no baseline: the file to write comes first, then the JSON reports", args[0])
			case err == nil && reason == "":
				return fmt.Errorf("%s exists: say with --reason why it is replaced", args[0])
			}
			set, err := readSet(args[1:]...)
			if err != nil {
				return err
			}
			set.Reason = reason
			if err := files.Write(args[0], set.Write); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote the figures of %s to %s\n", harness.Plural(set.Scenarios(), "scenario"), args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why the file is replaced; recorded in it")
	return cmd
}

func newCompare() *cobra.Command {
	var out reportFiles
	var null int
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Compare the figures of two sets of runs",
		Long: `Compare the figures of later runs with those of earlier ones. BEFORE and AFTER are
baseline files, or JSON reports of onebar run. The exit code is 0 if no figure is worse,
1 if one is, 3 if something could not be compared.

On sim, the runs of each seed are compared, and every difference counts. In real time a
figure has changed if a Mann-Whitney U test rejects chance (p < 0.01 for all figures
together, by Holm's method) and the medians differ by at least 10 %. That needs 6 to 11
runs on each side, the more the more figures vary.

--null N measures the false alarms: it makes N comparisons of runs with other runs of the
same files.`,
		Example: `  onebar compare baseline.jsonl result.json
  onebar compare before.json after.json --markdown summary.md
  onebar compare --null 100 pool.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return out.guard(cmd, args, func() error { return compare(cmd, args, null, &out) })
		},
	}
	out.flags(cmd)
	cmd.Flags().IntVar(&null, "null", 0, "count the false alarms of this many comparisons within one file; writes no report file")
	return cmd
}

// compare compares two files, or measures false alarms.
func compare(cmd *cobra.Command, args []string, null int, out *reportFiles) error {
	if null < 0 || null == 0 && len(args) != 2 {
		return errors.New("expected two files to compare, or --null with a positive number and files")
	}
	if null > 0 && strings.Join(out.Paths, "") != "" {
		return errors.New("--null writes no report files: leave out --junit, --json and --markdown")
	}
	if null > 0 {
		return nullTest(cmd.OutOrStdout(), args, null)
	}
	before, err := readSet(args[0])
	if err != nil {
		return err
	}
	after, err := readSet(args[1])
	if err != nil {
		return err
	}
	c := baseline.Compare(before, after)
	c.Onebar = version
	if err := out.write(cmd, reports.Comparison(c), reports.Compared(c)); err != nil {
		return err
	}
	return exit(c.Exit())
}

// nullTest compares runs of some files with other runs of them, n times.
func nullTest(stdout io.Writer, files []string, n int) error {
	pool, err := readSet(files...)
	if err != nil {
		return err
	}
	test, err := baseline.Null(pool, n, 1)
	if err != nil {
		return err
	}
	if err := reports.NullTest(test)(stdout); err != nil {
		return err
	}
	return exit(test.Exit())
}

// earlier returns the runs that those of a batch are compared with; none without --baseline.
func (b *batch) earlier() (baseline.Set, error) {
	if b.baseline == "" {
		return baseline.Set{}, nil
	}
	return readSet(b.baseline)
}

// found returns the reports and the exit code of a batch, with its comparison if there is one.
func (b *batch) found(before baseline.Set, results []result.Result, runs outcome.Outcome) (reports.Report, outcome.Outcome, int) {
	console, code := reports.Console(results), reports.Exit(results)
	if b.baseline == "" {
		return console, runs, code
	}
	c := baseline.Compare(before, baseline.Collect(results))
	c.Onebar = version
	both := func(w io.Writer) error { return errors.Join(console(w), reports.Comparison(c)(w)) }
	return both, runs.With(reports.Compared(c)), result.Worst(code, c.Exit())
}

// readSet reads a baseline file, or the JSON reports of runs.
func readSet(paths ...string) (baseline.Set, error) {
	var all []result.Result
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return baseline.Set{}, err
		}
		if baseline.Is(text) && len(paths) == 1 {
			set, err := baseline.Read(text)
			if err != nil {
				err = fmt.Errorf("read %s: %w", path, err)
			}
			return set, err
		}
		results, err := outcome.ReadJSON(bytes.NewReader(text))
		if err != nil {
			return baseline.Set{}, fmt.Errorf("%s: %w", path, err)
		}
		if len(results) == 0 {
			return baseline.Set{}, fmt.Errorf("%s has no runs: expected a baseline, or a JSON report of onebar run", path)
		}
		all = append(all, results...)
	}
	return baseline.Collect(all), nil
}
