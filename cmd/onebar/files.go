package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/yamltext"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/outcome"
)

// reportFiles are the reports that the command line asks for.
type reportFiles struct {
	outcome.Files
	written bool // they have the results
}

// flags gives cmd a flag for each format.
func (r *reportFiles) flags(cmd *cobra.Command) {
	formats := outcome.Formats()
	r.Paths = make([]string, len(formats))
	for i, f := range formats {
		cmd.Flags().StringVar(&r.Paths[i], f.Flag, "", "write a "+f.Title+" report to this file")
	}
}

// guard carries out a command, so that no report file keeps the results of an earlier one.
// Until the command writes its reports, the files say that it has not finished. If it ends
// with an error before that, they say so for each of the files that args name.
func (r *reportFiles) guard(cmd *cobra.Command, args []string, carryOut func() error) error {
	err := r.Begin(func(began time.Time) outcome.Outcome {
		return outcome.Unfinished(cmd.CommandPath(), version, began, expanded(args))
	})
	if err == nil {
		err = carryOut()
	}
	if _, told := errors.AsType[exitError](err); err == nil || told || r.written {
		return err
	}
	return errors.Join(err, r.unmade(cmd, expanded(args), err))
}

// unmade writes the reports of a command that ended with an error before it had results.
func (r *reportFiles) unmade(cmd *cobra.Command, args []string, err error) error {
	bad, _ := errors.AsType[unread](err)
	troubles := make([]outcome.Trouble, len(args))
	for i, path := range args {
		why := err
		if len(bad) > 0 {
			at := slices.IndexFunc(bad, func(f fileError) bool { return f.path == path })
			if why = errors.New("not run, because another file could not be read"); at >= 0 {
				why = bad[at].err
			}
		}
		mistake, _ := errors.AsType[yamltext.Mistake](why)
		troubles[i] = outcome.Trouble{File: path, Line: mistake.Line, Text: printable(why)}
	}
	o := outcome.Unmade(version, troubles)
	return errors.Join(r.Write(o), annotate(cmd, o))
}

// write writes the report for people and every report that was asked for. The console comes
// first, so that the user sees the results even if a file cannot be written.
func (r *reportFiles) write(cmd *cobra.Command, console reports.Report, o outcome.Outcome) error {
	r.written = true
	return errors.Join(console(cmd.OutOrStdout()), r.Write(o), annotate(cmd, o))
}

// annotate shows what is no pass beside the scenario files, if this is GitHub Actions. Its
// runner also reads the standard error, on which nobody waits for a report.
func annotate(cmd *cobra.Command, o outcome.Outcome) error {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	return outcome.Annotations(o)(cmd.ErrOrStderr())
}

// usageError is a command line that cannot be understood: its command was not carried out.
type usageError struct{ error }

// Unwrap returns the error.
func (e usageError) Unwrap() error { return e.error }

// misused writes the reports of a command whose command line cannot be understood, so that
// its flags have no values. The report files that it names are found in args.
func misused(cmd *cobra.Command, args []string, err error) error {
	var r reportFiles
	for _, f := range outcome.Formats() {
		path := ""
		for i, arg := range args {
			name, value, joined := strings.Cut(arg, "=")
			if name != "--"+f.Flag || cmd.Flags().Lookup(f.Flag) == nil {
				continue
			}
			if !joined && i+1 < len(args) {
				value = args[i+1]
			}
			path = cmp.Or(value, path)
		}
		r.Paths = append(r.Paths, path)
	}
	return r.unmade(cmd, []string{cmd.CommandPath()}, err)
}

// search is the part of the command line that onebar explore and onebar sweep share: they
// make many runs, and write down those that fail.
type search struct {
	seed  uint64
	jobs  int
	out   string
	files reportFiles
}

// flags gives cmd these flags. jobs says how many runs are made by default.
func (s *search) flags(cmd *cobra.Command, seed uint64, seedUsage, jobs string) {
	f := cmd.Flags()
	f.Uint64Var(&s.seed, "seed", seed, seedUsage)
	f.IntVarP(&s.jobs, "jobs", "j", 0, "runs at the same time (default: "+jobs+")")
	f.StringVar(&s.out, "out", defaultOut, "output folder")
	s.files.flags(cmd)
}

// unlinked returns an error if a folder or file of the output folder is a symbolic link:
// others may have made it, to have files elsewhere overwritten.
func unlinked(paths ...string) error {
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link: remove it, or choose another --out", path)
		}
	}
	return nil
}
