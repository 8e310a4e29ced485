package reports

import (
	"strings"

	"github.com/onebar/onebar/harness/result"
)

const (
	comparative   = "comparative only: powers of 2008–2013 handsets"
	approximately = "approximate: reckoned from chunks of a stream, not from packets"
)

// drawEnergy writes what the radios of all phones did.
func drawEnergy(b *strings.Builder, s style, r result.Result) {
	e := r.Energy
	if e == nil {
		return
	}
	section(b, s, "energy")
	s.item(b, "  ", nil, radioOf(e))
	for _, note := range energyNotes(e) {
		s.item(b, "  ", nil, note)
	}
	energyGrid(r).draw(b, s)
}

// radioOf names the model and whose radio it stands for.
func radioOf(e *result.Energy) string {
	text := clean(e.Model)
	if e.Title != "" {
		text = clean(e.Title) + " (" + text + ")"
	}
	return text + ", " + plural(e.Phones, "phone") + ", " + plural(e.Wakeups, "wake-up")
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
func energyGrid(r result.Result) grid {
	e := r.Energy
	g := grid{indent: "  ", heads: []heading{{text: "state"}, {text: "time", right: true}, {text: "energy", right: true}, {}}}
	add := func(name, time string, joules float64, note string) {
		row := []cell{{text: clean(name)}, {text: time}, {none, dim}, {note, dim}}
		if e.Priced {
			row[2] = cell{text: scaled(joules, "J")}
		}
		g.rows = append(g.rows, row)
	}
	for _, s := range e.States {
		add(s.Name, duration(s.Time), s.Joules, "")
	}
	if !e.Priced {
		return g
	}
	note := ""
	if f, ok := r.Figures.Get("battery_share_per_1000_payments"); ok {
		note = percent(f.Value) + "% of a battery of 3000 mAh for 1000 payments"
	}
	add("all", duration(e.Span), e.Joules, "")
	add("of payments", "", e.Payments, note)
	add("of others", "", e.Others, "such as cross traffic")
	note = ""
	if f, ok := r.Figures.Get("tail_share"); ok {
		note = percent(f.Value) + "% of what payments cost"
	}
	add("in tails", "", e.Tail, note)
	return g
}
