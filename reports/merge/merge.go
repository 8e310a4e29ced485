// Package merge joins the JSON reports of the shards of a command to the report of one
// command that made all the runs.
package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/sweep"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/outcome"
)

// Merged is what the shards come to.
type Merged struct {
	Console reports.Report
	Outcome outcome.Outcome
	Exit    int // exit code of the one command
}

// report is what the reports of all commands have in common, and the keys that only one kind
// has.
type report struct {
	Status string `json:"status"`
	selection.Stamp
	Results json.RawMessage `json:"results"` // of runs
	Rows    json.RawMessage `json:"rows"`    // of a sweep
	Reached json.RawMessage `json:"reached"` // of an exploration
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

// Files reads the JSON reports of all shards and merges them. A file that is truncated, of a
// command that has not finished or not started, or of another kind than the others is an
// error; so are shards that are missing, given twice or not of the same runs, see
// selection.Whole.
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
		if err == nil {
			kind = r.kind()
		}
		errs = append(errs, err)
		texts, parts = append(texts, text), append(parts, selection.Part{File: path, Stamp: r.Stamp})
	}
	err := errors.Join(errs...)
	if err == nil {
		err = selection.Whole(parts)
	}
	if err != nil {
		return Merged{}, err
	}
	switch kind {
	case "explore":
		all, err := joined(texts, explore.Merge)
		return Merged{reports.Explore(all, false), outcome.Explored(all, ""), all.Exit()}, err
	case "sweep":
		all, err := joined(texts, sweep.Merge)
		return Merged{reports.Sweep(all), outcome.Swept(all), all.Exit()}, err
	}
	all, err := runs(texts, parts)
	return Merged{reports.Console(all), reports.RunsOf(all, selection.Stamp{Of: parts[0].Of}), reports.Exit(all)}, err
}

// runs returns the results of all shards, in the order of one command.
func runs(texts [][]byte, parts []selection.Part) ([]result.Result, error) {
	made := map[selection.Run]result.Result{}
	for i, p := range parts {
		results, err := outcome.ReadJSON(bytes.NewReader(texts[i]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
		for _, r := range results {
			made[selection.Run{Scenario: r.Scenario.Name, Seed: r.Seed}] = r
		}
		for _, run := range selection.Pick(*p.Shard, p.Of.Runs(), selection.Run.Compare) {
			if _, has := made[run]; !has {
				return nil, fmt.Errorf("%s lacks the run of %s with seed %d, which is one of shard %s", p.File, run.Scenario, run.Seed, p.Shard)
			}
		}
	}
	var all []result.Result
	for _, run := range parts[0].Of.Runs() {
		all = append(all, made[run])
	}
	if len(made) != len(all) {
		return nil, fmt.Errorf("the shards have %d runs, and %d were asked for", len(made), len(all))
	}
	return all, nil
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
	case r.Status == outcome.NotFinished:
		return nil, r, fmt.Errorf("%s: its command has not finished, or was killed: make the shard again", path)
	case r.Results != nil && r.Stamp == (selection.Stamp{}) && r.Status == strings.ToLower(result.Word(result.ExitBroken)):
		return nil, r, fmt.Errorf("%s: its command could not start: the file says why", path)
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
