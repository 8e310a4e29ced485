package reports

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// Explore is the report of an exploration for people: how the runs came out, what spoke
// against those that did not pass, and what was reached. Of the odd runs it names
// at most 20, unless all are asked for.
func Explore(x result.Exploration, all bool) Report {
	return drawn(func(s style) string { return exploration(s, x, all) })
}

// shownOdd is how many odd runs a report names.
const shownOdd = 20

func exploration(s style, x result.Exploration, all bool) string {
	var b strings.Builder
	drawReached(&b, s, x)
	drawChecks(&b, s, x)
	most := shownOdd
	if all {
		most = len(x.Odd)
	}
	drawOdd(&b, s, x, most)
	drawExplored(&b, s, x)
	return b.String()
}

// drawReached writes which situations were reached, and which never.
func drawReached(b *strings.Builder, s style, x result.Exploration) {
	g := grid{heads: []heading{{text: "reached"}, {text: "times", right: true}, {text: "in runs", right: true}}}
	for _, r := range x.Reached {
		if r.Times > 0 {
			g.rows = append(g.rows, []cell{{text: clean(r.Name)}, {text: strconv.Itoa(r.Times)}, {text: strconv.Itoa(r.Runs)}})
		}
	}
	g.draw(b, s)
	if never := x.Never(); len(never) > 0 {
		b.WriteString(s.paint(dim, "never reached") + "\n")
		for _, name := range never {
			fmt.Fprintf(b, "  %s\n", clean(name))
		}
	}
}

// drawChecks writes how many runs each check and threshold spoke against.
func drawChecks(b *strings.Builder, s style, x result.Exploration) {
	if len(x.ByCheck) == 0 {
		return
	}
	b.WriteByte('\n')
	g := grid{heads: []heading{{text: "verdict"}, {text: "check or threshold"}, {text: "runs", right: true}, {text: "first in"}}, shrink: 1}
	for _, c := range x.ByCheck {
		w := oddWord(c.Check, c.Status)
		g.rows = append(g.rows, []cell{{w, colourOf(w)}, {text: clean(c.Check)}, {text: strconv.Itoa(c.Runs)}, {text: runOf(c.First)}})
	}
	g.draw(b, s)
}

func oddWord(check string, status result.Status) string {
	if check == result.Broken {
		return word(result.ExitBroken)
	}
	return strings.ToUpper(status.String())
}

func runOf(o result.OddRun) string {
	return clean(o.Scenario) + ", seed " + strconv.FormatUint(o.Seed, 10)
}

// drawOdd names runs that did not pass.
func drawOdd(b *strings.Builder, s style, x result.Exploration, most int) {
	odd := x.Failed + x.Unknown + x.Broken
	if odd == 0 {
		return
	}
	b.WriteByte('\n')
	shown := x.Odd[:min(most, len(x.Odd))]
	for _, o := range shown {
		w := oddWord(o.Check, o.Status)
		s.item(b, "", []cell{{pad(w, len("UNKNOWN"), false), colourOf(w)}, {text: runOf(o)}}, clean(o.Check)+": "+clean(o.Text))
	}
	if more := odd - len(shown); more > 0 {
		fmt.Fprintf(b, "and %s that did not pass\n", plural(more, "more run"))
	}
}

// drawExplored writes the last lines of an exploration.
func drawExplored(b *strings.Builder, s style, x result.Exploration) {
	parts := []string{s.paint(green, fmt.Sprintf("%d pass", x.Passed))}
	for _, p := range []struct {
		n    int
		name string
		colour
	}{{x.Failed, "fail", red}, {x.Unknown, "unknown", yellow}, {x.Broken, "broken", magenta}} {
		text := fmt.Sprintf("%d %s", p.n, p.name)
		if p.n > 0 {
			text = s.paint(p.colour, text)
		}
		parts = append(parts, text)
	}
	fmt.Fprintf(b, "\n%s of %s: %s\n", plural(x.Runs, "run"), plural(len(x.Scenarios), "scenario"), strings.Join(parts, ", "))
	line := duration(x.Virtual) + " of virtual time in " + duration(x.Took)
	if sec := x.Took.Seconds(); sec > 0 {
		line += fmt.Sprintf(", %.1f runs/s", float64(x.Runs)/sec)
	}
	fmt.Fprintf(b, "%s · first seed %d\n", line, x.First)
	if x.Interrupted {
		fmt.Fprintf(b, "%s\n", s.paint(yellow, "interrupted: what was asked for is not done"))
	}
}
