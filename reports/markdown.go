package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/onebar/onebar/harness/result"
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
	fmt.Fprintf(&b, "### onebar: %s\n\n%s: %s. %s. %s.\n\n", strings.ToLower(word(Exit(results))),
		plural(len(results), "scenario"), orNone(strings.Join(tally(results), ", ")), sums(results), seeds(results))
	cols := columns(results)
	var g grid
	for _, c := range cols {
		g.heads = append(g.heads, c.heading)
	}
	for _, r := range results {
		row := make([]cell, len(cols))
		for i, c := range cols {
			row[i] = c.cell(r)
		}
		g.rows = append(g.rows, row)
	}
	g.markdown(&b)
	for _, note := range footnotes(results, g.rows) {
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

// markdown writes the grid as a table.
func (g grid) markdown(b *strings.Builder) {
	for _, h := range g.heads {
		b.WriteString("| " + h.flat() + " ")
	}
	b.WriteString("|\n")
	for _, h := range g.heads {
		if h.right {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, row := range g.rows {
		for _, c := range row {
			b.WriteString("| " + escape(c.text) + " ")
		}
		b.WriteString("|\n")
	}
}

// foldOutEnergy writes the part with what the radios did in each run.
func foldOutEnergy(b *strings.Builder, results []result.Result) {
	if !anyEnergy(results) {
		return
	}
	b.WriteString("\n<details><summary>Energy</summary>\n")
	for _, r := range results {
		if r.Energy == nil {
			continue
		}
		notes := append([]string{radioOf(r.Energy)}, energyNotes(r.Energy)...)
		fmt.Fprintf(b, "\n**%s**: %s\n\n", escape(clean(title(r))), escape(strings.Join(notes, "; ")))
		energyGrid(r).markdown(b)
	}
	b.WriteString("\n</details>\n")
}

// foldOut writes the part of a run that is not a pass.
func foldOut(b *strings.Builder, r result.Result) {
	// The blank lines end the HTML and let Markdown begin again.
	fmt.Fprintf(b, "\n<details><summary><b>%s</b> %s, %s</summary>\n\n",
		word(r.Exit()), escape(clean(title(r))), escape(circumstances(r)))
	if r.Scenario.Summary != "" {
		b.WriteString(escape(clean(r.Scenario.Summary)) + "\n\n")
	}
	switch {
	case r.Error != "":
		b.WriteString("- **not carried out**: " + escape(clean(r.Error)) + "\n")
	case unexplained(r):
		b.WriteString("- **" + r.Status.String() + "**: " + nothingSays + "\n")
	}
	for _, note := range r.Notes {
		b.WriteString("- note: " + escape(clean(note)) + "\n")
	}
	for _, v := range troubles(r.Verdicts) {
		foldOutVerdict(b, v)
	}
	for _, t := range r.Thresholds {
		if t.Status != result.Pass {
			fmt.Fprintf(b, "- **%s** %s: %s\n", escape(clean(t.Text)), t.Status, escape(measured(t)))
		}
	}
	if len(r.Phases) > 0 {
		b.WriteString("\n")
		phaseGrid(r.Phases).markdown(b)
		b.WriteString("\n")
	}
	if r.HistoryFile != "" {
		b.WriteString("- history: " + escape(clean(r.HistoryFile)) + "\n")
	}
	if r.Rerun != "" {
		b.WriteString("\nRun just this again:\n\n" + fenced(clean(r.Rerun)))
	}
	b.WriteString("\n</details>\n")
}

func foldOutVerdict(b *strings.Builder, v result.Verdict) {
	fmt.Fprintf(b, "- **%s** %s: %s\n", escape(clean(v.Check)), v.Status, escape(clean(v.Summary)))
	shown := v.Findings[:min(shownFindings, len(v.Findings))]
	for _, f := range shown {
		b.WriteString("  - " + escape(findingAt(f)) + "\n")
	}
	if more := v.Count - len(shown); more > 0 && len(shown) > 0 {
		fmt.Fprintf(b, "  - and %d more\n", more)
	}
}

// escape makes text mean itself both in Markdown and in HTML. It uses
// character references, because a backslash is a backslash inside HTML and a
// reference never has a structural meaning (CommonMark 0.31 section 2.5).
func escape(text string) string {
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
