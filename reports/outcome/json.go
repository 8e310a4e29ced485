package outcome

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/reports/format"
)

// Runs is the JSON form of a batch; docs/result.md is its reference.
type Runs struct {
	Version int             `json:"version"` // result.Version
	Status  string          `json:"status"`  // pass, fail, unknown or broken: the worst of the results; or NotFinished
	Results []result.Result `json:"results"`
	selection.Stamp
}

// RunsDocument returns the JSON form of runs, of which exit is the exit code.
func RunsDocument(results []result.Result, exit int) (Runs, error) {
	doc := Runs{
		Version: result.Version,
		Status:  Status(exit),
		Results: make([]result.Result, len(results)),
	}
	for i, r := range results {
		for _, f := range r.Figures {
			if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
				return Runs{}, fmt.Errorf("%s: figure %s is %v, which JSON cannot hold", format.Title(r), f.Name, f.Value)
			}
		}
		doc.Results[i] = complete(r)
	}
	return doc, nil
}

// complete returns a result with lists for those that are missing, so that a reader may
// loop over them without asking whether they are there.
func complete(r result.Result) result.Result {
	if r.Verdicts == nil {
		r.Verdicts = []result.Verdict{}
	}
	if r.Figures == nil {
		r.Figures = result.Figures{}
	}
	return r
}

// ReadJSON reads what JSON wrote. Keys it does not know are ignored, since a
// later onebar of the same version may add some. The report of a command that has not
// finished is an error. It returns no results with an error.
func ReadJSON(r io.Reader) ([]result.Result, error) {
	var doc Runs
	d := json.NewDecoder(r)
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read JSON report: %w", err)
	}
	if doc.Version != result.Version {
		return nil, fmt.Errorf("read JSON report: it is version %d, and this onebar reads version %d", doc.Version, result.Version)
	}
	if doc.Status == NotFinished {
		return nil, errors.New("read JSON report: the command that was to write it has not finished, or was killed")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON report: something follows the report: keep one report a file")
	}
	return doc.Results, nil
}
