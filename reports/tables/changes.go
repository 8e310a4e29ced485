package tables

import (
	"fmt"
	"math"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Changes is the table of the figures that changed.
func Changes(changes []result.Change) format.Grid {
	value := func(c result.Change, v *float64) string {
		if v == nil {
			return format.None
		}
		return format.Figure(result.Figure{Unit: c.Unit, Value: *v})
	}
	return format.Table(changes,
		format.Left("", func(c result.Change) string { return c.Kind.String() }),
		format.Left("scenario", func(c result.Change) string { return format.Clean(c.Scenario + ", " + c.Engine) }),
		format.Left("figure", func(c result.Change) string { return format.OrNone(format.Clean(c.Figure)) }),
		format.Right("before", 0, func(c result.Change) string { return value(c, c.Old) }),
		format.Right("now", 0, func(c result.Change) string { return value(c, c.New) }),
		format.Left("", Difference))
}

// Difference says in what way a figure is not as before.
func Difference(c result.Change) string {
	signed := func(by float64) string {
		text := format.Figure(result.Figure{Unit: c.Unit, Value: by})
		if by > 0 {
			text = "+" + text
		}
		return text
	}
	p := c.Paired
	switch {
	case c.Figure == "" && c.Kind == result.New:
		return "no earlier runs"
	case c.Figure == "":
		return "no later runs"
	case c.New == nil:
		return "not measured any more"
	case c.Old == nil:
		return "not measured before"
	case p == nil:
		return fmt.Sprintf("%s, p %.2g, %d runs", relative(*c.Old, *c.New), c.P, c.Runs)
	case p.Gone > 0 && p.Worse == 0:
		return fmt.Sprintf("not measured any more in %d of %s", p.Gone, harness.Plural(c.Runs, "seed"))
	case p.Differ == 0:
		return "measured in more runs than before"
	case c.Runs == 1:
		return signed(p.By)
	}
	return fmt.Sprintf("%d of %d seeds differ, median %s; seed %d: %s", p.Differ, c.Runs, signed(p.Median), p.Seed, signed(p.By))
}

// relative writes a change as a share of the value before.
func relative(old, now float64) string {
	if old == 0 {
		return "from 0"
	}
	return fmt.Sprintf("%+.0f %%", 100*(now-old)/math.Abs(old))
}
