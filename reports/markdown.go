package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/onebar/onebar/harness"
)

// Markdown writes the results for a CI's job summary, in GitHub's dialect: the
// totals, the table of runs, and for each run that is not a pass a part that
// folds out, with the first findings of each check and the command that runs
// just that scenario again.
func Markdown(w io.Writer, results []harness.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### onebar: %s\n\n%s: %s. %s. %s.\n\n", strings.ToLower(word(Exit(results))),
		plural(len(results), "scenario"), orNone(strings.Join(tally(results), ", ")), sums(results), seeds(results))
	cols := columns()
	var rows [][]cell
	for _, c := range cols {
		b.WriteString("| " + c.flat() + " ")
	}
	b.WriteString("|\n")
	for _, c := range cols {
		if c.right {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, r := range results {
		row := make([]cell, len(cols))
		for i, c := range cols {
			row[i] = c.cell(r)
			b.WriteString("| " + escape(row[i].text) + " ")
		}
		b.WriteString("|\n")
		rows = append(rows, row)
	}
	for _, note := range footnotes(rows) {
		b.WriteString("\n" + escape(note) + "\n")
	}
	for _, r := range results {
		if r.Exit() != harness.ExitPass {
			foldOut(&b, r)
		}
	}
	return send(w, "Markdown", b.String())
}

// foldOut writes the part of a run that is not a pass.
func foldOut(b *strings.Builder, r harness.Result) {
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
	for _, v := range troubles(r.Verdicts) {
		foldOutVerdict(b, v)
	}
	for _, t := range r.Thresholds {
		if t.Status != harness.Pass {
			fmt.Fprintf(b, "- **%s** %s: %s\n", escape(clean(t.Text)), t.Status, escape(measured(t)))
		}
	}
	if r.HistoryFile != "" {
		b.WriteString("- history: " + escape(clean(r.HistoryFile)) + "\n")
	}
	if r.Rerun != "" {
		b.WriteString("\nRun just this again:\n\n" + fenced(clean(r.Rerun)))
	}
	b.WriteString("\n</details>\n")
}

func foldOutVerdict(b *strings.Builder, v harness.Verdict) {
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
