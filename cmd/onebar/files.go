package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports"
)

// reportFiles are the paths of the reports that the command line asks for, in the order of
// reports.Formats. An empty path is none.
type reportFiles []string

// flags gives cmd a flag for each format.
func (r *reportFiles) flags(cmd *cobra.Command) {
	formats := reports.Formats()
	*r = make(reportFiles, len(formats))
	for i, f := range formats {
		cmd.Flags().StringVar(&(*r)[i], f.Flag, "", "write a "+f.Title+" report to this file")
	}
}

// write writes every report that was asked for. The console comes first, so that the user
// sees the results even if a file cannot be written.
func (r reportFiles) write(stdout io.Writer, results []result.Result) error {
	errs := []error{reports.Console(results)(stdout)}
	formats := reports.Formats()
	for i, path := range r {
		errs = append(errs, writeFile(path, formats[i].Report(results)))
	}
	return errors.Join(errs...)
}

// writable makes sure that every report can be written.
func (r reportFiles) writable() error {
	var errs []error
	for _, path := range r {
		errs = append(errs, writable(path))
	}
	return errors.Join(errs...)
}

// search is the part of the command line that onebar explore and onebar sweep share: they
// make many runs, and write down those that fail.
type search struct {
	seed      uint64
	jobs      int
	out, json string
}

// flags gives cmd these flags. jobs says how many runs are made by default.
func (s *search) flags(cmd *cobra.Command, seed uint64, seedUsage, jobs string) {
	f := cmd.Flags()
	f.Uint64Var(&s.seed, "seed", seed, seedUsage)
	f.IntVarP(&s.jobs, "jobs", "j", 0, "runs at the same time (default: "+jobs+")")
	f.StringVar(&s.out, "out", defaultOut, "output folder")
	f.StringVar(&s.json, "json", "", "write a JSON report to this file")
}

// write writes the report for people, and data as JSON if that was asked for.
func (s *search) write(stdout io.Writer, report reports.Report, data any) error {
	return errors.Join(report(stdout), writeFile(s.json, reports.AsJSON(data)))
}

// writeFile writes a report to a file, and makes its folder if there is none. Without
// a path it does nothing.
func writeFile(path string, report reports.Report) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := errors.Join(report(f), f.Close()); err != nil {
		return fmt.Errorf("write report %s: %w", path, err)
	}
	return nil
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

// writable checks that a file can be written, before the work whose result goes into it.
// Without a path it does nothing.
func writable(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return nil // a device or a pipe reports an error when it is written
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("%s cannot be written: %w", path, err)
		}
		return f.Close()
	}
	dir := filepath.Dir(path)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".onebar-"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return nil
}
