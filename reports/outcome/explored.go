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

// Exploration is the JSON form of an exploration.
type Exploration struct {
	Status string  `json:"status"`                       // pass, fail, unknown or broken
	Below  float64 `json:"failure_rate_below,omitempty"` // see result.Exploration.FailureRateBelow
	result.Exploration
}

// Explored is the outcome of an exploration. As a suite it has a case "explore" for the
// exploration itself, and one for each check or threshold that did not pass in a run. file
// is that of the scenario; it is empty if there are several.
func Explored(x result.Exploration, file string) Outcome {
	return Outcome{
		Suites: func() []ci.Suite {
			return []ci.Suite{{
				Title: strings.Join(x.Scenarios, ", "), File: ci.Source(file), Cases: explorationCases(x), Took: x.Took,
				Properties: []ci.Property{{Name: "first seed", Value: fmt.Sprint(x.First)}, {Name: "onebar", Value: x.Onebar}},
			}}
		},
		Markdown: func(d *markdown.Document) { markdownExploration(d, x) },
		Document: func() (any, error) {
			return Exploration{Status(x.Exit()), x.FailureRateBelow(), x}, nil
		},
	}
}

// explorationCases returns the cases of an exploration. They are a pass only if it is.
func explorationCases(x result.Exploration) []ci.Case {
	var all []ci.Case
	for _, c := range x.ByCheck {
		all = append(all, ci.Case{
			Name: c.Check, Status: c.Status, Broken: c.Check == result.Broken,
			Message: fmt.Sprintf("in %s of %d, first in %s: %s", harness.Plural(c.Runs, "run"), x.Runs, format.RunOf(c.First), c.First.Text),
			Detail:  pointedAt("", "", c.First.Again),
		})
	}
	all = append(all, canaryCases(x.Canary)...)
	return append([]ci.Case{Whole("explore", x.Exit(), all, strings.Join(explorationSums(x), "; "))}, all...)
}

// explorationSums says in a few sentences what an exploration has made.
func explorationSums(x result.Exploration) []string {
	all := []string{fmt.Sprintf("%s of %s: %d pass, %d fail, %d unknown, %d broken",
		harness.Plural(x.Runs, "run"), harness.Plural(len(x.Scenarios), "scenario"), x.Passed, x.Failed, x.Unknown, x.Broken)}
	if s := RateBelow(x); s != "" {
		all = append(all, s)
	}
	if x.Interrupted {
		all = append(all, "interrupted: what was asked for is not done")
	}
	if x.Canary != nil {
		all = append(all, x.Canary.Check+": "+x.Canary.Summary)
	}
	if left := x.Left(); left > 0 {
		all = append(all, fmt.Sprintf("not run: %d of %s", left, harness.Plural(x.Planned, "planned run")))
	}
	return all
}

// RateBelow says how often a run fails at most, or nothing if that is not known.
func RateBelow(x result.Exploration) string {
	bound := x.FailureRateBelow()
	if bound == 0 {
		return ""
	}
	share := ""
	if n := x.Judged(); x.Failures() == 0 && n >= result.LeastForThree {
		share = fmt.Sprintf("3/%d = ", n)
	}
	noun := "seed"
	if len(x.Scenarios) > 1 {
		noun = "run" // several have the same seed
	}
	return fmt.Sprintf("%s in %s: the failure rate is below %s%s at 95 %% confidence",
		harness.Plural(x.Failures(), "failure"), harness.Plural(x.Judged(), noun), share, format.Significant(bound))
}

func markdownExploration(d *markdown.Document, x result.Exploration) {
	d.Add(fmt.Sprintf("### onebar explore: %s\n\n%s. First seed %d, %s of virtual time in %s.\n\n", Status(x.Exit()),
		strings.Join(explorationSums(x), ". "), x.First, format.Duration(x.Virtual), format.Duration(x.Took)))
	if len(x.ByCheck) > 0 {
		d.Add(d.Table(tables.Checks(x)) + "\n")
	}
	for _, o := range x.Odd[:min(MaxFindings, len(x.Odd))] {
		summary := fmt.Sprintf("<b>%s</b> %s", result.WordOf(o.Check, o.Status), markdown.Escape(format.RunOf(o)))
		d.Add(markdown.FoldOut(summary, markdown.Item(o.Check, "", o.Text)+markdown.Shell(format.Clean(o.Again))))
	}
	d.Add(d.More(x.Failed + x.Unknown + x.Broken - min(MaxFindings, len(x.Odd))))
	reached := d.Table(tables.Reached(x))
	if never := x.Never(); len(never) > 0 {
		reached += "\n" + markdown.Item("never reached", "", strings.Join(never, ", "))
	}
	d.Add(markdown.FoldOut("Situations reached", reached))
}
