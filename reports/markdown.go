package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/tables"
)

// Markdown is the report of the results for a CI's job summary, in GitHub's dialect: the
// totals, the table of runs, and for each run that is not a pass a part that
// folds out, with the first findings of each check and the command that runs
// just that scenario again.
func Markdown(results []result.Result) Report {
	return func(w io.Writer) error { return send(w, "Markdown", markdown(results)) }
}

func markdown(results []result.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### onebar: %s\n\n%s: %s. %s. %s.\n\n", strings.ToLower(result.Word(Exit(results))),
		harness.Plural(len(results), "scenario"), format.OrNone(strings.Join(counts(results), ", ")), sums(results), seeds(results))
	g := tables.Runs(results)
	markdownTable(&b, g)
	for _, note := range tables.Notes(results, g) {
		b.WriteString("\n" + escape(note) + "\n")
	}
	foldOutEnergy(&b, results)
	for _, r := range results {
		if r.Exit() != result.ExitPass {
			foldOut(&b, r)
		}
	}
	return b.String()
}

// markdownTable writes a table.
func markdownTable(b *strings.Builder, g format.Grid) {
	for _, h := range g.Heads {
		b.WriteString("| " + h.Flat() + " ")
	}
	b.WriteString("|\n")
	for _, h := range g.Heads {
		if h.Right {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, row := range g.Rows {
		for _, c := range row {
			b.WriteString("| " + escape(c.Text) + " ")
		}
		b.WriteString("|\n")
	}
}

// foldOutEnergy writes the part with what the radios did in each run.
func foldOutEnergy(b *strings.Builder, results []result.Result) {
	if !slices.ContainsFunc(results, func(r result.Result) bool { return r.Energy != nil }) {
		return
	}
	b.WriteString("\n<details><summary>Energy</summary>\n")
	for _, r := range results {
		if r.Energy == nil {
			continue
		}
		notes := append([]string{tables.Radio(r.Energy)}, tables.EnergyNotes(r.Energy)...)
		fmt.Fprintf(b, "\n**%s**: %s\n\n", escape(format.Title(r)), escape(strings.Join(notes, "; ")))
		markdownTable(b, tables.Energy(r))
	}
	b.WriteString("\n</details>\n")
}

// foldOut writes the part of a run that is not a pass.
func foldOut(b *strings.Builder, r result.Result) {
	// The blank lines end the HTML and let Markdown begin again.
	fmt.Fprintf(b, "\n<details><summary><b>%s</b> %s, %s</summary>\n\n",
		result.Word(r.Exit()), escape(format.Title(r)), escape(circumstances(r)))
	if r.Scenario.Summary != "" {
		b.WriteString(escape(r.Scenario.Summary) + "\n\n")
	}
	switch {
	case r.Error != "":
		b.WriteString("- **not carried out**: " + escape(r.Error) + "\n")
	case unexplained(r):
		b.WriteString("- **" + r.Status.String() + "**: " + nothingSays + "\n")
	}
	for _, note := range r.Notes {
		b.WriteString("- note: " + escape(note) + "\n")
	}
	all := append(judgements(troubles(r.Verdicts), shownFindings), expectations(missed(r.Thresholds))...)
	for _, j := range all {
		fmt.Fprintf(b, "- **%s** %s: %s\n", escape(j.name), j.status, escape(j.text))
		for _, f := range j.findings {
			b.WriteString("  - " + escape(f) + "\n")
		}
	}
	if len(r.Phases) > 0 {
		b.WriteString("\n")
		markdownTable(b, tables.Phases(r.Phases))
		b.WriteString("\n")
	}
	if r.HistoryFile != "" {
		b.WriteString("- history: " + escape(r.HistoryFile) + "\n")
	}
	if r.Rerun != "" {
		b.WriteString("\nRun just this again:\n\n" + fenced(format.Clean(r.Rerun)))
	}
	b.WriteString("\n</details>\n")
}

// escape cleans text, and makes it mean itself both in Markdown and in HTML. It uses
// character references, because a backslash is a backslash inside HTML and a
// reference never has a structural meaning (CommonMark 0.31 section 2.5).
func escape(text string) string {
	text = format.Clean(text)
	marker := listMarker(text)
	var b strings.Builder
	for i, r := range text {
		if i == marker || strings.ContainsRune("&<>|`*_[]\\~#@!$", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// listMarker returns where text has the sign that would make it a list item or
// a heading if it stood at the beginning of a line, as in "- " or "12. ", or -1.
func listMarker(text string) int {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	signs := "-+="
	if digits > 0 {
		signs = ".)"
	}
	sign, _, spaced := strings.Cut(text[digits:], " ")
	if spaced && sign != "" && strings.Trim(sign, signs) == "" {
		return digits
	}
	return -1
}

// fenced writes a code block whose fence is longer than any run of backticks in
// the text.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "sh\n" + text + "\n" + fence + "\n"
}
