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

// Explore is the report of an exploration for people: how the runs came out, what spoke
// against those that did not pass, and what was reached. Of the odd runs it names
// at most 20, unless all are asked for.
func Explore(x result.Exploration, all bool) Report {
	return drawn(func(s format.Style) string { return exploration(s, x, all) })
}

func exploration(s format.Style, x result.Exploration, all bool) string {
	var b strings.Builder
	drawReached(&b, s, x)
	drawChecks(&b, s, x)
	most := outcome.MaxFindings
	if all {
		most = len(x.Odd)
	}
	drawOdd(&b, s, x, most)
	drawExplored(&b, s, x)
	return b.String()
}

// drawReached writes which situations were reached, and which never.
func drawReached(b *strings.Builder, s format.Style, x result.Exploration) {
	tables.Reached(x).Draw(b, s)
	if never := x.Never(); len(never) > 0 {
		b.WriteString(s.Paint(format.Dim, "never reached") + "\n")
		for _, name := range never {
			fmt.Fprintf(b, "  %s\n", format.Clean(name))
		}
	}
}

// drawChecks writes in how many runs each check and threshold did not pass.
func drawChecks(b *strings.Builder, s format.Style, x result.Exploration) {
	if len(x.ByCheck) == 0 {
		return
	}
	b.WriteByte('\n')
	tables.Checks(x).Draw(b, s)
}

// drawOdd names runs that did not pass.
func drawOdd(b *strings.Builder, s format.Style, x result.Exploration, most int) {
	odd := x.Failed + x.Unknown + x.Broken
	if odd == 0 {
		return
	}
	b.WriteByte('\n')
	shown := x.Odd[:min(most, len(x.Odd))]
	for _, o := range shown {
		s.Item(b, "", []format.Cell{format.Verdict(result.WordOf(o.Check, o.Status), len("UNKNOWN")), {Text: format.RunOf(o)}}, format.Clean(o.Check)+": "+format.Clean(o.Text))
	}
	if more := odd - len(shown); more > 0 {
		fmt.Fprintf(b, "and %s that did not pass\n", harness.Plural(more, "more run"))
	}
}

// drawExplored writes the last lines of an exploration.
func drawExplored(b *strings.Builder, s format.Style, x result.Exploration) {
	var parts []string
	for _, p := range []struct {
		n    int
		name string
	}{{x.Passed, "pass"}, {x.Failed, "fail"}, {x.Unknown, "unknown"}, {x.Broken, "broken"}} {
		text := fmt.Sprintf("%d %s", p.n, p.name)
		if p.n > 0 || p.name == "pass" {
			text = s.Paint(format.ColourOf(strings.ToUpper(p.name)), text)
		}
		parts = append(parts, text)
	}
	fmt.Fprintf(b, "\n%s of %s: %s\n", harness.Plural(x.Runs, "run"), harness.Plural(len(x.Scenarios), "scenario"), strings.Join(parts, ", "))
	line := format.Duration(x.Virtual) + " of virtual time in " + format.Duration(x.Took)
	if sec := x.Took.Seconds(); sec > 0 {
		line += fmt.Sprintf(", %.1f runs/s", float64(x.Runs)/sec)
	}
	fmt.Fprintf(b, "%s · first seed %d\n", line, x.First)
	if bound := outcome.RateBelow(x); bound != "" {
		b.WriteString(bound + "\n")
	}
	if x.Interrupted {
		fmt.Fprintf(b, "%s\n", s.Paint(format.Yellow, "interrupted: what was asked for is not done"))
	}
	if left := x.Left(); left > 0 {
		fmt.Fprintf(b, "%s\n", s.Paint(format.Yellow, fmt.Sprintf("not run: %d of %s", left, harness.Plural(x.Planned, "planned run"))))
	}
	if c := x.Canary; c != nil {
		fmt.Fprintf(b, "%s\n", canaryText(s, *c))
	}
	if x.Shard != nil {
		fmt.Fprintf(b, "shard %s: onebar merge joins the JSON reports of all shards\n", x.Shard)
	}
}
