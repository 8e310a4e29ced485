package reports

import (
	"fmt"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
	"github.com/onebar/onebar/reports/outcome"
)

// checkupDocument is the JSON form of a checkup.
type checkupDocument struct {
	Version int    `json:"version"` // result.CheckupVersion
	Status  string `json:"status"`  // pass, fail, unknown or broken
	result.Checkup
}

// Examined is the outcome of a checkup. As a suite it has the cases of the one payment, and
// one more for each thing that the scenario lacks. What must be changed is broken, if the
// scenario cannot be run without it; everything else is skipped.
func Examined(c result.Checkup) outcome.Outcome {
	return outcome.Outcome{
		Suites: func() []ci.Suite {
			s := suite(c.Result)
			for i, a := range c.Advice {
				one := ci.Case{Name: fmt.Sprintf("advice %d", i+1), Status: result.NotApplicable, Message: a.Text}
				if a.YAML != "" {
					one.Message += "\n" + a.YAML
				}
				one.Broken = a.Must && c.Unfit
				s.Cases = append(s.Cases, one)
			}
			if c.Exit() != result.ExitPass && !ci.Bad(s.Cases) {
				s.Cases[0].Broken, s.Cases[0].Message = true, concluded(c)
			}
			return []ci.Suite{s}
		},
		Markdown: func(d *markdown.Document) {
			d.Add(fmt.Sprintf("### onebar doctor: %s\n\n%s: %s.\n\n", outcome.Status(c.Exit()), markdown.Escape(format.Title(c.Result)), markdown.Escape(concluded(c))))
			for _, a := range c.Advice {
				mark := "note"
				if a.Must {
					mark = "MEND"
				}
				d.Add(markdown.Item(mark, "", a.Text) + markdown.Code("yaml", a.YAML))
			}
			if c.Result.Exit() != result.ExitPass {
				d.Add(foldOut(d, c.Result))
			}
		},
		Document: func() (any, error) {
			doc, err := outcome.RunsDocument([]result.Result{c.Result}, c.Exit())
			if err != nil {
				return nil, err
			}
			c.Result = doc.Results[0]
			return checkupDocument{result.CheckupVersion, outcome.Status(c.Exit()), c}, nil
		},
	}
}
