package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// document is the JSON form of a batch; docs/result.md is its reference.
type document struct {
	Version int             `json:"version"` // result.Version
	Status  string          `json:"status"`  // pass, fail, unknown or broken: the worst of the results
	Results []result.Result `json:"results"`
}

// JSON is the report of the results for programs, indented and ended by a newline.
// docs/result.md is the reference. A figure that is not a finite number has no
// JSON form and is an error.
func JSON(results []result.Result) Report {
	return func(w io.Writer) error {
		doc, err := documentOf(results)
		if err != nil {
			return fmt.Errorf("write JSON report: %w", err)
		}
		return AsJSON(doc)(w)
	}
}

func documentOf(results []result.Result) (document, error) {
	doc := document{
		Version: result.Version,
		Status:  strings.ToLower(result.Word(Exit(results))),
		Results: make([]result.Result, len(results)),
	}
	for i, r := range results {
		for _, f := range r.Figures {
			if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
				return document{}, fmt.Errorf("%s: figure %s is %v, which JSON cannot hold", format.Title(r), f.Name, f.Value)
			}
		}
		// A reader may loop over these without asking whether they are there.
		if r.Verdicts == nil {
			r.Verdicts = []result.Verdict{}
		}
		if r.Figures == nil {
			r.Figures = result.Figures{}
		}
		doc.Results[i] = r
	}
	return doc, nil
}

// AsJSON is a report for programs of a result.Sweep or a result.Exploration,
// indented and ended by a newline.
func AsJSON(data any) Report {
	return func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(data); err != nil {
			return fmt.Errorf("write JSON report: %w", err)
		}
		return nil
	}
}

// ReadJSON reads what JSON wrote. Keys it does not know are ignored, since a
// later onebar of the same version may add some. It returns no results with an
// error.
func ReadJSON(r io.Reader) ([]result.Result, error) {
	var doc document
	d := json.NewDecoder(r)
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read JSON report: %w", err)
	}
	if doc.Version != result.Version {
		return nil, fmt.Errorf("read JSON report: it is version %d, and this onebar reads version %d", doc.Version, result.Version)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON report: something follows the report: keep one report a file")
	}
	return doc.Results, nil
}
