package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// Console is the report of the results for people: a line a scenario, then for each run
// that is not a pass what failed, the first findings, where its history is and
// how to run just that scenario again, then the totals and the seed. A single
// result gets everything that is known of it instead. Columns that do not fit
// the terminal are left out, the engine first. Colours are used on a terminal
// only, and not if NO_COLOR is set.
func Console(results []result.Result) Report {
	return drawn(func(s style) string { return console(s, results) })
}

func console(s style, results []result.Result) string {
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

func drawRuns(b *strings.Builder, s style, results []result.Result) {
	g := grid{shrink: scenarioColumn}
	cols := columns(results)
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
	g.draw(b, s)
	for _, note := range footnotes(results, g.rows) {
		b.WriteString(s.paint(dim, note) + "\n")
	}
}

// footnotes explains the marks that the rows contain, and the joules.
func footnotes(results []result.Result, rows [][]cell) []string {
	has := func(match func(string) bool) bool {
		return slices.ContainsFunc(rows, func(row []cell) bool {
			return slices.ContainsFunc(row[scenarioColumn+1:], func(c cell) bool { return match(c.text) })
		})
	}
	var notes []string
	if has(func(t string) bool { return strings.HasSuffix(t, payloadMark) }) {
		notes = append(notes, payloadMark+" payload bytes: the toxiproxy engine sees no headers, ACKs or retransmissions")
	}
	if anyEnergy(results) {
		notes = append(notes, "joules are "+comparative)
	}
	if has(func(t string) bool { return strings.HasPrefix(t, approximateMark) }) {
		notes = append(notes, approximateMark+" "+approximately)
	}
	var marks []string
	if has(func(t string) bool { return strings.Contains(t, none) }) {
		marks = append(marks, none+" not measured")
	}
	if has(func(t string) bool { return t == unjudged }) {
		marks = append(marks, unjudged+" could not be judged")
	}
	if len(marks) > 0 {
		notes = append(notes, strings.Join(marks, ", "))
	}
	return append(append(notes, notJudged(results)...), madeAgain(results)...)
}

// madeAgain says which runs were made a second time, and why.
func madeAgain(results []result.Result) []string {
	var notes []string
	for _, r := range results {
		if r.Again != "" {
			notes = append(notes, clean(title(r))+" was "+again(r))
		}
	}
	return notes
}

// again says that a run was made a second time, and why.
func again(r result.Result) string {
	return "made again, alone: the first time the machine was too busy (" + clean(r.Again) + ")"
}

// notJudged says which checks are n/a, why, and in how many of the runs.
func notJudged(results []result.Result) []string {
	var reasons []string
	checks, runs := map[string][]string{}, map[string]int{}
	for _, r := range results {
		told := map[string]bool{}
		for _, v := range r.Verdicts {
			if v.Status != result.NotApplicable {
				continue
			}
			why := clean(v.Summary)
			if !slices.Contains(reasons, why) {
				reasons = append(reasons, why)
			}
			if !slices.Contains(checks[why], v.Check) {
				checks[why] = append(checks[why], v.Check)
			}
			if !told[why] {
				told[why] = true
				runs[why]++
			}
		}
	}
	var notes []string
	for _, why := range reasons {
		where := ""
		if runs[why] < len(results) {
			where = " in " + plural(runs[why], "run")
		}
		notes = append(notes, fmt.Sprintf("n/a, not judged%s: %s (%s)", where, clean(strings.Join(checks[why], ", ")), why))
	}
	return notes
}

// shownFindings is how many findings of a check the overview of a batch shows.
const shownFindings = 3

// drawTrouble writes the block of a run that is not a pass.
func drawTrouble(b *strings.Builder, s style, r result.Result) {
	w := word(r.Exit())
	fmt.Fprintf(b, "\n%s  %s  %s\n", s.paint(colourOf(w), w), s.paint(bold, clean(title(r))), s.paint(dim, circumstances(r)))
	drawError(b, s, r)
	drawVerdicts(b, s, troubles(r.Verdicts), shownFindings)
	drawThresholds(b, s, slices.DeleteFunc(slices.Clone(r.Thresholds), thresholdPassed))
	drawPointers(b, s, r)
}

// troubles returns the verdicts that are not a pass, as an overview shows them:
// checks that say the same, such as that the run was interrupted, stand
// together, and a finding that only repeats the summary is left out.
func troubles(verdicts []result.Verdict) []result.Verdict {
	var list []result.Verdict
	names := map[int][]string{} // checks by their place in list
	for _, v := range verdicts {
		if verdictPassed(v) {
			continue
		}
		if len(v.Findings) == 1 && v.Findings[0].Text == v.Summary && v.Findings[0].Lines == nil {
			v.Findings = nil
		}
		at := slices.IndexFunc(list, func(o result.Verdict) bool {
			return o.Status == v.Status && o.Summary == v.Summary && len(o.Findings)+len(v.Findings) == 0
		})
		if at < 0 {
			at = len(list)
			list = append(list, v)
		}
		names[at] = append(names[at], v.Check)
	}
	for at, checks := range names {
		if len(checks) > 1 {
			list[at].Check = plural(len(checks), "check")
			list[at].Summary += ": " + strings.Join(checks, ", ")
		}
	}
	return list
}

// verdictPassed reports whether a verdict is none of the troubles of its run.
func verdictPassed(v result.Verdict) bool {
	return v.Status == result.Pass || v.Status == result.NotApplicable
}

func thresholdPassed(t result.Threshold) bool { return t.Status == result.Pass }

// drawError says why the experiment broke, or why a run is not a pass although
// nothing it was judged by says so.
func drawError(b *strings.Builder, s style, r result.Result) {
	if r.Error != "" {
		s.item(b, "  ", []cell{{"not carried out", magenta}}, clean(r.Error))
	} else if unexplained(r) {
		s.item(b, "  ", []cell{statusCell(r.Status, 0)}, nothingSays)
	}
	for _, note := range r.Notes {
		s.item(b, "  ", []cell{{"note", dim}}, clean(note))
	}
}

const nothingSays = "no check and no threshold says why: nothing was judged"

// unexplained reports whether r is not a pass, but neither an error nor a
// verdict nor a threshold says why.
func unexplained(r result.Result) bool {
	return r.Exit() != result.ExitPass && r.Error == "" &&
		!slices.ContainsFunc(r.Verdicts, func(v result.Verdict) bool { return !verdictPassed(v) }) &&
		!slices.ContainsFunc(r.Thresholds, func(t result.Threshold) bool { return !thresholdPassed(t) })
}

// statusCell shows a status in a column of the width n.
func statusCell(status result.Status, n int) cell {
	w := strings.ToUpper(status.String())
	return cell{pad(w, n, false), colourOf(w)}
}

// drawVerdicts writes verdicts with the first most findings of each.
func drawVerdicts(b *strings.Builder, s style, verdicts []result.Verdict, most int) {
	status, name := 0, 0
	for _, v := range verdicts {
		status = max(status, width(v.Status.String()))
		name = max(name, width(clean(v.Check)))
	}
	for _, v := range verdicts {
		s.item(b, "  ", []cell{statusCell(v.Status, status), {text: pad(clean(v.Check), name, false)}}, clean(v.Summary))
		shown := v.Findings[:min(most, len(v.Findings))]
		for _, f := range shown {
			s.item(b, "      ", nil, findingAt(f))
		}
		if more := v.Count - len(shown); more > 0 && len(shown) > 0 {
			s.item(b, "      ", nil, fmt.Sprintf("and %d more", more))
		}
	}
}

func drawThresholds(b *strings.Builder, s style, thresholds []result.Threshold) {
	status, name := 0, 0
	for _, t := range thresholds {
		status = max(status, width(t.Status.String()))
		name = max(name, width(clean(t.Text)))
	}
	for _, t := range thresholds {
		s.item(b, "  ", []cell{statusCell(t.Status, status), {text: pad(clean(t.Text), name, false)}}, measured(t))
	}
}

// findingAt is the text of f with the lines of the history that show it.
func findingAt(f result.Finding) string {
	if at := lines(f.Lines); at != "" {
		return finding(f) + " (history " + at + ")"
	}
	return finding(f)
}

// finding is the text of f, which names the payment in any case.
func finding(f result.Finding) string {
	text := clean(f.Text)
	if f.Payment != "" && !strings.Contains(f.Text, f.Payment) {
		return clean(f.Payment) + ": " + text
	}
	return text
}

// measured says what a threshold got beside what it wanted.
func measured(t result.Threshold) string {
	text := "got " + got(t)
	if t.Got.Name == "" {
		text = "not measured"
	}
	if t.Reason != "" {
		text += ": " + clean(t.Reason)
	}
	if t.Line > 0 && t.Status != result.Pass {
		text += " (line " + strconv.Itoa(t.Line) + " of the scenario file)"
	}
	return text
}

// circumstances names what a run was made with.
func circumstances(r result.Result) string {
	text := "seed " + strconv.FormatUint(r.Seed, 10)
	if r.Engine != "" {
		text += ", " + clean(r.Engine) + " engine"
	}
	if r.Took > 0 {
		text += ", " + duration(r.Took)
	}
	return text
}

func drawPointers(b *strings.Builder, s style, r result.Result) {
	if r.HistoryFile != "" {
		fmt.Fprintf(b, "  %s  %s\n", s.paint(dim, "history"), clean(r.HistoryFile))
	}
	if r.Rerun != "" {
		fmt.Fprintf(b, "  %s  %s\n", s.paint(dim, "again  "), clean(r.Rerun))
	}
}

// drawTotals writes the last lines of a batch.
func drawTotals(b *strings.Builder, s style, results []result.Result) {
	var parts []string
	for _, t := range tally(results) {
		_, w, _ := strings.Cut(t, " ")
		parts = append(parts, s.paint(colourOf(strings.ToUpper(w)), t))
	}
	fmt.Fprintf(b, "%s: %s\n%s · %s\n", plural(len(results), "scenario"), orNone(strings.Join(parts, ", ")), sums(results), seeds(results))
}

// tally counts the runs by how they came out: "12 pass", "1 fail".
func tally(results []result.Result) []string {
	words := map[string]int{}
	for _, r := range results {
		words[strings.ToLower(word(r.Exit()))]++
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
	text := none
	if known {
		text = strconv.FormatFloat(payments, 'f', 0, 64)
	}
	return text + " payments, " + sum(results, "lost") + ", " + sum(results, "duplicated")
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
		return unjudged + " " + check
	}
	return fmt.Sprintf("%d %s (%s could not tell)", count, check, plural(untold, "run"))
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
