package outcome

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
	"github.com/onebar/onebar/reports/tables"
)

// Compared is the outcome of a comparison. As a suite it has a case for the comparison itself,
// for each change and for what could not be compared.
func Compared(c result.Comparison) Outcome {
	return Outcome{
		Suites: func() []ci.Suite {
			s := ci.Suite{Title: "compare", Properties: []ci.Property{{Name: "onebar", Value: c.Onebar}}}
			status := map[result.ChangeKind]result.Status{result.Worse: result.Fail, result.Vanished: result.StatusUnknown}
			for _, change := range c.Changes {
				one := ci.Case{Name: strings.TrimSpace(change.Scenario + " " + change.Engine + " " + change.Figure), Status: result.Pass, Message: change.Kind.String() + ": " + tables.Difference(change)}
				if bad, ok := status[change.Kind]; ok {
					one.Status = bad
				}
				if change.Paired != nil {
					one.Detail = pointedAt("", "", change.Paired.Again)
				}
				s.Cases = append(s.Cases, one)
			}
			for _, u := range c.Unjudged {
				s.Cases = append(s.Cases, ci.Case{Name: u.Scenario + " " + u.Engine, Message: u.Text})
			}
			s.Cases = append([]ci.Case{wholeCase("compare", c.Exit(), s.Cases, ComparedSums(c))}, s.Cases...)
			return []ci.Suite{s}
		},
		Markdown: func(d *markdown.Document) {
			d.Add(fmt.Sprintf("### onebar compare: %s\n\n%s.\n\n", Status(c.Exit()), markdown.Escape(ComparedSums(c))))
			if len(c.Changes) > 0 {
				d.Add(d.Table(tables.Changes(c.Changes)) + "\n")
			}
			for _, u := range c.Unjudged {
				d.Add(markdown.Item("not compared", "", u.Scenario+" on "+u.Engine+": "+u.Text))
			}
			d.Add(markdown.Shell(format.Clean(Repeat(c))))
		},
		Document: func() (any, error) { return c, nil },
	}
}

// ComparedSums counts the figures of a comparison in a sentence.
func ComparedSums(c result.Comparison) string {
	var parts []string
	same := c.Figures
	for _, k := range []result.ChangeKind{result.Worse, result.Vanished, result.Changed, result.Better, result.New} {
		if n := c.Count(k); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	for _, change := range c.Changes {
		if change.Figure != "" {
			same--
		}
	}
	parts = append(parts, fmt.Sprintf("%d unchanged", same))
	text := fmt.Sprintf("%s of %s compared: %s", harness.Plural(c.Figures, "figure"), harness.Plural(c.Scenarios, "scenario"), strings.Join(parts, ", "))
	if c.Moved > 0 {
		text += fmt.Sprintf(" (of them, %d moved by 10 %% or more, which can be chance)", c.Moved)
	}
	return text
}

// Repeat returns the command that repeats the run with the worst change; empty is not known.
func Repeat(c result.Comparison) string {
	if len(c.Changes) > 0 && c.Changes[0].Paired != nil {
		return c.Changes[0].Paired.Again
	}
	return ""
}
