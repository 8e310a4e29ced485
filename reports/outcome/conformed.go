package outcome

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
)

// Conformance is the JSON form of a conformance.
type Conformance struct {
	Status string `json:"status"` // pass, fail or unknown: the worst of the probes
	result.Conformance
}

// Conformed is the outcome of a conformance. As a suite it has a case for each probe.
func Conformed(c result.Conformance) Outcome {
	return Outcome{
		Suites: func() []ci.Suite {
			s := ci.Suite{Title: c.Scenario, File: ci.Source(c.File), Properties: []ci.Property{{Name: "onebar", Value: c.Onebar}}}
			for _, p := range c.Probes {
				s.Cases = append(s.Cases, ci.Case{Name: p.Name, Status: p.Status, Message: p.Seen, Detail: p.Title + "\nexpected: " + p.Expected + "\n"})
			}
			s.Cases = append([]ci.Case{Whole("conform", c.Exit(), s.Cases, harness.Plural(len(c.Probes), "probe"))}, s.Cases...)
			return []ci.Suite{s}
		},
		Markdown: func(d *markdown.Document) {
			d.Add(fmt.Sprintf("### onebar conform: %s\n\n%s\n\n", Status(c.Exit()), markdown.Escape(c.Scenario)))
			text := func(heading string, of func(result.Probe) string) format.Column[result.Probe] {
				return format.Left(heading, func(p result.Probe) string { return format.Clean(of(p)) })
			}
			d.Add(d.Table(format.Table(c.Probes,
				text("verdict", func(p result.Probe) string { return strings.ToUpper(p.Status.String()) }),
				text("probe", func(p result.Probe) string { return p.Name }),
				text("what was done", func(p result.Probe) string { return p.Title }),
				text("expected", func(p result.Probe) string { return p.Expected }),
				text("seen", func(p result.Probe) string { return p.Seen }))))
		},
		Document: func() (any, error) { return Conformance{Status(c.Exit()), c}, nil },
	}
}
