// Package outcome writes what a command has found to files, for a CI and for programs: an
// [Outcome] becomes JUnit XML, JSON (docs/result.md) or Markdown, by one list of [Formats]
// for all commands.
package outcome

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/files"
	"github.com/onebar/onebar/reports/markdown"
)

// Outcome is what a command has found, in the forms that the reports are made of. [Swept],
// [Explored], [Conformed], [Unmade] and [Unfinished] return outcomes; those of runs and
// checkups are made by package reports.
type Outcome struct {
	Began time.Time     // of the command, by the clock of the machine; zero is not known
	Took  time.Duration // of the command until now
	Room  int           // most bytes of a Markdown report, above 0; 0 is files.SummaryLimit
	See   string        // the file with everything, which a shortened report names; empty is the JSON report

	Suites   func() []ci.Suite
	Markdown func(*markdown.Document)
	Document func() (any, error) // of JSON
}

// With returns an outcome that has another one, too. Its JSON is that of o alone.
func (o Outcome) With(other Outcome) Outcome {
	both := o
	both.Suites = func() []ci.Suite { return append(o.Suites(), other.Suites()...) }
	both.Markdown = func(d *markdown.Document) {
		other.Markdown(d) // what is shorter comes first
		d.Add("\n")
		o.Markdown(d)
	}
	return both
}

// Writer writes a report to w, in one piece and to nothing else. It may be called again.
type Writer = func(w io.Writer) error

// Format is a report of an outcome that goes to a file.
type Format struct {
	Flag   string // of the command line: it names the file
	Title  string // for people
	Report func(Outcome) Writer
}

// Formats returns the formats. To add one, add a line: the commands that make or judge
// runs have its flag then.
func Formats() []Format {
	return []Format{
		{"junit", "JUnit XML", JUnit},
		{JSONFlag, "JSON", JSON},
		{"markdown", "Markdown", Markdown},
	}
}

// JSONFlag is the Flag of the format that has everything.
const JSONFlag = "json"

// JUnit is the report of an outcome as JUnit XML, for a CI's test view.
func JUnit(o Outcome) Writer {
	return func(w io.Writer) error { return ci.JUnit(w, o.All()) }
}

// All returns the suites. Those that know no time have that of the command; shards that are
// joined took longer than the command that joins them.
func (o Outcome) All() []ci.Suite {
	suites := o.Suites()
	for i := range suites {
		if suites[i].Started.IsZero() {
			suites[i].Started, suites[i].Took = o.Began, max(suites[i].Took, o.Took)
		}
	}
	return suites
}

// Annotations is the report of an outcome that makes GitHub show what is no pass beside the
// scenario files.
func Annotations(o Outcome) Writer {
	return func(w io.Writer) error { return send(w, "annotations", ci.Annotations(o.All())) }
}

// Markdown is the report of an outcome for a CI's job summary, in GitHub's dialect. It is at
// most o.Room long and its tables have at most markdown.MaxRows rows.
func Markdown(o Outcome) Writer {
	d := markdown.Document{Limit: files.SummaryLimit, See: "the JSON report"}
	if o.Room > 0 {
		d.Limit = o.Room
	}
	if o.See != "" {
		d.See = o.See
	}
	o.Markdown(&d)
	return func(w io.Writer) error { return send(w, "Markdown", d.String()) }
}

// JSON is the report of an outcome for programs, indented and ended by a newline.
// docs/result.md is the reference. A figure that is not a finite number has no
// JSON form and is an error.
func JSON(o Outcome) Writer {
	return func(w io.Writer) error {
		doc, err := o.Document()
		if err != nil {
			return fmt.Errorf("write JSON report: %w", err)
		}
		return AsJSON(doc)(w)
	}
}

// AsJSON is a report that writes data as JSON writes a document.
func AsJSON(data any) Writer {
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

// Status names an exit code in a JSON report.
func Status(exit int) string { return strings.ToLower(result.Word(exit)) }

// send writes a finished report in one piece.
func send(w io.Writer, what, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write %s report: %w", what, err)
	}
	return nil
}
