package reports

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
	"github.com/onebar/onebar/reports/outcome"
)

// Runs is the outcome of runs that were judged. As suites each has a case "run" for the
// experiment itself, one for each check and one for each threshold.
func Runs(results []result.Result) outcome.Outcome { return RunsOf(results, selection.Stamp{}) }

// RunsOf is Runs, of runs that are those of the stamp.
func RunsOf(results []result.Result, of selection.Stamp) outcome.Outcome {
	return outcome.Outcome{
		Suites: func() []ci.Suite {
			all := make([]ci.Suite, len(results))
			for i, r := range results {
				all[i] = suite(r)
			}
			return all
		},
		Markdown: func(d *markdown.Document) { markdownRuns(d, results) },
		Document: func() (any, error) {
			doc, err := outcome.RunsDocument(results, Exit(results))
			doc.Stamp = of
			return doc, err
		},
	}
}

func suite(r result.Result) ci.Suite {
	s := ci.Suite{
		Title: format.Title(r), File: ci.Source(r.Scenario.File), Started: r.Started, Took: r.Took,
		Properties: properties(r), Out: pointed(r),
	}
	if r.Wall != nil {
		s.Started, s.Took = r.Wall.Started, r.Wall.Took
	}
	s.Cases = append(s.Cases, runCase(r))
	s.Cases[0].Took = s.Took
	for _, j := range judgements(r.Verdicts, result.MaxFindings) {
		s.Cases = append(s.Cases, judgedCase(r, j, ""))
	}
	for _, j := range expectations(r.Thresholds) {
		s.Cases = append(s.Cases, judgedCase(r, j, "wanted "+j.name+", "))
	}
	return s
}

// runCase is the experiment itself.
func runCase(r result.Result) ci.Case {
	c := ci.Case{Name: "run", Status: result.Pass, Detail: pointed(r)}
	if r.Again != "" {
		c.Message = format.Again(r)
	}
	switch {
	case r.Error != "":
		c.Broken, c.Message = true, cmp.Or(r.Error, c.Message)
		c.Detail = "the experiment was not carried out\n" + c.Detail
	case unexplained(r):
		c.Status, c.Message = result.StatusUnknown, nothingSays
	}
	return c
}

// judgedCase is what a verdict or a threshold says. wanted stands before the text of a
// threshold that is not a pass; for a verdict it is empty. One that is not a pass has the
// stories of its payments.
func judgedCase(r result.Result, j judgement, wanted string) ci.Case {
	c := ci.Case{Name: j.name, Status: j.status, Message: j.text, Line: j.line, Detail: pointed(r)}
	if j.status == result.NotApplicable && wanted != "" {
		c.Status = result.StatusUnknown
	}
	if j.status != result.Pass {
		c.Message = wanted + j.text
		var told strings.Builder
		for _, t := range r.Stories {
			if wanted == "" && slices.Contains(t.Checks, j.name) {
				drawStories(&told, format.Style{}, "", []result.Story{t})
			}
		}
		c.Detail = ci.List(j.findings) + told.String() + c.Detail
	}
	return c
}

// pointed says where the history is and how to run the scenario again.
func pointed(r result.Result) (text string) {
	for _, p := range pointers(r) {
		text += p.name + ": " + p.text + "\n"
	}
	return text
}

func properties(r result.Result) (all []ci.Property) {
	add := func(name, value string) { all = append(all, ci.Property{Name: name, Value: value}) }
	add("seed", strconv.FormatUint(r.Seed, 10))
	add("engine", r.Engine)
	add("onebar", r.Onebar)
	add("payload", strconv.FormatBool(r.Payload))
	add("engine time", number(r.Took.Seconds())+" seconds") // virtual on sim
	if e := r.Energy; e != nil {
		add("radio", e.Model)
		for _, s := range e.States {
			add("time in "+s.Name, number(s.Time.Seconds())+" seconds")
			if e.Priced {
				add("energy in "+s.Name, number(s.Joules)+" joules")
			}
		}
	}
	for _, f := range r.Figures {
		value := number(f.Value)
		if f.Unit != result.Count && f.Unit != result.UnitUnknown {
			value += " " + f.Unit.String()
		}
		add(f.Name, value)
	}
	return all
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
