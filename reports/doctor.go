package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Doctor is the report of a checkup for people: each step of the payment, what was judged of
// it, and what to do about the scenario. Sent lines stand behind ">", received ones
// behind "<", and what was made of them behind "=".
func Doctor(c result.Checkup) Report {
	return drawn(func(s format.Style) string { return doctor(s, c) })
}

// doctorWidth is how wide a checkup is where the terminal does not say.
const doctorWidth = 80

func doctor(s format.Style, c result.Checkup) string {
	if s.Width == 0 {
		s.Width = doctorWidth
	}
	var b strings.Builder
	s.Item(&b, "", []format.Cell{format.Bold.Cell(format.Clean(format.Title(c.Result)))}, "one payment over a perfect link, step by step")
	for i, step := range c.Steps {
		if i == 0 {
			b.WriteByte('\n')
		}
		drawStep(&b, s, i+1, step)
	}
	if c.Result.Error != "" {
		b.WriteByte('\n')
		for line := range strings.Lines(c.Result.Error) {
			s.Item(&b, "", []format.Cell{format.Magenta.Cell("not carried out")}, format.Clean(strings.TrimSpace(line)))
		}
	}
	if odd := troubles(c.Result.Verdicts); len(odd) > 0 && c.Result.Error == "" {
		section(&b, s, "checks")
		drawJudgements(&b, s, judgements(odd, shownFindings))
		drawStories(&b, s, "", c.Result.Stories)
	}
	if len(c.Result.Notes) > 0 {
		section(&b, s, "how it was read")
		for _, note := range c.Result.Notes {
			s.Item(&b, "  ", nil, format.Clean(note))
		}
	}
	drawAdvice(&b, s, c.Advice)
	b.WriteByte('\n')
	s.Item(&b, "", []format.Cell{format.Verdict(result.Word(c.Exit()), 0)}, format.Clean(concluded(c)))
	return b.String()
}

// partWidth is that of the longest name of a part.
const partWidth = len("callback")

// drawStep writes a step and what went to and fro in it.
func drawStep(b *strings.Builder, s format.Style, n int, step harness.Step) {
	took := ""
	if step.Took > 0 {
		took = format.Duration(step.Took)
	}
	s.Item(b, "", []format.Cell{format.Dim.Cell(format.Pad(fmt.Sprint(n), 2, true)), format.Dim.Cell(format.Pad(took, len("1.23ms"), true)), format.Bold.Cell(format.Pad(format.Clean(step.Part), partWidth, false))}, format.Clean(step.Title))
	indent := strings.Repeat(" ", 2+len(format.Gap)+len("1.23ms")+len(format.Gap)+partWidth+len(format.Gap))
	drawLines(b, s, indent, format.Dim.Cell(">"), step.Sent)
	drawLines(b, s, indent, format.Dim.Cell("<"), step.Got)
	for _, m := range step.Means {
		s.Item(b, indent, []format.Cell{format.Dim.Cell("=")}, format.Clean(m))
	}
	if step.Error != "" {
		s.Item(b, indent, []format.Cell{format.Red.Cell("!")}, format.Clean(step.Error))
	}
}

// shownLines is how much of a message is shown.
const shownLines = 12

// drawLines writes the lines of a message behind a mark, broken where they are too
// long.
func drawLines(b *strings.Builder, s format.Style, indent string, mark format.Cell, lines []string) {
	room := max(format.MinText, s.Width-format.Width(indent)-format.Width(mark.Text)-len(format.Gap))
	var all []string
	for _, l := range lines {
		all = append(all, pieces(format.Clean(l), room)...)
	}
	shown := all[:min(shownLines, len(all))]
	for _, l := range shown {
		b.WriteString(strings.TrimRight(indent+s.Paint(mark.Colour, mark.Text)+format.Gap+l, " ") + "\n")
	}
	if more := len(all) - len(shown); more > 0 {
		fmt.Fprintf(b, "%s%s%s\n", indent, format.Gap+" ", s.Paint(format.Dim, "and "+harness.Plural(more, "more line")))
	}
}

// pieces breaks a line into pieces of at most n columns.
func pieces(line string, n int) (all []string) {
	for format.Width(line) > n {
		at := 0
		for i, r := range line {
			if format.Width(line[:i+len(string(r))]) > n {
				break
			}
			at = i + len(string(r))
		}
		all, line = append(all, line[:at]), line[at:]
	}
	return append(all, line)
}

// drawAdvice writes what to do.
func drawAdvice(b *strings.Builder, s format.Style, advice []result.Advice) {
	if len(advice) == 0 {
		return
	}
	section(b, s, "what is missing")
	for _, a := range advice {
		mark := format.Dim.Cell("note")
		if a.Must {
			mark = format.Red.Cell("MEND")
		}
		s.Item(b, "  ", []format.Cell{mark}, format.Clean(a.Text))
		if a.YAML == "" {
			continue
		}
		for line := range strings.SplitSeq(a.YAML, "\n") {
			b.WriteString("          " + s.Paint(format.Green, format.Clean(line)) + "\n")
		}
	}
}

// concluded states the result of a checkup in a sentence.
func concluded(c result.Checkup) string {
	must := slices.ContainsFunc(c.Advice, func(a result.Advice) bool { return a.Must })
	switch exit := c.Exit(); {
	case exit == result.ExitPass && must:
		return "the payment passed, but first change what is marked MEND"
	case exit == result.ExitPass:
		return "the scenario can be run: " + format.Clean(cmp.Or(c.Result.Rerun, "onebar run "+c.Result.Scenario.File))
	case exit == result.ExitFail:
		return "the payment went wrong without any impairment: see the checks"
	case exit == result.ExitBroken && c.Unfit && c.Result.Error == "":
		return "the payment was made, but the scenario could not be run as it is"
	case exit == result.ExitBroken:
		return "the payment could not be made"
	}
	return "the payment could not be judged: runs would be unknown, too"
}
