// Package merge joins the JSON reports of the shards of a command to the report of one
// command that made all the runs.
package merge

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/sweep"
)

// Merged is what the shards come to: one of the three is set.
type Merged struct {
	Runs        []result.Result
	Sweep       *result.Sweep
	Exploration *result.Exploration
}

// report is what the reports of all commands have in common, and the keys that only one kind
// has.
type report struct {
	Status    string              `json:"status"`
	Shard     *selection.Shard    `json:"shard"`
	Selection *selection.Identity `json:"selection"`
	Results   json.RawMessage     `json:"results"` // of runs
	Rows      json.RawMessage     `json:"rows"`    // of a sweep
	Reached   json.RawMessage     `json:"reached"` // of an exploration
}

// kind returns the command that writes such a report; empty is none.
func (r report) kind() string {
	switch {
	case r.Results != nil:
		return "run"
	case r.Rows != nil:
		return "sweep"
	case r.Reached != nil:
		return "explore"
	}
	return ""
}

// notFinished is the status of a report whose command has not come to its end.
const notFinished = "not finished"

// Files reads the JSON reports of all shards and merges them. A file that is truncated, of a
// command that has not finished, or of another kind than the others is an error; so are
// shards that are missing, given twice or not of the same runs, see selection.Whole.
func Files(paths []string) (Merged, error) {
	var texts [][]byte
	var parts []selection.Part
	var errs []error
	kind := ""
	for _, path := range paths {
		text, r, err := read(path)
		if err == nil && kind != "" && r.kind() != kind {
			err = fmt.Errorf("%s is a report of onebar %s, and %s one of onebar %s: merge reports of one command", path, r.kind(), paths[0], kind)
		}
		errs = append(errs, err)
		texts, parts = append(texts, text), append(parts, selection.Part{File: path, Shard: r.Shard, Of: r.Selection})
		if err == nil && kind == "" {
			kind = r.kind()
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Merged{}, err
	}
	if err := selection.Whole(parts); err != nil {
		return Merged{}, err
	}
	switch kind {
	case "explore":
		all, err := joined(texts, explore.Merge)
		return Merged{Exploration: &all}, err
	case "sweep":
		all, err := joined(texts, sweep.Merge)
		return Merged{Sweep: &all}, err
	}
	return Merged{}, nil
}

// read reads a file, and the common part of its report.
func read(path string) ([]byte, report, error) {
	var r report
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, r, fmt.Errorf("read a shard: %w", err)
	}
	err = json.Unmarshal(text, &r)
	switch {
	case err != nil:
		return nil, r, fmt.Errorf("%s is truncated, or no JSON report: %w", path, err)
	case r.Status == notFinished:
		return nil, r, fmt.Errorf("%s: its command has not finished, or was killed: make the shard again", path)
	case r.kind() == "":
		return nil, r, fmt.Errorf("%s is no JSON report of onebar run, sweep or explore", path)
	}
	return text, r, nil
}

// joined decodes the reports and merges them.
func joined[T any](texts [][]byte, merge func([]T) (T, error)) (all T, err error) {
	parts := make([]T, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal(text, &parts[i]); err != nil {
			return all, fmt.Errorf("read shard %d: %w", i+1, err)
		}
	}
	return merge(parts)
}
