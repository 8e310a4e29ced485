package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/tables"
)

// drawDetail writes everything that is known of one run below its line in the
// table.
func drawDetail(b *strings.Builder, s format.Style, r result.Result) {
	b.WriteByte('\n')
	if r.Scenario.Summary != "" {
		s.Item(b, "", nil, format.Clean(r.Scenario.Summary))
	}
	b.WriteString(s.Paint(format.Dim, origin(r)) + "\n")
	if r.Error != "" || unexplained(r) || len(r.Notes) > 0 {
		b.WriteByte('\n')
		drawError(b, s, r)
	}
	if len(r.Verdicts) > 0 {
		section(b, s, "checks")
		drawJudgements(b, s, judgements(r.Verdicts, result.MaxFindings))
	}
	if len(r.Thresholds) > 0 {
		section(b, s, "expectations")
		drawJudgements(b, s, expectations(r.Thresholds))
	}
	drawFigures(b, s, r)
	drawEnergy(b, s, r)
	if len(r.Phases) > 0 {
		section(b, s, "phases")
		tables.Phases(r.Phases).Draw(b, s)
	}
	drawAttempts(b, s, r.Attempts)
	drawFaults(b, s, r.Faults)
	if next := pointers(r); len(next) > 0 {
		b.WriteByte('\n')
		drawPointers(b, s, next...)
	}
	drawPointers(b, s, pointer{"sha256", r.Hash})
}

// origin says with what, by which program and when the run was made.
func origin(r result.Result) string {
	text := circumstances(r)
	if r.Onebar != "" {
		text += ", onebar " + format.Clean(r.Onebar)
	}
	if !r.Started.IsZero() {
		text += ", started " + r.Started.Format(time.RFC3339)
	}
	return text
}

func section(b *strings.Builder, s format.Style, name string) {
	b.WriteString("\n" + s.Paint(format.Bold, name) + "\n")
}

// drawFigures writes the figures a line each, and below them those of one
// quantity, such as p50(confirm) and p95(confirm), in one row. The counts that
// the checks have stated are left out.
func drawFigures(b *strings.Builder, s format.Style, r result.Result) {
	single := format.Grid{Heads: []format.Heading{{}, {Right: true}, {}}, Indent: "  "}
	spread := format.Grid{Heads: []format.Heading{{}}, Indent: "  "}
	for _, f := range r.Figures {
		of, quantity, ok := strings.Cut(strings.TrimSuffix(f.Name, ")"), "(")
		switch {
		case r.Verdict(f.Name).Check != "":
		case ok && !strings.HasPrefix(quantity, "phase:"):
			spread.Set(format.Clean(quantity), format.Clean(of), format.Figure(f))
		default:
			note := ""
			if r.Payload && f.Unit == result.Bytes {
				note = "payload, without headers, ACKs and retransmissions"
			}
			single.Rows = append(single.Rows, []format.Cell{{Text: format.Clean(f.Name)}, {Text: format.Figure(f)}, format.Dim.Cell(note)})
		}
	}
	if len(single.Rows)+len(spread.Rows) == 0 {
		return
	}
	section(b, s, "figures")
	single.Draw(b, s)
	if len(spread.Rows) > 0 {
		b.WriteByte('\n')
		spread.Draw(b, s)
	}
}

// drawEnergy writes what the radios of all phones did.
func drawEnergy(b *strings.Builder, s format.Style, r result.Result) {
	e := r.Energy
	if e == nil {
		return
	}
	section(b, s, "energy")
	s.Item(b, "  ", nil, tables.Radio(e))
	for _, note := range tables.EnergyNotes(e) {
		s.Item(b, "  ", nil, note)
	}
	tables.Energy(r).Draw(b, s)
}

// drawAttempts writes how the attempts ended, if any failed.
func drawAttempts(b *strings.Builder, s format.Style, attempts []result.AttemptStat) {
	if !slices.ContainsFunc(attempts, func(a result.AttemptStat) bool { return a.Failed }) {
		return
	}
	section(b, s, "attempts and status queries")
	g := format.Table(attempts,
		format.Right("", 0, func(a result.AttemptStat) string { return strconv.Itoa(a.Count) }),
		format.Left("", func(a result.AttemptStat) string { return a.What }),
		format.Column[result.AttemptStat]{Cell: func(a result.AttemptStat) format.Cell {
			if a.Unexplained == 0 {
				return format.Cell{}
			}
			return format.Dim.Cell(strconv.Itoa(a.Unexplained) + " although nothing hindered them")
		}})
	g.Indent = "  "
	g.Draw(b, s)
}

func drawFaults(b *strings.Builder, s format.Style, faults []result.FaultStat) {
	if len(faults) == 0 {
		return
	}
	section(b, s, "faults")
	g := format.Table(faults,
		format.Left("", func(f result.FaultStat) string { return f.Action.String() }),
		format.Right("", 0, func(f result.FaultStat) string { return harness.Plural(f.Times, "time") }),
		format.Right("", 0, func(f result.FaultStat) string { return harness.Plural(f.Hits, "hit") }),
		format.Column[result.FaultStat]{Cell: func(f result.FaultStat) format.Cell {
			if f.Line == 0 {
				return format.Cell{}
			}
			return format.Dim.Cell("line " + strconv.Itoa(f.Line) + " of the scenario file")
		}})
	g.Indent = "  "
	g.Draw(b, s)
}
