package reports

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
	"github.com/onebar/onebar/reports/tables"
)

// Sweep is the report of a sweep for people: how many points there were, how the runs with
// each fault came out, and what was found wrong, the worst first. Columns that
// would be all zeros are left out.
func Sweep(sw result.Sweep) Report {
	return drawn(func(s format.Style) string { return sweep(s, sw) })
}

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
	tables.Sweep(sw).Draw(&b, s)
	for _, f := range sw.Findings[:min(len(sw.Findings), outcome.MaxFindings)] {
		drawSweepFinding(&b, s, f)
	}
	if more := len(sw.Findings) - outcome.MaxFindings; more > 0 {
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
