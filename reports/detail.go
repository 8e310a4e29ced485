package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// drawDetail writes everything that is known of one run below its line in the
// table.
func drawDetail(b *strings.Builder, s style, r harness.Result) {
	b.WriteByte('\n')
	if r.Scenario.Summary != "" {
		s.item(b, "", nil, clean(r.Scenario.Summary))
	}
	b.WriteString(s.paint(dim, origin(r)) + "\n")
	if r.Error != "" || unexplained(r) {
		b.WriteByte('\n')
		drawError(b, s, r)
	}
	if len(r.Verdicts) > 0 {
		section(b, s, "checks")
		drawVerdicts(b, s, r.Verdicts, harness.MaxFindings)
	}
	if len(r.Thresholds) > 0 {
		section(b, s, "expectations")
		drawThresholds(b, s, r.Thresholds)
	}
	drawFigures(b, s, r)
	drawPhases(b, s, r.Phases)
	drawFaults(b, s, r.Faults)
	if r.HistoryFile != "" || r.Rerun != "" {
		b.WriteByte('\n')
		drawPointers(b, s, r)
	}
}

// origin says with what, by which program and when the run was made.
func origin(r harness.Result) string {
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
func drawFigures(b *strings.Builder, s style, r harness.Result) {
	single := grid{heads: []heading{{}, {right: true}, {}}, indent: "  "}
	spread := grid{heads: []heading{{}}, indent: "  "}
	for _, f := range r.Figures {
		of, quantity, ok := strings.Cut(strings.TrimSuffix(f.Name, ")"), "(")
		switch {
		case r.Verdict(f.Name).Check != "":
		case ok:
			spread.set(clean(quantity), clean(of), figure(f))
		default:
			note := ""
			if r.Payload && f.Unit == harness.Bytes {
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

// drawPhases sets what the packets got beside what was asked of the links, a
// line a direction.
func drawPhases(b *strings.Builder, s style, phases []harness.PhaseStat) {
	if len(phases) == 0 {
		return
	}
	section(b, s, "phases")
	g := grid{indent: "  ", heads: []heading{
		{text: "phase"},
		{text: "from", right: true, drop: 3},
		{text: "to", right: true, drop: 2},
		{text: "dir"},
		{text: "packets", right: true, drop: 5},
		{text: "delay\nasked", right: true},
		{text: "delay\ngot", right: true},
		{text: "late", right: true, drop: 6},
		{text: "rate\nasked", right: true, drop: 1},
		{text: "peak\nrate", right: true, drop: 1},
		{text: "loss\nasked", right: true},
		{text: "loss\ngot", right: true},
		{text: "lost in\noutage", right: true, drop: 7},
		{text: "lost in\nqueue", right: true, drop: 8},
	}}
	for _, p := range phases {
		head := []cell{{text: clean(p.Name)}, {text: duration(p.From)}, {text: duration(p.To)}}
		g.rows = append(g.rows,
			append(head, realised(harness.Up, p.Profile.Up, p.OutageUp, p.Up)...),
			append([]cell{{}, {}, {}}, realised(harness.Down, p.Profile.Down, p.OutageDown, p.Down)...))
	}
	g.draw(b, s)
}

// realised is one direction of a phase, from its name on.
func realised(d harness.Direction, asked harness.Path, outage bool, r harness.Realised) []cell {
	text := []string{d.String(), count(r.Offered), spread(asked.Delay, asked.Jitter), none, none, "any", none, percent(asked.Loss.Mean()) + "%", none, count(r.Outage), count(r.Queue)}
	if r.Delivered > 0 {
		text[3], text[4] = spread(r.DelayMean, r.DelaySD), duration(r.LateMean)
		text[6] = scaled(r.PeakRate, "bit/s")
	}
	if asked.Rate > 0 {
		text[5] = scaled(float64(asked.Rate), "bit/s")
	}
	if outage {
		text[7] = "outage"
	}
	if r.Delivered+r.Lost > 0 {
		text[8] = percent(r.Loss()) + "%"
	}
	cells := make([]cell, len(text))
	for i, t := range text {
		cells[i] = cell{text: t}
		if t == none {
			cells[i].colour = dim
		}
	}
	return cells
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// spread writes a delay with its jitter or its standard deviation.
func spread(d, by time.Duration) string {
	if by == 0 {
		return duration(d)
	}
	return duration(d) + " ±" + duration(by)
}

func drawFaults(b *strings.Builder, s style, faults []harness.FaultStat) {
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
