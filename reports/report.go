package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/files"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
)

// Report writes itself to w, in one piece and to nothing else. It may be written
// again.
type Report func(w io.Writer) error

// Outcome is what a command has found, in the forms that the reports for files are made of.
// [Runs], [Swept], [Explored], [Examined], [Conformed] and [Unmade] return outcomes.
type Outcome struct {
	Began time.Time     // of the command, by the clock of the machine; zero is not known
	Took  time.Duration // of the command until now
	Room  int           // most bytes of a Markdown report; 0 is files.SummaryLimit
	See   string        // the file with everything, which a shortened report names; empty is the JSON report

	suites   func() []ci.Suite
	markdown func(*markdown.Document)
	document func() (any, error) // of JSON
}

// Format is a report of an outcome that goes to a file.
type Format struct {
	Flag   string // of the command line: it names the file
	Title  string // for people
	Report func(Outcome) Report
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
func JUnit(o Outcome) Report {
	return func(w io.Writer) error { return ci.JUnit(w, o.all()) }
}

// all returns the suites. Those that know no time have that of the command.
func (o Outcome) all() []ci.Suite {
	suites := o.suites()
	for i := range suites {
		if suites[i].Started.IsZero() {
			suites[i].Started, suites[i].Took = o.Began, o.Took
		}
	}
	return suites
}

// Annotations is the report of an outcome that makes GitHub show what is no pass beside the
// scenario files.
func Annotations(o Outcome) Report {
	return func(w io.Writer) error { return send(w, "annotations", ci.Annotations(o.all())) }
}

// Markdown is the report of an outcome for a CI's job summary, in GitHub's dialect. It is at
// most o.Room long and its tables have at most markdown.MaxRows rows.
func Markdown(o Outcome) Report {
	d := markdown.Document{Limit: files.SummaryLimit, See: "the JSON report"}
	if o.Room > 0 {
		d.Limit = o.Room
	}
	if o.See != "" {
		d.See = o.See
	}
	o.markdown(&d)
	return func(w io.Writer) error { return send(w, "Markdown", d.String()) }
}

// JSON is the report of an outcome for programs, indented and ended by a newline.
// docs/result.md is the reference. A figure that is not a finite number has no
// JSON form and is an error.
func JSON(o Outcome) Report {
	return func(w io.Writer) error {
		doc, err := o.document()
		if err != nil {
			return fmt.Errorf("write JSON report: %w", err)
		}
		return asJSON(doc)(w)
	}
}

func asJSON(data any) Report {
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

// statusOf names an exit code in a JSON report.
func statusOf(exit int) string { return strings.ToLower(result.Word(exit)) }

// drawn returns a report for people. It is drawn in the style of its writer.
func drawn(draw func(s format.Style) string) Report {
	return func(w io.Writer) error { return send(w, "console", draw(format.StyleOf(w))) }
}

// send writes a finished report in one piece.
func send(w io.Writer, what, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write %s report: %w", what, err)
	}
	return nil
}
