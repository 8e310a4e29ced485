package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// Doctor is the report of a checkup for people: each step of the payment, what was judged of
// it, and what to do about the scenario. Sent lines stand behind ">", received ones
// behind "<", and what was made of them behind "=".
func Doctor(c result.Checkup) Report {
	return drawn(func(s style) string { return doctor(s, c) })
}

// doctorWidth is how wide a checkup is where the terminal does not say.
const doctorWidth = 80

func doctor(s style, c result.Checkup) string {
	if s.width == 0 {
		s.width = doctorWidth
	}
	var b strings.Builder
	s.item(&b, "", []cell{{clean(title(c.Result)), bold}}, "one payment over a perfect link, step by step")
	for i, step := range c.Steps {
		if i == 0 {
			b.WriteByte('\n')
		}
		drawStep(&b, s, i+1, step)
	}
	if c.Result.Error != "" {
		b.WriteByte('\n')
		for line := range strings.Lines(c.Result.Error) {
			s.item(&b, "", []cell{{"not carried out", magenta}}, clean(strings.TrimSpace(line)))
		}
	}
	if odd := troubles(c.Result.Verdicts); len(odd) > 0 && c.Result.Error == "" {
		section(&b, s, "checks")
		drawVerdicts(&b, s, odd, shownFindings)
	}
	if len(c.Result.Notes) > 0 {
		section(&b, s, "how it was read")
		for _, note := range c.Result.Notes {
			s.item(&b, "  ", nil, clean(note))
		}
	}
	drawAdvice(&b, s, c.Advice)
	b.WriteByte('\n')
	verdict := word(c.Exit())
	s.item(&b, "", []cell{{verdict, colourOf(verdict)}}, clean(concluded(c)))
	return b.String()
}

// partWidth is that of the longest name of a part.
const partWidth = len("callback")

// drawStep writes a step and what went to and fro in it.
func drawStep(b *strings.Builder, s style, n int, step harness.Step) {
	took := ""
	if step.Took > 0 {
		took = duration(step.Took)
	}
	s.item(b, "", []cell{{pad(fmt.Sprint(n), 2, true), dim}, {pad(took, len("1.23ms"), true), dim}, {pad(clean(step.Part), partWidth, false), bold}}, clean(step.Title))
	indent := strings.Repeat(" ", 2+len(gap)+len("1.23ms")+len(gap)+partWidth+len(gap))
	drawLines(b, s, indent, cell{">", dim}, step.Sent)
	drawLines(b, s, indent, cell{"<", dim}, step.Got)
	for _, m := range step.Means {
		s.item(b, indent, []cell{{"=", dim}}, clean(m))
	}
	if step.Error != "" {
		s.item(b, indent, []cell{{"!", red}}, clean(step.Error))
	}
}

// shownLines is how much of a message is shown.
const shownLines = 12

// drawLines writes the lines of a message behind a mark, broken where they are too
// long.
func drawLines(b *strings.Builder, s style, indent string, mark cell, lines []string) {
	room := max(minText, s.width-width(indent)-width(mark.text)-len(gap))
	var all []string
	for _, l := range lines {
		all = append(all, pieces(clean(l), room)...)
	}
	shown := all[:min(shownLines, len(all))]
	for _, l := range shown {
		b.WriteString(strings.TrimRight(indent+s.paint(mark.colour, mark.text)+gap+l, " ") + "\n")
	}
	if more := len(all) - len(shown); more > 0 {
		fmt.Fprintf(b, "%s%s%s\n", indent, gap+" ", s.paint(dim, "and "+plural(more, "more line")))
	}
}

// pieces breaks a line into pieces of at most n columns.
func pieces(line string, n int) (all []string) {
	for width(line) > n {
		at := 0
		for i, r := range line {
			if width(line[:i+len(string(r))]) > n {
				break
			}
			at = i + len(string(r))
		}
		all, line = append(all, line[:at]), line[at:]
	}
	return append(all, line)
}

// drawAdvice writes what to do.
func drawAdvice(b *strings.Builder, s style, advice []result.Advice) {
	if len(advice) == 0 {
		return
	}
	section(b, s, "what is missing")
	for _, a := range advice {
		mark := cell{"note", dim}
		if a.Must {
			mark = cell{"MEND", red}
		}
		s.item(b, "  ", []cell{mark}, clean(a.Text))
		if a.YAML == "" {
			continue
		}
		for line := range strings.SplitSeq(a.YAML, "\n") {
			b.WriteString("          " + s.paint(green, clean(line)) + "\n")
		}
	}
}

// concluded says in a sentence how a checkup came out.
func concluded(c result.Checkup) string {
	must := slices.ContainsFunc(c.Advice, func(a result.Advice) bool { return a.Must })
	switch exit := c.Exit(); {
	case exit == result.ExitPass && must:
		return "the payment was confirmed and nothing speaks against it, but see what is to be mended"
	case exit == result.ExitPass:
		return "the scenario can be run: onebar run " + c.Result.Scenario.File
	case exit == result.ExitFail:
		return "the payment went wrong without any impairment: see the checks"
	case exit == result.ExitBroken && c.Unfit && c.Result.Error == "":
		return "the payment was made, but the scenario could not be run as it is"
	case exit == result.ExitBroken:
		return "the payment could not be made"
	}
	return "what became of the payment could not be judged: runs would be unknown, too"
}
