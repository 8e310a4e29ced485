package tables

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// scenarioColumn is where Runs shows the name, which may be cut.
const scenarioColumn = 1

// Runs is the table of the runs of a batch, a line each.
func Runs(results []result.Result) format.Grid {
	engine := format.Left("engine", func(r result.Result) string { return format.Clean(format.OrNone(r.Engine)) })
	engine.Drop = 6
	g := format.Table(results,
		format.Column[result.Result]{
			Heading: format.Heading{Text: "verdict"},
			Cell:    func(r result.Result) format.Cell { return format.Verdict(result.Word(r.Exit()), 0) },
		},
		format.Left("scenario", func(r result.Result) string { return format.Clean(format.Title(r)) }),
		format.Right("pay-\nments", 0, figure("payments")),
		format.Right("con-\nfirmed", 0, figure("confirmed")),
		outcome("de-\nclined", "declined"),
		outcome("ex-\npired", "expired"),
		outcome("failed", "failed"),
		outcome("un-\nknown", "unknown"),
		findings("lost", "lost"),
		findings("dupli-\ncated", "duplicated"),
		format.Right("p95\nconfirm", 1, figure("p95(confirm)")),
		format.Right("bytes a\npayment", 2, bytesAPayment),
		format.Right("joules a\npayment", 3, joulesAPayment).If(hasEnergy),
		format.Right("loss\nup/down", 4, loss),
		format.Right("asked\nup/down", 5, asked),
		engine)
	g.Shrink = scenarioColumn
	return g
}

func hasEnergy(r result.Result) bool { return r.Energy != nil }

// measured writes a figure, if there is one.
func measured(r result.Result, name string, text func(result.Figure) string) string {
	if f, ok := r.Figures.Get(name); ok {
		return text(f)
	}
	return format.None
}

// figure writes a figure with its unit.
func figure(name string) func(result.Result) string {
	return func(r result.Result) string { return measured(r, name, format.Figure) }
}

// outcome counts the payments that were not confirmed but ended so. If no run has one, there is
// no column.
func outcome(heading, name string) format.Column[result.Result] {
	return format.Right(heading, 0, figure(name)).If(func(r result.Result) bool {
		f, ok := r.Figures.Get(name)
		return ok && f.Value > 0
	})
}

// findings counts what a check has found.
func findings(heading, check string) format.Column[result.Result] {
	c := format.Right[result.Result](heading, 0, nil)
	c.Cell = func(r result.Result) format.Cell {
		switch v := r.Verdict(check); {
		case v.Check == "":
			return format.Dim.Cell(format.None)
		case v.Status == result.StatusUnknown:
			return format.Yellow.Cell(format.Unjudged)
		case v.Status == result.NotApplicable:
			return format.Yellow.Cell(v.Status.String())
		case v.Count > 0:
			return format.Red.Cell(strconv.Itoa(v.Count))
		}
		return format.Plain.Cell("0")
	}
	return c
}

// payloadMark stands behind bytes that are payload, without headers, ACKs and
// retransmissions; a note explains it.
const payloadMark = "*"

func bytesAPayment(r result.Result) string {
	return measured(r, "bytes_per_payment", func(f result.Figure) string {
		text := strconv.FormatFloat(f.Value, 'f', 0, 64)
		if r.Payload {
			text += payloadMark
		}
		return text
	})
}

// approximateMark stands before joules that were reckoned from chunks of a
// stream; a note explains it.
const approximateMark = "~"

func joulesAPayment(r result.Result) string {
	return measured(r, "joules_per_payment", func(f result.Figure) string {
		text := format.Significant(f.Value)
		if r.Energy != nil && r.Energy.Approximate {
			text = approximateMark + text
		}
		return text
	})
}

func loss(r result.Result) string {
	share := func(f result.Figure) string { return format.Brief(f.Value) }
	return upDown(measured(r, "loss_up", share), measured(r, "loss_down", share))
}

func asked(r result.Result) string {
	text := func(d harness.Direction) string {
		if share, packets := askedLoss(r.Phases, d); packets > 0 {
			return format.Brief(share)
		}
		return format.None
	}
	return upDown(text(harness.Up), text(harness.Down))
}

