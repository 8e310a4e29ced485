package reports

import (
	"strconv"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// scenarioColumn is where runColumns shows the name, which may be cut.
const scenarioColumn = 1

// runColumns are the columns of the table of runs, on the console and in Markdown.
func runColumns() []column[result.Result] {
	return []column[result.Result]{
		{format.Heading{Text: "verdict"}, verdictCell, nil},
		{format.Heading{Text: "scenario"}, plain(func(r result.Result) string { return format.Clean(format.Title(r)) }), nil},
		{right("pay-\nments", 0), figureCell("payments"), nil},
		{right("con-\nfirmed", 0), figureCell("confirmed"), nil},
		{right("lost", 0), countCell("lost"), nil},
		{right("dupli-\ncated", 0), countCell("duplicated"), nil},
		{right("p95\nconfirm", 1), figureCell("p95(confirm)"), nil},
		{right("bytes a\npayment", 2), measuredCell("bytes_per_payment", bytesText), nil},
		{right("joules a\npayment", 3), measuredCell("joules_per_payment", joulesText), hasEnergy},
		{right("loss\nup/down", 4), lossCell, nil},
		{right("asked\nup/down", 5), askedCell, nil},
		{format.Heading{Text: "engine", Drop: 6}, plain(func(r result.Result) string { return format.Clean(format.OrNone(r.Engine)) }), nil},
	}
}

// runTable is the table of runs.
func runTable(results []result.Result) format.Grid {
	g := table(results, runColumns())
	g.Shrink = scenarioColumn
	return g
}

func hasEnergy(r result.Result) bool { return r.Energy != nil }

func verdictCell(r result.Result) format.Cell { return format.Verdict(format.Word(r.Exit()), 0) }

// measuredCell shows a figure as text writes it.
func measuredCell(name string, text func(result.Result, result.Figure) string) func(result.Result) format.Cell {
	return func(r result.Result) format.Cell {
		f, ok := r.Figures.Get(name)
		if !ok {
			return format.Dim.Cell(format.None)
		}
		return format.Plain.Cell(text(r, f))
	}
}

// figureCell shows a figure with its unit.
func figureCell(name string) func(result.Result) format.Cell {
	return measuredCell(name, func(_ result.Result, f result.Figure) string { return format.Figure(f) })
}

// countCell shows how many findings a check has.
func countCell(check string) func(result.Result) format.Cell {
	return func(r result.Result) format.Cell {
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
}

// payloadMark stands behind bytes that are payload, without headers, ACKs and
// retransmissions; a footnote explains it.
const payloadMark = "*"

func bytesText(r result.Result, f result.Figure) string {
	text := strconv.FormatFloat(f.Value, 'f', 0, 64)
	if r.Payload {
		text += payloadMark
	}
	return text
}

// approximateMark stands before joules that were reckoned from chunks of a
// stream; a footnote explains it.
const approximateMark = "~"

func joulesText(r result.Result, f result.Figure) string {
	text := format.Significant(f.Value)
	if r.Energy != nil && r.Energy.Approximate {
		text = approximateMark + text
	}
	return text
}

func lossCell(r result.Result) format.Cell {
	text := func(name string) string {
		if f, ok := r.Figures.Get(name); ok {
			return format.Brief(f.Value)
		}
		return format.None
	}
	return pairCell(text("loss_up"), text("loss_down"))
}

func askedCell(r result.Result) format.Cell {
	text := func(d harness.Direction) string {
		if share, ok := askedLoss(r.Phases, d); ok {
			return format.Brief(share)
		}
		return format.None
	}
	return pairCell(text(harness.Up), text(harness.Down))
}

func pairCell(up, down string) format.Cell {
	if up == format.None && down == format.None {
		return format.Dim.Cell(format.None)
	}
	return format.Plain.Cell(up + "/" + down + "%")
}

// askedLoss returns the random loss that was asked of direction d over the
// whole run: the mean of its phases, each weighted by the packets it judged,
// which are those [harness.Realised.Loss] counts. So it may be set beside the
// realised loss of the run.
func askedLoss(phases []result.PhaseStat, d harness.Direction) (share float64, ok bool) {
	var lost, packets float64
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
	if packets == 0 {
		return 0, false
	}
	return lost / packets, true
}
