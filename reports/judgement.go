package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// judgement is a verdict or a threshold as the reports show it. Its texts are those of the
// result: they may have come from outside.
type judgement struct {
	name     string // of the check; of a threshold its text
	status   result.Status
	text     string   // the summary; of a threshold what was measured
	findings []string // the first of them, and how many more there are
	line     int      // of the scenario file; 0 is not known
}

// shownFindings is how many findings of a check the overview of a batch shows.
const shownFindings = 3

// judgements shows verdicts with the first most findings of each.
func judgements(verdicts []result.Verdict, most int) []judgement {
	var all []judgement
	for _, v := range verdicts {
		j := judgement{name: v.Check, status: v.Status, text: v.Summary}
		for _, f := range v.Findings[:min(most, len(v.Findings))] {
			j.findings = append(j.findings, findingAt(f))
		}
		if more := v.Count - len(j.findings); more > 0 && len(j.findings) > 0 {
			j.findings = append(j.findings, fmt.Sprintf("and %d more", more))
		}
		all = append(all, j)
	}
	return all
}

// expectations shows thresholds.
func expectations(thresholds []result.Threshold) []judgement {
	var all []judgement
	for _, t := range thresholds {
		all = append(all, judgement{name: t.Text, status: t.Status, text: measured(t), line: t.Line})
	}
	return all
}

// missed returns the thresholds that are not a pass.
func missed(thresholds []result.Threshold) []result.Threshold {
	return slices.DeleteFunc(slices.Clone(thresholds), func(t result.Threshold) bool { return t.Status == result.Pass })
}

// troubles returns the verdicts that are not a pass, as an overview shows them:
// checks that say the same, such as that the run was interrupted, stand
// together, and a finding that only repeats the summary is left out.
func troubles(verdicts []result.Verdict) []result.Verdict {
	var list []result.Verdict
	names := map[int][]string{} // checks by their place in list
	for _, v := range verdicts {
		if v.Status == result.Pass || v.Status == result.NotApplicable {
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
			list[at].Check = harness.Plural(len(checks), "check")
			list[at].Summary += ": " + strings.Join(checks, ", ")
		}
	}
	return list
}

const nothingSays = "no check and no threshold says why: nothing was judged"

// unexplained reports whether r is not a pass, but neither an error nor a
// verdict nor a threshold says why.
func unexplained(r result.Result) bool {
	return r.Exit() != result.ExitPass && r.Error == "" && len(troubles(r.Verdicts))+len(missed(r.Thresholds)) == 0
}

// findingAt is the text of f, which names the payment in any case, with the lines of the
// history that show it.
func findingAt(f result.Finding) string {
	text := format.Clean(f.Text)
	if f.Payment != "" && !strings.Contains(f.Text, f.Payment) {
		text = format.Clean(f.Payment) + ": " + text
	}
	if at := lines(f.Lines); at != "" {
		text += " (history " + at + ")"
	}
	return text
}

// lines names lines of a history: "line 3" or "lines 3, 14".
func lines(at []int) string {
	if len(at) == 0 {
		return ""
	}
	text := make([]string, len(at))
	for i, n := range at {
		text[i] = strconv.Itoa(n)
	}
	noun := "line "
	if len(at) > 1 {
		noun = "lines "
	}
	return noun + strings.Join(text, ", ")
}

// measured says what a threshold got beside what it wanted.
func measured(t result.Threshold) string {
	text := "not measured"
	if t.Got.Name != "" {
		text = "got " + format.Figure(t.Got)
	}
	if t.Reason != "" {
		text += ": " + format.Clean(t.Reason)
	}
	if t.Line > 0 && t.Status != result.Pass {
		text += " (line " + strconv.Itoa(t.Line) + " of the scenario file)"
	}
	return text
}

// pointer names something to look at next: a file, or a command to run.
type pointer struct{ name, text string }

// pointers are where the history of a run is, and how to run its scenario again.
func pointers(r result.Result) []pointer {
	all := []pointer{{"history", r.HistoryFile}, {"again", r.Rerun}}
	return slices.DeleteFunc(all, func(p pointer) bool { return p.text == "" })
}
