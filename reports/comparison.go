package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
	"github.com/onebar/onebar/reports/tables"
)

// shownChanges is how many changes the report for people shows.
const shownChanges = 40

// Comparison is the report of a comparison for people: the figures that changed, the worst
// first, with the command that repeats the worst run.
func Comparison(c result.Comparison) Report {
	return drawn(func(s format.Style) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s  %s\n", s.PaintCell(format.Verdict(result.Word(c.Exit()), 0)), outcome.ComparedSums(c))
		if len(c.Changes) > 0 {
			b.WriteByte('\n')
			tables.Changes(c.Changes[:min(len(c.Changes), shownChanges)]).Draw(&b, s)
		}
		if more := len(c.Changes) - shownChanges; more > 0 {
			fmt.Fprintf(&b, "and %d more\n", more)
		}
		for _, u := range c.Unjudged {
			s.Item(&b, "", []format.Cell{format.Yellow.Cell("not compared")}, format.Clean(u.Scenario+" on "+u.Engine+": "+u.Text))
		}
		drawPointers(&b, s, pointer{"again", outcome.Repeat(c)})
		return b.String()
	})
}

// NullTest is the report of a null test for people.
func NullTest(n result.NullTest) Report {
	return drawn(func(s format.Style) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s  %d of %d comparisons of %s with %d of the same pool raised an alarm; %d allowed\n",
			s.PaintCell(format.Verdict(result.Word(n.Exit()), 0)), n.Alarms, n.Comparisons, harness.Plural(n.Runs, "run"), n.Runs, n.Allowed)
		for _, figure := range slices.SortedFunc(maps.Keys(n.Rows), func(a, b string) int {
			return cmp.Or(n.Rows[b]-n.Rows[a], cmp.Compare(a, b))
		}) {
			fmt.Fprintf(&b, "  %4d  %s\n", n.Rows[figure], format.Clean(figure))
		}
		return b.String()
	})
}
