package reports

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/tables"
)

// Console is the report of the results for people: a line a scenario, then for each run
// that is not a pass what failed, the first findings, what happened to the first payment
// that fails a check, where its history is and
// how to run just that scenario again, then the totals and the seed. A single
// result gets everything that is known of it instead. Columns that do not fit
// the terminal are left out, the engine first. Colours are used on a terminal
// only, and not if NO_COLOR is set.
func Console(results []result.Result) Report {
	return drawn(func(s format.Style) string { return console(s, results) })
}

func console(s format.Style, results []result.Result) string {
	var b strings.Builder
	drawRuns(&b, s, results)
	if len(results) == 1 {
		drawDetail(&b, s, results[0])
	} else {
		for _, r := range results {
			if r.Exit() != result.ExitPass {
				drawTrouble(&b, s, r)
			}
		}
		b.WriteByte('\n')
		drawTotals(&b, s, results)
	}
	return b.String()
}

func drawRuns(b *strings.Builder, s format.Style, results []result.Result) {
	g := tables.Runs(results)
	g.Draw(b, s)
	notes := tables.Notes(results, g)
	if out := g.LeftOut(s.Width); len(out) > 0 {
		notes = append(notes, fmt.Sprintf("no room in %d columns for: %s", s.Width, strings.Join(out, ", ")))
	}
	for _, note := range notes {
		var text strings.Builder
		s.Item(&text, "", nil, note)
		b.WriteString(s.Paint(format.Dim, strings.TrimSuffix(text.String(), "\n")) + "\n")
	}
}

// drawTrouble writes the block of a run that is not a pass.
func drawTrouble(b *strings.Builder, s format.Style, r result.Result) {
	fmt.Fprintf(b, "\n%s  %s  %s\n", s.PaintCell(format.Verdict(result.Word(r.Exit()), 0)), s.Paint(format.Bold, format.Clean(format.Title(r))), s.Paint(format.Dim, circumstances(r)))
	drawError(b, s, r)
	drawJudgements(b, s, judgements(troubles(r.Verdicts), shownFindings))
	drawJudgements(b, s, expectations(missed(r.Thresholds)))
	if shown := r.Stories[:min(shownStories, len(r.Stories))]; len(shown) > 0 {
		drawStories(b, s, "  ", shown)
		b.WriteByte('\n')
	}
	drawPointers(b, s, pointers(r)...)
}

// drawError says why the experiment broke, or why a run is not a pass although
// nothing it was judged by says so.
func drawError(b *strings.Builder, s format.Style, r result.Result) {
	if r.Error != "" {
		s.Item(b, "  ", []format.Cell{format.Magenta.Cell("not carried out")}, format.Clean(r.Error))
	} else if unexplained(r) {
		s.Item(b, "  ", []format.Cell{statusCell(r.Status, 0)}, nothingSays)
	}
	for _, note := range r.Notes {
		s.Item(b, "  ", []format.Cell{format.Dim.Cell("note")}, format.Clean(note))
	}
}

// statusCell shows a status in a column of the width n.
func statusCell(status result.Status, n int) format.Cell {
	return format.Verdict(strings.ToUpper(status.String()), n)
}

// drawJudgements writes a line for each judgement, and its findings below it.
func drawJudgements(b *strings.Builder, s format.Style, all []judgement) {
	status, name := 0, 0
	for _, j := range all {
		status = max(status, format.Width(j.status.String()))
		name = max(name, format.Width(format.Clean(j.name)))
	}
	for _, j := range all {
		s.Item(b, "  ", []format.Cell{statusCell(j.status, status), {Text: format.Pad(format.Clean(j.name), name, false)}}, format.Clean(j.text))
		for _, f := range j.findings {
			s.Item(b, "      ", nil, f)
		}
	}
}

// drawPointers writes the pointers that have a text.
func drawPointers(b *strings.Builder, s format.Style, all ...pointer) {
	for _, p := range all {
		if p.text != "" {
			fmt.Fprintf(b, "  %s  %s\n", s.Paint(format.Dim, format.Pad(p.name, len("history"), false)), format.Clean(p.text))
		}
	}
}

// circumstances names what a run was made with.
func circumstances(r result.Result) string {
	text := "seed " + strconv.FormatUint(r.Seed, 10)
	if r.Engine != "" {
		text += ", " + format.Clean(r.Engine) + " engine"
	}
	if r.Took > 0 {
		text += ", " + format.Duration(r.Took)
	}
	return text
}

// drawTotals writes the last lines of a batch.
func drawTotals(b *strings.Builder, s format.Style, results []result.Result) {
	var parts []string
	for _, t := range counts(results) {
		_, w, _ := strings.Cut(t, " ")
		parts = append(parts, s.Paint(format.ColourOf(strings.ToUpper(w)), t))
	}
	fmt.Fprintf(b, "%s: %s\n%s · %s\n", harness.Plural(len(results), "scenario"), format.OrNone(strings.Join(parts, ", ")), sums(results), seeds(results))
	for _, where := range histories(results) {
		b.WriteString("history of each run: " + format.Clean(where) + "\n")
	}
}

// histories says where the histories of the runs are, with NAME for the folder that has the
// name of a scenario.
func histories(results []result.Result) (all []string) {
	for _, r := range results {
		dir, file := filepath.Split(r.HistoryFile)
		if file == "history.jsonl" {
			file = filepath.Join("NAME", file)
			dir = filepath.Dir(filepath.Clean(dir))
		}
		if where := filepath.Join(dir, file); r.HistoryFile != "" && !slices.Contains(all, where) {
			all = append(all, where)
		}
	}
	return all
}

// counts says how many runs had each result: "12 pass", "1 fail".
func counts(results []result.Result) []string {
	words := map[string]int{}
	for _, r := range results {
		words[strings.ToLower(result.Word(r.Exit()))]++
	}
	var parts []string
	for _, w := range []string{"pass", "fail", "unknown", "broken"} {
		if n := words[w]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, w))
		}
	}
	return parts
}

// sums adds up payments and findings over the runs that know them.
func sums(results []result.Result) string {
	payments, known := 0.0, false
	for _, r := range results {
		if f, ok := r.Figures.Get("payments"); ok {
			payments, known = payments+f.Value, true
		}
	}
	text := format.None + " payments"
	if known {
		text = harness.Plural(int64(payments), "payment")
	}
	return text + ", " + sum(results, "lost") + ", " + sum(results, "duplicated")
}

// sum adds up the findings of a check, and says how many runs could not tell.
func sum(results []result.Result, check string) string {
	count, untold, never := 0, 0, 0
	for _, r := range results {
		v := r.Verdict(check)
		count += v.Count
		switch v.Status {
		case result.StatusUnknown:
			untold++
		case result.NotApplicable:
			untold++
			never++
		case result.Pass, result.Fail:
		}
	}
	switch {
	case untold == 0:
		return fmt.Sprintf("%d %s", count, check)
	case never == len(results):
		return check + " not judged"
	case untold == len(results):
		return format.Unjudged + " " + check
	}
	return fmt.Sprintf("%d %s (%s could not tell)", count, check, harness.Plural(untold, "run"))
}

// seeds names the seed of a batch, or its seeds where they differ.
func seeds(results []result.Result) string {
	var all []string
	for _, r := range results {
		if text := strconv.FormatUint(r.Seed, 10); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	switch len(all) {
	case 0:
		return "no seed"
	case 1:
		return "seed " + all[0]
	case 2, 3:
		return "seeds " + strings.Join(all, ", ")
	}
	return fmt.Sprintf("%d seeds", len(all))
}
