package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
)

// drawDetail writes everything that is known of one run below its line in the
// table.
func drawDetail(b *strings.Builder, s style, r result.Result) {
	b.WriteByte('\n')
	if r.Scenario.Summary != "" {
		s.item(b, "", nil, clean(r.Scenario.Summary))
	}
	b.WriteString(s.paint(dim, origin(r)) + "\n")
	if r.Error != "" || unexplained(r) || len(r.Notes) > 0 {
		b.WriteByte('\n')
		drawError(b, s, r)
	}
	if len(r.Verdicts) > 0 {
		section(b, s, "checks")
		drawVerdicts(b, s, r.Verdicts, result.MaxFindings)
	}
	if len(r.Thresholds) > 0 {
		section(b, s, "expectations")
		drawThresholds(b, s, r.Thresholds)
	}
	drawFigures(b, s, r)
	drawEnergy(b, s, r)
	drawPhases(b, s, r.Phases)
	drawFaults(b, s, r.Faults)
	if r.HistoryFile != "" || r.Rerun != "" {
		b.WriteByte('\n')
		drawPointers(b, s, r)
	}
	if r.Hash != "" {
		b.WriteString("  " + s.paint(dim, "sha256 ") + "  " + clean(r.Hash) + "\n")
	}
}

// origin says with what, by which program and when the run was made.
func origin(r result.Result) string {
	text := circumstances(r)
	if r.Onebar != "" {
		text += ", onebar " + clean(r.Onebar)
	}
	if !r.Started.IsZero() {
		text += ", started " + r.Started.Format(time.RFC3339)
	}
	return text
}

func section(b *strings.Builder, s style, name string) {
	b.WriteString("\n" + s.paint(bold, name) + "\n")
}

// drawFigures writes the figures a line each, and below them those of one
// quantity, such as p50(confirm) and p95(confirm), in one row. The counts that
// the checks have stated are left out.
func drawFigures(b *strings.Builder, s style, r result.Result) {
	single := grid{heads: []heading{{}, {right: true}, {}}, indent: "  "}
	spread := grid{heads: []heading{{}}, indent: "  "}
	for _, f := range r.Figures {
		of, quantity, ok := strings.Cut(strings.TrimSuffix(f.Name, ")"), "(")
		switch {
		case r.Verdict(f.Name).Check != "":
		case ok && !strings.HasPrefix(quantity, "phase:"):
			spread.set(clean(quantity), clean(of), figure(f))
		default:
			note := ""
			if r.Payload && f.Unit == result.Bytes {
				note = "payload, without headers, ACKs and retransmissions"
			}
			single.rows = append(single.rows, []cell{{text: clean(f.Name)}, {text: figure(f)}, {note, dim}})
		}
	}
	if len(single.rows)+len(spread.rows) == 0 {
		return
	}
	section(b, s, "figures")
	single.draw(b, s)
	if len(spread.rows) > 0 {
		b.WriteByte('\n')
		spread.draw(b, s)
	}
}

// set puts text into the row and the column of these names, which it makes
// where they are missing.
func (g *grid) set(row, column, text string) {
	x := slices.IndexFunc(g.heads, func(h heading) bool { return h.text == column })
	if x < 0 {
		x = len(g.heads)
		g.heads = append(g.heads, heading{text: column, right: true})
		for y := range g.rows {
			g.rows[y] = append(g.rows[y], cell{none, dim})
		}
	}
	y := slices.IndexFunc(g.rows, func(cells []cell) bool { return cells[0].text == row })
	if y < 0 {
		y = len(g.rows)
		g.rows = append(g.rows, slices.Repeat([]cell{{none, dim}}, len(g.heads)))
		g.rows[y][0] = cell{text: row}
	}
	g.rows[y][x] = cell{text: text}
}

func drawFaults(b *strings.Builder, s style, faults []result.FaultStat) {
	if len(faults) == 0 {
		return
	}
	section(b, s, "faults")
	g := grid{heads: []heading{{}, {right: true}, {right: true}, {}}, indent: "  "}
	for _, f := range faults {
		place := ""
		if f.Line > 0 {
			place = "line " + strconv.Itoa(f.Line) + " of the scenario file"
		}
		g.rows = append(g.rows, []cell{{text: f.Action.String()}, {text: plural(f.Times, "time")}, {text: plural(f.Hits, "hit")}, {place, dim}})
	}
	g.draw(b, s)
}
