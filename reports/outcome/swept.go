package outcome

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
	"github.com/onebar/onebar/reports/tables"
)

// Sweep is the JSON form of a sweep.
type Sweep struct {
	Status string `json:"status"` // pass, fail, unknown or broken
	result.Sweep
}

// Swept is the outcome of a sweep. As a suite it has a case "sweep" for the sweep itself, one
// for each fault.
func Swept(sw result.Sweep) Outcome {
	return Outcome{
		Suites: func() []ci.Suite {
			return []ci.Suite{{
				Title: sw.Scenario.Name, File: ci.Source(sw.Scenario.File), Cases: sweepCases(sw), Took: sw.Took,
				Properties: []ci.Property{{Name: "seed", Value: fmt.Sprint(sw.Seed)}, {Name: "engine", Value: sw.Engine}},
			}}
		},
		Markdown: func(d *markdown.Document) { markdownSweep(d, sw) },
		Document: func() (any, error) { return Sweep{Status(sw.Exit()), sw}, nil },
	}
}

// sweepCases returns the cases of a sweep. They are a pass only if it is.
func sweepCases(sw result.Sweep) []ci.Case {
	var all []ci.Case
	for _, r := range sw.Rows {
		all = append(all, rowCase(r))
	}
	for _, f := range sw.Findings {
		at := slices.IndexFunc(all, func(c ci.Case) bool { return c.Name == f.Fault })
		if at < 0 {
			at = len(all)
			all = append(all, ci.Case{Name: f.Fault, Status: result.Pass})
		}
		c := &all[at]
		c.Status, c.Broken = c.Status.Worse(f.Status), c.Broken || f.Check == result.Broken
		text := f.Check + " in " + harness.Plural(f.Runs, "run") + ": " + f.Text
		c.Message = strings.TrimPrefix(c.Message+"; "+text, "; ")
		c.Detail += f.Check + ":\n" + ci.List(where(f)) + pointedAt(f.File, f.History, f.Again)
	}
	all = append(all, canaryCases(sw.Canary)...)
	return append([]ci.Case{Whole("sweep", sw.Exit(), all, sweepSums(sw))}, all...)
}

// canaryCases is a case that says whether a planted bug was found, if one was planted.
func canaryCases(v *result.Verdict) []ci.Case {
	if v == nil {
		return nil
	}
	return []ci.Case{{Name: v.Check, Status: v.Status, Message: v.Summary}}
}

// rowCase is the case of a fault, without what was found.
func rowCase(r result.SweepRow) ci.Case {
	c := ci.Case{Name: r.Fault, Status: result.Pass, Message: fmt.Sprintf("%d of %s passed", r.Passed, harness.Plural(r.Runs, "run"))}
	could := r.Runs
	if r.Unreached > 0 {
		c.Message += fmt.Sprintf("; in %d the fault did not come", r.Unreached)
	}
	if r.Pairs {
		could -= r.Unreached
	}
	if r.Passed < could {
		c.Status = result.StatusUnknown // a finding may say more
	}
	return c
}

// Whole is the case for all that a command has found, beside the others. It is unknown if
// exit is no pass, but each of the others is, or if the command was interrupted.
func Whole(name string, exit int, others []ci.Case, text string) ci.Case {
	c := ci.Case{Name: name, Status: result.Pass, Message: text}
	if exit != result.ExitPass && (len(others) == 0 || !ci.Bad(others)) || exit == result.ExitInterrupted {
		c.Status = result.StatusUnknown
	}
	return c
}

// where names the points of a finding, and says how many more there are.
func where(f result.SweepFinding) (all []string) {
	for _, w := range f.Where {
		if w != "" {
			all = append(all, "at "+w)
		}
	}
	if more := f.Runs - len(f.Where); more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return all
}

// pointedAt says where the files of a run are, and how to make it again.
func pointedAt(file, history, again string) (text string) {
	for _, p := range [][2]string{{"file", file}, {"history", history}, {"again", again}} {
		if p[1] != "" {
			text += p[0] + ": " + p[1] + "\n"
		}
	}
	return text
}

// sweepSums says in a sentence what a sweep has made and what it has not.
func sweepSums(sw result.Sweep) string {
	t := sw.Total()
	text := fmt.Sprintf("%s: %d pass, %d fail, %d unknown, %d broken, %d in which the fault did not come",
		harness.Plural(t.Runs, "run"), t.Passed, t.Failed, t.Unknown, t.Broken, t.Unreached)
	if sw.Left > 0 {
		text += "; " + harness.Plural(sw.Left, "pair") + " of faults left out (--limit)"
	}
	if sw.Canary != nil {
		text += "; " + sw.Canary.Check + ": " + sw.Canary.Summary
	}
	switch {
	case sw.Interrupted:
		text += "; interrupted: at least " + harness.Plural(sw.Rest, "planned run") + " not made"
	case sw.Rest > 0:
		text += "; not run: " + harness.Plural(sw.Rest, "planned run")
	}
	return text
}

// MaxFindings is how many findings of a sweep, or odd runs of an exploration, a report for
// people shows.
const MaxFindings = 20

func markdownSweep(d *markdown.Document, sw result.Sweep) {
	d.Add(fmt.Sprintf("### onebar sweep: %s\n\n%s, %s, seed %d, %s engine. %s.\n\n", Status(sw.Exit()), markdown.Escape(sw.Scenario.Name),
		harness.Plural(sw.Scenario.Workload.Payments, "payment"), sw.Seed, markdown.Escape(sw.Engine), sweepSums(sw)))
	d.Add(d.Table(tables.Sweep(sw)))
	for _, note := range sw.Notes {
		d.Add("\n" + markdown.Escape(note) + "\n")
	}
	for _, f := range sw.Findings[:min(len(sw.Findings), MaxFindings)] {
		summary := fmt.Sprintf("<b>%s</b> %s: %s in %s", result.WordOf(f.Check, f.Status), markdown.Escape(f.Fault), markdown.Escape(f.Check), harness.Plural(f.Runs, "run"))
		d.Add(markdown.FoldOut(summary, markdown.Item(f.Check, "", f.Text, where(f)...)+markdown.Shell(format.Clean(f.Again))))
	}
	d.Add(d.More(len(sw.Findings) - MaxFindings))
}
