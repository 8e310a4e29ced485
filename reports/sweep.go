package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// Sweep is the report of a sweep for people: how many points there were, how the runs with
// each fault came out, and what was found wrong, the worst first. Columns that
// would be all zeros are left out.
func Sweep(sw result.Sweep) Report {
	return drawn(func(s style) string { return sweep(s, sw) })
}

// shownSweepFindings is how many findings a sweep's report shows at most.
const shownSweepFindings = 20

func sweep(s style, sw result.Sweep) string {
	var b strings.Builder
	var kinds []string
	for _, p := range sw.Points {
		kinds = append(kinds, fmt.Sprintf("%s %d", clean(p.Kind), p.N))
	}
	fmt.Fprintf(&b, "%s  %s\n", s.paint(bold, clean(sw.Scenario.Name)),
		s.paint(dim, fmt.Sprintf("%s, seed %d, %s engine", plural(sw.Scenario.Workload.Payments, "payment"), sw.Seed, clean(sw.Engine))))
	s.item(&b, "", []cell{{"points", dim}}, strings.Join(kinds, ", "))
	b.WriteByte('\n')
	drawSweepRows(&b, s, sw)
	for _, f := range sw.Findings[:min(len(sw.Findings), shownSweepFindings)] {
		drawSweepFinding(&b, s, f)
	}
	if more := len(sw.Findings) - shownSweepFindings; more > 0 {
		fmt.Fprintf(&b, "\nand %d more\n", more)
	}
	if sw.Interrupted {
		fmt.Fprintf(&b, "\n%s\n", s.paint(yellow, "interrupted: at least "+plural(sw.Rest, "planned run")+" not made"))
	}
	return b.String()
}

// drawSweepRows writes the table of faults.
func drawSweepRows(b *strings.Builder, s style, sw result.Sweep) {
	total := sw.Total()
	total.Fault = "all, in " + duration(sw.Took)
	columns := []struct {
		heading
		of     func(result.SweepRow) int
		colour colour
		always bool
	}{
		{heading{text: "runs", right: true}, func(r result.SweepRow) int { return r.Runs }, plain, true},
		{heading{text: "pass", right: true}, func(r result.SweepRow) int { return r.Passed }, green, true},
		{heading{text: "fail", right: true}, func(r result.SweepRow) int { return r.Failed }, red, true},
		{heading{text: "unknown", right: true}, func(r result.SweepRow) int { return r.Unknown }, yellow, false},
		{heading{text: "broken", right: true}, func(r result.SweepRow) int { return r.Broken }, magenta, false},
		{heading{text: "not\nreached", right: true}, func(r result.SweepRow) int { return r.Unreached }, yellow, true},
	}
	g := grid{heads: []heading{{text: "fault"}}}
	for _, c := range columns {
		if c.always || c.of(total) > 0 {
			g.heads = append(g.heads, c.heading)
		}
	}
	for _, r := range append(slices.Clone(sw.Rows), total) {
		row := []cell{{text: clean(r.Fault)}}
		for _, c := range columns {
			switch n := c.of(r); {
			case n > 0:
				row = append(row, cell{strconv.Itoa(n), c.colour})
			case c.always || c.of(total) > 0:
				row = append(row, cell{"0", dim})
			}
		}
		g.rows = append(g.rows, row)
	}
	g.draw(b, s)
}

// drawSweepFinding writes what one check found under one fault.
func drawSweepFinding(b *strings.Builder, s style, f result.SweepFinding) {
	w := strings.ToUpper(f.Status.String())
	if f.Check == result.Broken {
		w = word(result.ExitBroken)
	}
	fmt.Fprintf(b, "\n%s  %s  %s\n", s.paint(colourOf(w), w), s.paint(bold, clean(f.Fault)),
		clean(f.Check)+" in "+plural(f.Runs, "run"))
	s.item(b, "  ", nil, clean(f.Text))
	for _, where := range f.Where {
		if where == "" {
			continue
		}
		s.item(b, "  ", []cell{{"at     ", dim}}, clean(where))
	}
	if more := f.Runs - len(f.Where); more > 0 {
		s.item(b, "  ", []cell{{"       ", dim}}, fmt.Sprintf("and %d more", more))
	}
	for _, pointer := range []struct{ name, text string }{{"file   ", f.File}, {"history", f.History}, {"again  ", f.Again}} {
		if pointer.text != "" {
			fmt.Fprintf(b, "  %s  %s\n", s.paint(dim, pointer.name), clean(pointer.text))
		}
	}
}
