package reports

import (
	"strings"

	"github.com/onebar/onebar/harness/plan"
	"github.com/onebar/onebar/reports/format"
)

// Plan is the report for people of what the run of a scenario will do.
func Plan(p plan.Plan) Report {
	return drawn(func(s format.Style) string {
		if s.Width == 0 {
			s.Width = planWidth
		}
		var b strings.Builder
		s.Item(&b, "", []format.Cell{format.Bold.Cell(format.Clean(p.Title))}, format.Clean(p.Summary))
		drawRows(&b, s, p.Facts)
		timeline := p.Timeline
		for _, r := range p.Random {
			timeline = append(timeline, plan.Row{Head: r.Head, Text: "at random times: " + r.Text})
		}
		if len(timeline) > 0 {
			section(&b, s, "timeline")
			drawRows(&b, s, timeline)
		}
		section(&b, s, "judged")
		s.Item(&b, "  ", nil, format.Clean(strings.Join(p.Judged, ", ")))
		for _, e := range p.Expect {
			s.Item(&b, "  ", nil, format.Clean(e))
		}
		if len(p.Gaps) > 0 {
			section(&b, s, "not judged")
			drawRows(&b, s, p.Gaps)
		}
		return b.String()
	})
}

// planWidth is how wide a plan is where the terminal does not say.
const planWidth = 80

// drawRows writes rows with their heads in a column. A head that is long has its text
// below it.
func drawRows(b *strings.Builder, s format.Style, rows []plan.Row) {
	const most = 20
	width := 0
	for _, r := range rows {
		if n := format.Width(format.Clean(r.Head)); n <= most {
			width = max(width, n)
		}
	}
	for _, r := range rows {
		head := format.Clean(r.Head)
		if format.Width(head) > most {
			b.WriteString("  " + s.Paint(format.Dim, head) + "\n")
			head = ""
		}
		s.Item(b, "  ", []format.Cell{format.Dim.Cell(format.Pad(head, width, false))}, format.Clean(r.Text))
	}
}
