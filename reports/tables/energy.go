package tables

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

const (
	comparative   = "comparative only: powers of 2008–2013 handsets"
	approximately = "approximate: reckoned from chunks of a stream, not from packets"
)

// Radio names the model and whose radio it stands for.
func Radio(e *result.Energy) string {
	text := format.Clean(e.Model)
	if e.Title != "" {
		text = format.Clean(e.Title) + " (" + text + ")"
	}
	return text + ", " + harness.Plural(e.Phones, "phone") + ", " + harness.Plural(e.Wakeups, "wake-up")
}

// EnergyNotes say how far the joules go.
func EnergyNotes(e *result.Energy) []string {
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

// Energy is the table of the radio states of a run that has an energy: it has a line a state, and what the joules were for.
func Energy(r result.Result) format.Grid {
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
	add("of other traffic", "", e.Others, "such as cross traffic")
	note = ""
	if f, ok := r.Figures.Get("tail_share"); ok {
		note = format.Percent(f.Value) + "% of what payments cost"
	}
	add("in tails", "", e.Tail, note)
	return g
}
