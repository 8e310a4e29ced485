package reports

import (
	"strings"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

const (
	comparative   = "comparative only: powers of 2008–2013 handsets"
	approximately = "approximate: reckoned from chunks of a stream, not from packets"
)

// drawEnergy writes what the radios of all phones did.
func drawEnergy(b *strings.Builder, s format.Style, r result.Result) {
	e := r.Energy
	if e == nil {
		return
	}
	section(b, s, "energy")
	s.Item(b, "  ", nil, radioOf(e))
	for _, note := range energyNotes(e) {
		s.Item(b, "  ", nil, note)
	}
	energyGrid(r).Draw(b, s)
}

// radioOf names the model and whose radio it stands for.
func radioOf(e *result.Energy) string {
	text := format.Clean(e.Model)
	if e.Title != "" {
		text = format.Clean(e.Title) + " (" + text + ")"
	}
	return text + ", " + format.Plural(e.Phones, "phone") + ", " + format.Plural(e.Wakeups, "wake-up")
}

// energyNotes say how far the joules go.
func energyNotes(e *result.Energy) []string {
	var notes []string
	if e.Priced {
		notes = append(notes, comparative)
	} else {
		notes = append(notes, "the model has no powers: times only")
	}
	if e.Approximate {
		notes = append(notes, approximately)
	}
	return notes
}

// energyGrid has a line a state, and what the joules were for.
func energyGrid(r result.Result) format.Grid {
	e := r.Energy
	g := format.Grid{Indent: "  ", Heads: []format.Heading{{Text: "state"}, {Text: "time", Right: true}, {Text: "energy", Right: true}, {}}}
	add := func(name, time string, joules float64, note string) {
		row := []format.Cell{{Text: format.Clean(name)}, {Text: time}, format.Dim.Cell(format.None), format.Dim.Cell(note)}
		if e.Priced {
			row[2] = format.Cell{Text: format.Scaled(joules, "J")}
		}
		g.Rows = append(g.Rows, row)
	}
	for _, s := range e.States {
		add(s.Name, format.Duration(s.Time), s.Joules, "")
	}
	if !e.Priced {
		return g
	}
	note := ""
	if f, ok := r.Figures.Get("battery_share_per_1000_payments"); ok {
		note = format.Percent(f.Value) + "% of a battery of 3000 mAh for 1000 payments"
	}
	add("all", format.Duration(e.Span), e.Joules, "")
	add("of payments", "", e.Payments, note)
	add("of others", "", e.Others, "such as cross traffic")
	note = ""
	if f, ok := r.Figures.Get("tail_share"); ok {
		note = format.Percent(f.Value) + "% of what payments cost"
	}
	add("in tails", "", e.Tail, note)
	return g
}
