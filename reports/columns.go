package reports

import (
	"slices"
	"strconv"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// column is one column of the table of runs, on the console and in Markdown.
type column struct {
	heading
	cell func(result.Result) cell
}

// scenarioColumn is where columns shows the name, which may be cut.
const scenarioColumn = 1

// columns are the columns of the table of runs. That of the energy is there only
// if a run has any.
func columns(results []result.Result) []column {
	all := []column{
		{heading{text: "verdict"}, verdictCell},
		{heading{text: "scenario"}, func(r result.Result) cell { return cell{text: clean(title(r))} }},
		{heading{text: "pay-\nments", right: true}, figureCell("payments")},
		{heading{text: "con-\nfirmed", right: true}, figureCell("confirmed")},
		{heading{text: "lost", right: true}, countCell("lost")},
		{heading{text: "dupli-\ncated", right: true}, countCell("duplicated")},
		{heading{text: "p95\nconfirm", right: true, drop: 1}, figureCell("p95(confirm)")},
		{heading{text: "bytes a\npayment", right: true, drop: 2}, bytesCell},
		{heading{text: joulesHeading, right: true, drop: 3}, joulesCell},
		{heading{text: "loss\nup/down", right: true, drop: 4}, lossCell},
		{heading{text: "asked\nup/down", right: true, drop: 5}, askedCell},
		{heading{text: "engine", drop: 6}, func(r result.Result) cell { return cell{text: clean(orNone(r.Engine))} }},
	}
	if !anyEnergy(results) {
		all = slices.DeleteFunc(all, func(c column) bool { return c.text == joulesHeading })
	}
	return all
}

const joulesHeading = "joules a\npayment"

func anyEnergy(results []result.Result) bool {
	return slices.ContainsFunc(results, func(r result.Result) bool { return r.Energy != nil })
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func verdictCell(r result.Result) cell {
	w := word(r.Exit())
	return cell{w, colourOf(w)}
}

func colourOf(word string) colour {
	switch word {
	case "PASS":
		return green
	case "FAIL":
		return red
	case "BROKEN":
		return magenta
	case "N/A":
		return dim
	}
	return yellow
}

func figureCell(name string) func(result.Result) cell {
	return func(r result.Result) cell {
		f, ok := r.Figures.Get(name)
		if !ok {
			return cell{none, dim}
		}
		return cell{text: figure(f)}
	}
}

// countCell shows how many findings a check has.
func countCell(check string) func(result.Result) cell {
	return func(r result.Result) cell {
		switch v := r.Verdict(check); {
		case v.Check == "":
			return cell{none, dim}
		case v.Status == result.StatusUnknown:
			return cell{unjudged, yellow}
		case v.Status == result.NotApplicable:
			return cell{v.Status.String(), yellow}
		case v.Count > 0:
			return cell{strconv.Itoa(v.Count), red}
		}
		return cell{text: "0"}
	}
}

// payloadMark stands behind bytes that are payload, without headers, ACKs and
// retransmissions; a footnote explains it.
const payloadMark = "*"

func bytesCell(r result.Result) cell {
	f, ok := r.Figures.Get("bytes_per_payment")
	if !ok {
		return cell{none, dim}
	}
	text := strconv.FormatFloat(f.Value, 'f', 0, 64)
	if r.Payload {
		text += payloadMark
	}
	return cell{text: text}
}

// approximateMark stands before joules that were reckoned from chunks of a
// stream; a footnote explains it.
const approximateMark = "~"

func joulesCell(r result.Result) cell {
	f, ok := r.Figures.Get("joules_per_payment")
	if !ok {
		return cell{none, dim}
	}
	text := significant(f.Value)
	if r.Energy != nil && r.Energy.Approximate {
		text = approximateMark + text
	}
	return cell{text: text}
}

func lossCell(r result.Result) cell {
	text := func(name string) string {
		if f, ok := r.Figures.Get(name); ok {
			return brief(f.Value)
		}
		return none
	}
	return pairCell(text("loss_up"), text("loss_down"))
}

func askedCell(r result.Result) cell {
	text := func(d harness.Direction) string {
		if share, ok := askedLoss(r.Phases, d); ok {
			return brief(share)
		}
		return none
	}
	return pairCell(text(harness.Up), text(harness.Down))
}

func pairCell(up, down string) cell {
	if up == none && down == none {
		return cell{none, dim}
	}
	return cell{text: up + "/" + down + "%"}
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
