package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/markdown"
	"github.com/onebar/onebar/reports/outcome"
	"github.com/onebar/onebar/reports/tables"
)

// markdownRuns writes the totals, the table of runs, and for each run that is not a pass a
// part that folds out, with the first findings of each check and the command that runs just
// that scenario again. If not all runs are shown, those that are no pass come first.
func markdownRuns(d *markdown.Document, results []result.Result) {
	shown := slices.Clone(results)
	if len(shown) > markdown.MaxRows {
		slices.SortStableFunc(shown, func(a, b result.Result) int {
			switch a.Exit() {
			case b.Exit():
				return 0
			case result.Worst(a.Exit(), b.Exit()):
				return -1
			}
			return 1
		})
	}
	g := tables.Runs(shown)
	d.Add(fmt.Sprintf("### onebar: %s\n\n%s: %s. %s. %s.\n\n", outcome.Status(Exit(results)),
		harness.Plural(len(results), "scenario"), format.OrNone(strings.Join(counts(results), ", ")), sums(results), seeds(results)))
	d.Add(d.Table(g))
	for _, note := range tables.Notes(results, g) {
		d.Add("\n" + markdown.Escape(note) + "\n")
	}
	foldOutEnergy(d, results)
	for _, r := range shown {
		if r.Exit() != result.ExitPass {
			d.Lazy(func() string { return foldOut(d, r) })
		}
	}
}

// foldOutEnergy writes the part with what the radios did in each run.
func foldOutEnergy(d *markdown.Document, results []result.Result) {
	with := slices.DeleteFunc(slices.Clone(results), func(r result.Result) bool { return r.Energy == nil })
	if len(with) == 0 {
		return
	}
	var b strings.Builder
	for _, r := range with[:min(markdown.MaxRows, len(with))] {
		notes := append([]string{tables.Radio(r.Energy)}, tables.EnergyNotes(r.Energy)...)
		fmt.Fprintf(&b, "\n**%s**: %s\n\n", markdown.Escape(format.Title(r)), markdown.Escape(strings.Join(notes, "; ")))
		b.WriteString(d.Table(tables.Energy(r)))
	}
	d.Add(markdown.FoldOut("Energy", b.String()+d.More(len(with)-markdown.MaxRows)))
}

// foldOut returns the part of a run that is not a pass.
func foldOut(d *markdown.Document, r result.Result) string {
	var b strings.Builder
	if r.Scenario.Summary != "" {
		b.WriteString(markdown.Escape(r.Scenario.Summary) + "\n\n")
	}
	switch {
	case r.Error != "":
		b.WriteString(markdown.Item("not carried out", "", r.Error))
	case unexplained(r):
		b.WriteString(markdown.Item(r.Status.String(), "", nothingSays))
	}
	for _, note := range r.Notes {
		b.WriteString("- note: " + markdown.Escape(note) + "\n")
	}
	all := append(judgements(troubles(r.Verdicts), shownFindings), expectations(missed(r.Thresholds))...)
	for _, j := range all {
		b.WriteString(markdown.Item(j.name, j.status.String(), j.text, j.findings...))
	}
	listStories(&b, r.Stories)
	if len(r.Phases) > 0 {
		b.WriteString("\n" + d.Table(tables.Phases(r.Phases)) + "\n")
	}
	if r.HistoryFile != "" {
		b.WriteString("- history: " + markdown.Escape(r.HistoryFile) + "\n")
	}
	if r.Rerun != "" {
		b.WriteString("\nRun just this again:\n" + markdown.Shell(format.Clean(r.Rerun)))
	}
	return markdown.FoldOut(fmt.Sprintf("<b>%s</b> %s, %s", result.Word(r.Exit()), markdown.Escape(format.Title(r)), markdown.Escape(circumstances(r))), b.String())
}
