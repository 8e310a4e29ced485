package outcome

import (
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/markdown"
)

// NotFinished is the status of the JSON report of a command that has not finished.
const NotFinished = "not finished"

// Trouble is why a command has found out nothing about a file.
type Trouble struct {
	File string
	Line int // of the file; 0 is not known
	Text string
}

// Unmade is the outcome of a command that could not start. Its reports have the same form
// for every command: each file is a run that is broken.
func Unmade(onebar string, troubles []Trouble) Outcome {
	return unmade(Status(result.ExitBroken), onebar, troubles)
}

// Unfinished is the outcome of a command that has just begun. Its reports stand in the
// files until the command has others: if it is killed, they say so.
func Unfinished(command, onebar string, began time.Time, args []string) Outcome {
	if len(args) == 0 {
		args = []string{command}
	}
	var all []Trouble
	for _, a := range args {
		all = append(all, Trouble{File: a, Text: fmt.Sprintf("%s: %s began at %s and has not written its results: it still runs, or it was killed", NotFinished, command, began.UTC().Format(time.RFC3339))})
	}
	o := unmade(NotFinished, onebar, all)
	o.Began = began
	return o
}

func unmade(status, onebar string, troubles []Trouble) Outcome {
	return Outcome{
		Suites: func() (all []ci.Suite) {
			for _, t := range troubles {
				all = append(all, ci.Suite{
					Title: t.File, File: ci.Source(t.File), Properties: []ci.Property{{Name: "onebar", Value: onebar}},
					Cases: []ci.Case{{Name: "run", Broken: true, Message: t.Text, Line: t.Line}},
				})
			}
			return all
		},
		Markdown: func(d *markdown.Document) {
			d.Add(fmt.Sprintf("### onebar: %s\n\n", status))
			for _, t := range troubles[:min(markdown.MaxRows, len(troubles))] {
				lines := strings.Split(t.Text, "\n")
				d.Add(markdown.Item(t.File, "", lines[0], lines[1:]...))
			}
			d.Add(d.More(len(troubles) - markdown.MaxRows))
		},
		Document: func() (any, error) {
			doc := Runs{Version: result.Version, Status: status, Results: []result.Result{}}
			for _, t := range troubles {
				doc.Results = append(doc.Results, complete(result.Result{
					Version: result.Version, Onebar: onebar, Scenario: harness.Scenario{File: t.File}, Error: t.Text,
				}))
			}
			return doc, nil
		},
	}
}
