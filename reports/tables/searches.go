package tables

import (
	"slices"
	"strconv"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Sweep is the table of faults. Its last row is their sum.
func Sweep(sw result.Sweep) format.Grid {
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

// Reached is the table of the situations that were reached.
func Reached(x result.Exploration) format.Grid {
	reached := slices.DeleteFunc(slices.Clone(x.Reached), func(r result.Reached) bool { return r.Times == 0 })
	return format.Table(reached,
		format.Left("reached", func(r result.Reached) string { return format.Clean(r.Name) }),
		format.Right("times", 0, func(r result.Reached) string { return strconv.Itoa(r.Times) }),
		format.Right("in runs", 0, func(r result.Reached) string { return strconv.Itoa(r.Runs) }))
}

// Checks is the table of the checks and thresholds that did not pass.
func Checks(x result.Exploration) format.Grid {
	g := format.Table(x.ByCheck,
		format.Column[result.CheckCount]{Heading: format.Heading{Text: "verdict"}, Cell: func(c result.CheckCount) format.Cell {
			return format.Verdict(result.WordOf(c.Check, c.Status), 0)
		}},
		format.Left("check or threshold", func(c result.CheckCount) string { return format.Clean(c.Check) }),
		format.Right("runs", 0, func(c result.CheckCount) string { return strconv.Itoa(c.Runs) }),
		format.Left("first in", func(c result.CheckCount) string { return format.RunOf(c.First) }))
	g.Shrink = 1
	return g
}
