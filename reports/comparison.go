package reports

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Comparison is the report of a comparison for people: the figures that changed, the worst
// first, with the command that repeats the worst run.
func Comparison(c result.Comparison) Report {
	return drawn(func(s format.Style) string {
		var b strings.Builder
		word := result.Word(c.Exit())
		fmt.Fprintf(&b, "%s  %s\n", s.PaintCell(format.Verdict(word, 0)), comparedText(c))
		if len(c.Changes) > 0 {
			b.WriteByte('\n')
			changesTable(c.Changes).Draw(&b, s)
		}
		for _, u := range c.Unjudged {
			s.Item(&b, "", []format.Cell{format.Yellow.Cell("not compared")}, unjudgedText(u))
		}
		if again := repeat(c); again != "" {
			fmt.Fprintf(&b, "\nagain  %s\n", format.Clean(again))
		}
		return b.String()
	})
}

// ComparisonMarkdown is Comparison for a CI's job summary, in GitHub's dialect.
func ComparisonMarkdown(c result.Comparison) Report {
	return func(w io.Writer) error {
		var b strings.Builder
		fmt.Fprintf(&b, "### onebar compare: %s\n\n%s\n", strings.ToLower(result.Word(c.Exit())), escape(comparedText(c)))
		if len(c.Changes) > 0 {
			b.WriteByte('\n')
			markdownTable(&b, changesTable(c.Changes))
		}
		b.WriteByte('\n')
		for _, u := range c.Unjudged {
			b.WriteString("- **not compared** " + escape(unjudgedText(u)) + "\n")
		}
		if again := repeat(c); again != "" {
			b.WriteString("\nRun the worst again:\n\n" + fenced(format.Clean(again)))
		}
		return send(w, "Markdown", b.String())
	}
}

// shownChanges is how many changes a report for people shows at most.
const shownChanges = 40

// comparedText counts the figures of a comparison in a sentence.
func comparedText(c result.Comparison) string {
	var parts []string
	same := c.Figures
	for _, k := range []result.ChangeKind{result.Worse, result.Vanished, result.Changed, result.Better, result.New} {
		if n := c.Count(k); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	for _, change := range c.Changes {
		if change.Figure != "" {
			same--
		}
	}
	parts = append(parts, fmt.Sprintf("%d unchanged", same))
	text := fmt.Sprintf("%s of %s compared: %s", harness.Plural(c.Figures, "figure"), harness.Plural(c.Scenarios, "scenario"), strings.Join(parts, ", "))
	if c.Moved > 0 {
		text += fmt.Sprintf(" (of them, %d moved by 10 %% or more, which can be chance)", c.Moved)
	}
	if n := len(c.Changes) - shownChanges; n > 0 {
		text += fmt.Sprintf("; the %d least are only in the JSON report", n)
	}
	return text
}

func unjudgedText(u result.Unjudged) string {
	return format.Clean(u.Scenario + " on " + u.Engine + ": " + u.Text)
}

// repeat returns the command that repeats the worst run, if there is one.
func repeat(c result.Comparison) string {
	if len(c.Changes) > 0 && c.Changes[0].Paired != nil {
		return c.Changes[0].Paired.Again
	}
	return ""
}

// changesTable has a row for each change.
func changesTable(changes []result.Change) format.Grid {
	figure := func(c result.Change, v *float64) string {
		if v == nil {
			return format.None
		}
		return format.Figure(result.Figure{Unit: c.Unit, Value: *v})
	}
	return format.Table(changes[:min(len(changes), shownChanges)],
		format.Left("", func(c result.Change) string { return c.Kind.String() }),
		format.Left("scenario", func(c result.Change) string { return format.Clean(c.Scenario + ", " + c.Engine) }),
		format.Left("figure", func(c result.Change) string { return format.OrNone(format.Clean(c.Figure)) }),
		format.Right("before", 0, func(c result.Change) string { return figure(c, c.Old) }),
		format.Right("now", 0, func(c result.Change) string { return figure(c, c.New) }),
		format.Left("", difference))
}

// difference says how a figure differs.
func difference(c result.Change) string {
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
