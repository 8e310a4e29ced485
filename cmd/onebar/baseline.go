package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/baseline"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports"
)

func newBaseline() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "baseline FILE RESULT.json...",
		Short: "Write the figures of runs to a baseline file, to compare later runs with",
		Long: `Write the figures of the runs in some JSON reports to a baseline file: one line for
each figure, sorted. Commit the file. onebar run --baseline FILE and onebar compare
compare later runs with it.

If the file exists, it is replaced, and the new one records the reason.`,
		Example: `  onebar run scenarios/ --engine sim --json result.json
  onebar baseline baseline.jsonl result.json
  onebar baseline baseline.jsonl result.json --reason "receipts are signed: 64 B more"`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err == nil && reason == "" {
				return fmt.Errorf("%s exists: say with --reason why it is replaced", args[0])
			}
			set, err := readSet(args[1:]...)
			if err != nil {
				return err
			}
			set.Reason = reason
			var b bytes.Buffer
			if err := set.Write(&b); err != nil {
				return fmt.Errorf("write %s: %w", args[0], err)
			}
			return os.WriteFile(args[0], b.Bytes(), 0o644)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why the file is replaced; recorded in it")
	return cmd
}

func newCompare() *cobra.Command {
	var json, markdown string
	var null int
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Compare the figures of two sets of runs",
		Long: `Compare the figures of later runs with those of earlier ones. BEFORE and AFTER are
baseline files, or JSON reports of onebar run. The exit code is 0 if no figure is worse,
1 if one is, 3 if something could not be compared.

On sim, the runs of each seed are compared, and every difference counts. In real time a
figure has changed if a Mann-Whitney U test rejects chance (p < 0.05 for all figures
together, by Holm's method) and the medians differ by at least 10 %. That needs at least
6 runs on each side.

--null N measures the false alarms: it makes N comparisons of runs with other runs of the
same files.`,
		Example: `  onebar compare baseline.jsonl result.json
  onebar compare before.json after.json --markdown summary.md
  onebar compare --null 100 pool.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if null < 0 || null == 0 && len(args) != 2 {
				return errors.New("expected two files to compare, or --null with a positive number and files")
			}
			if err := errors.Join(writable(json), writable(markdown)); err != nil {
				return err
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
			if err := errors.Join(reports.Comparison(c)(cmd.OutOrStdout()), writeFile(json, reports.AsJSON(c)), writeFile(markdown, reports.ComparisonMarkdown(c))); err != nil {
				return err
			}
			return exit(c.Exit())
		},
	}
	f := cmd.Flags()
	f.StringVar(&json, "json", "", "write a JSON report to this file")
	f.StringVar(&markdown, "markdown", "", "write a Markdown report to this file")
	f.IntVar(&null, "null", 0, "count the false alarms of this many comparisons within one file")
	return cmd
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

// comparer returns what ends a batch of runs: it compares them with a baseline file, if
// there is one, and returns the worse exit code.
func comparer(path string) (func(stdout io.Writer, results []result.Result, code int) error, error) {
	if path == "" {
		return func(_ io.Writer, _ []result.Result, code int) error { return exit(code) }, nil
	}
	before, err := readSet(path)
	return func(stdout io.Writer, results []result.Result, code int) error {
		c := baseline.Compare(before, baseline.Collect(results))
		if err := reports.Comparison(c)(stdout); err != nil {
			return err
		}
		return exit(result.Worst(code, c.Exit()))
	}, err
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
			set, err := baseline.Read(bytes.NewReader(text))
			if err != nil {
				err = fmt.Errorf("read %s: %w", path, err)
			}
			return set, err
		}
		results, err := reports.ReadJSON(bytes.NewReader(text))
		if err != nil {
			return baseline.Set{}, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, results...)
	}
	return baseline.Collect(all), nil
}
