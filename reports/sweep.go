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

// Sweep is the report of a sweep for people: how many points there were, how the runs with
// each fault came out, and what was found wrong, the worst first. Columns that
// would be all zeros are left out.
func Sweep(sw result.Sweep) Report {
	return drawn(func(s format.Style) string { return sweep(s, sw) })
}

// shownSweepFindings is how many findings a sweep's report shows at most.
const shownSweepFindings = 20

func sweep(s format.Style, sw result.Sweep) string {
	var b strings.Builder
	var kinds []string
	for _, p := range sw.Points {
		kinds = append(kinds, fmt.Sprintf("%s %d", format.Clean(p.Kind), p.N))
	}
	fmt.Fprintf(&b, "%s  %s\n", s.Paint(format.Bold, format.Clean(sw.Scenario.Name)),
		s.Paint(format.Dim, fmt.Sprintf("%s, seed %d, %s engine", harness.Plural(sw.Scenario.Workload.Payments, "payment"), sw.Seed, format.Clean(sw.Engine))))
	s.Item(&b, "", []format.Cell{format.Dim.Cell("points")}, strings.Join(kinds, ", "))
	for _, note := range sw.Notes {
		s.Item(&b, "", []format.Cell{format.Dim.Cell("note  ")}, format.Clean(note))
	}
	b.WriteByte('\n')
	sweepRows(sw).Draw(&b, s)
	for _, f := range sw.Findings[:min(len(sw.Findings), shownSweepFindings)] {
		drawSweepFinding(&b, s, f)
	}
	if more := len(sw.Findings) - shownSweepFindings; more > 0 {
		fmt.Fprintf(&b, "\nand %d more\n", more)
	}
	if sw.Left > 0 {
		fmt.Fprintf(&b, "\n%s\n", s.Paint(format.Yellow, harness.Plural(sw.Left, "pair")+" of faults left out (--limit); those made were the most likely to show something"))
	}
	switch {
	case sw.Interrupted:
		fmt.Fprintf(&b, "\n%s\n", s.Paint(format.Yellow, "interrupted: at least "+harness.Plural(sw.Rest, "planned run")+" not made"))
	case sw.Rest > 0:
		fmt.Fprintf(&b, "\n%s\n", s.Paint(format.Yellow, "not run: "+harness.Plural(sw.Rest, "planned run")))
	}
	if c := sw.Canary; c != nil {
		fmt.Fprintf(&b, "\n%s\n", canaryText(s, *c))
	}
	if sw.Shard != nil {
		fmt.Fprintf(&b, "\nshard %s: onebar merge joins the JSON reports of all shards\n", sw.Shard)
	}
	return b.String()
}

// canaryText says whether a planted bug was found.
func canaryText(s format.Style, v result.Verdict) string {
	return s.PaintCell(statusCell(v.Status, 0)) + "  " + format.Clean(v.Check+": "+v.Summary)
}

// sweepRows is the table of faults. Its last row is their sum.
func sweepRows(sw result.Sweep) format.Grid {
	total := sw.Total()
	total.Fault = "all, in " + format.Duration(sw.Took)
	runs := func(name string, colour format.Colour, of func(result.SweepRow) int) format.Column[result.SweepRow] {
		c := format.Right[result.SweepRow](name, 0, nil)
		c.Cell = func(r result.SweepRow) format.Cell {
			if n := of(r); n > 0 {
				return colour.Cell(strconv.Itoa(n))
			}
			return format.Dim.Cell("0")
		}
		return c
	}
	unknown := func(r result.SweepRow) int { return r.Unknown }
	broken := func(r result.SweepRow) int { return r.Broken }
	return format.Table(append(slices.Clone(sw.Rows), total),
		format.Left("fault", func(r result.SweepRow) string { return format.Clean(r.Fault) }),
		runs("runs", format.Plain, func(r result.SweepRow) int { return r.Runs }),
		runs("pass", format.Green, func(r result.SweepRow) int { return r.Passed }),
		runs("fail", format.Red, func(r result.SweepRow) int { return r.Failed }),
		runs("unknown", format.Yellow, unknown).If(func(r result.SweepRow) bool { return unknown(r) > 0 }),
		runs("broken", format.Magenta, broken).If(func(r result.SweepRow) bool { return broken(r) > 0 }),
		runs("not\nreached", format.Yellow, func(r result.SweepRow) int { return r.Unreached }))
}

// drawSweepFinding writes what one check found under one fault.
func drawSweepFinding(b *strings.Builder, s format.Style, f result.SweepFinding) {
	fmt.Fprintf(b, "\n%s  %s  %s\n", s.PaintCell(format.Verdict(result.WordOf(f.Check, f.Status), 0)), s.Paint(format.Bold, format.Clean(f.Fault)),
		format.Clean(f.Check)+" in "+harness.Plural(f.Runs, "run"))
	s.Item(b, "  ", nil, format.Clean(f.Text))
	for _, at := range f.Where {
		if at == "" {
			continue
		}
		s.Item(b, "  ", []format.Cell{format.Dim.Cell("at     ")}, format.Clean(at))
	}
	if more := f.Runs - len(f.Where); more > 0 {
		s.Item(b, "  ", []format.Cell{format.Dim.Cell("       ")}, fmt.Sprintf("and %d more", more))
	}
	drawPointers(b, s, pointer{"file", f.File}, pointer{"history", f.History}, pointer{"again", f.Again})
}