func upDown(up, down string) string {
	if up == format.None && down == format.None {
		return format.None
	}
	return up + "/" + down + "%"
}

// askedLoss returns the random loss that was asked of direction d over the
// whole run: the mean of its phases, each weighted by the packets it judged,
// which are those [result.Realised.Loss] counts. So it may be set beside the
// realised loss of the run. Without packets there is none.
func askedLoss(phases []result.PhaseStat, d harness.Direction) (share, packets float64) {
	var lost float64
	for _, p := range phases {
		if p.Link != "" {
			continue
		}
		got := p.Up
		if d == harness.Down {
			got = p.Down
		}
		n := float64(got.Delivered + got.Lost)
		lost += n * p.Profile.Path(d).Loss.Mean()
		packets += n
	}
	return lost / max(packets, 1), packets
}

// lossAsAsked says in how many runs the loss was what was asked of the links, by the check
// impairment; it is empty if no run has asked for any.
func lossAsAsked(results []result.Result) string {
	agree, few := 0, 0
	var others []string
	for _, r := range results {
		expected, any := 0.0, false
		for _, d := range []harness.Direction{harness.Up, harness.Down} {
			share, packets := askedLoss(r.Phases, d)
			expected, any = max(expected, share*packets), any || share > 0
		}
		switch {
		case !any:
		case r.Verdict("impairment").Status != result.Pass:
			others = append(others, format.Clean(format.Title(r)))
		case expected < 1:
			few++
		default:
			agree++
		}
	}
	var parts []string
	if agree > 0 {
		parts = append(parts, "as asked, within chance, in "+harness.Plural(agree, "run"))
	}
	if few > 0 {
		parts = append(parts, "too few packets to tell in "+harness.Plural(few, "run"))
	}
	if len(others) > 0 {
		parts = append(parts, "not shown to be as asked in "+strings.Join(others, ", ")+": see the check impairment")
	}
	if parts == nil {
		return ""
	}
	return "loss: " + strings.Join(parts, "; ")
}

// Notes explains what the table of the runs, Runs, does not: its marks, the joules, whether the
// loss was as asked, which checks are n/a, and which runs were made again.
func Notes(results []result.Result, runs format.Grid) []string {
	has := func(match func(string) bool) bool {
		return slices.ContainsFunc(runs.Rows, func(row []format.Cell) bool {
			return slices.ContainsFunc(row[scenarioColumn+1:], func(c format.Cell) bool { return match(c.Text) })
		})
	}
	var notes []string
	if has(func(t string) bool { return strings.HasSuffix(t, payloadMark) }) {
		notes = append(notes, payloadMark+" payload bytes: the toxiproxy engine sees no headers, ACKs or retransmissions")
	}
	if slices.ContainsFunc(results, hasEnergy) {
		notes = append(notes, "joules are "+comparative)
	}
	if has(func(t string) bool { return strings.HasPrefix(t, approximateMark) }) {
		notes = append(notes, approximateMark+" "+approximately)
	}
	var marks []string
	if has(func(t string) bool { return strings.Contains(t, format.None) }) {
		marks = append(marks, format.None+" not measured")
	}
	if has(func(t string) bool { return t == format.Unjudged }) {
		marks = append(marks, format.Unjudged+" could not be judged")
	}
	if len(marks) > 0 {
		notes = append(notes, strings.Join(marks, ", "))
	}
	if text := lossAsAsked(results); text != "" {
		notes = append(notes, text)
	}
	notes = append(notes, notJudged(results)...)
	for _, r := range results {
		if r.Again != "" {
			notes = append(notes, format.Clean(format.Title(r))+" was "+format.Again(r))
		}
	}
	return notes
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
			why := format.Clean(v.Summary)
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
			where = " in " + harness.Plural(runs[why], "run")
		}
		notes = append(notes, fmt.Sprintf("n/a, not judged%s: %s (%s)", where, format.Clean(strings.Join(checks[why], ", ")), why))
	}
	return notes
}
