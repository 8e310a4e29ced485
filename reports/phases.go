package reports

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// oneWay is one direction of a phase.
type oneWay struct {
	result.PhaseStat
	dir    harness.Direction
	asked  harness.Path
	outage bool
	got    result.Realised
}

// oneWays are the directions of all phases, in order.
func oneWays(phases []result.PhaseStat) []oneWay {
	var all []oneWay
	for _, p := range phases {
		all = append(all,
			oneWay{p, harness.Up, p.Profile.Up, p.OutageUp, p.Up},
			oneWay{p, harness.Down, p.Profile.Down, p.OutageDown, p.Down})
	}
	return all
}

// phaseColumns set what the packets got beside what was asked of the links.
func phaseColumns() []column[oneWay] {
	ofPhase := func(text func(oneWay) string) func(oneWay) format.Cell {
		return plain(func(w oneWay) string {
			if w.dir != harness.Up {
				return ""
			}
			return text(w)
		})
	}
	all := []column[oneWay]{
		{format.Heading{Text: "phase"}, ofPhase(func(w oneWay) string { return format.Clean(w.Name) }), nil},
		{right("from", 3), ofPhase(func(w oneWay) string { return format.Duration(w.From) }), nil},
		{right("to", 2), ofPhase(func(w oneWay) string { return format.Duration(w.To) }), nil},
		{format.Heading{Text: "dir"}, plain(func(w oneWay) string { return w.dir.String() }), nil},
		{right("packets", 5), plain(func(w oneWay) string { return count(w.got.Offered) }), nil},
		{right("delay\nasked", 0), plain(func(w oneWay) string { return spread(w.asked.Delay, w.asked.Jitter) }), nil},
		{right("delay\ngot", 0), delivered(func(r result.Realised) string { return spread(r.DelayMean, r.DelaySD) }), nil},
		{right("late", 6), delivered(func(r result.Realised) string { return format.Duration(r.LateMean) }), nil},
		{right("rate\nasked", 1), plain(rateAsked), nil},
		{right("peak\nrate", 1), delivered(func(r result.Realised) string { return format.Scaled(r.PeakRate, "bit/s") }), nil},
		{right("mean\nrate", 7), delivered(func(r result.Realised) string { return format.Scaled(r.MeanRate, "bit/s") }), nil},
		{right("loss\nasked", 0), plain(lossAsked), nil},
		{right("loss\ngot", 0), plain(lossGot), nil},
	}
	return append(all, rareColumns()...)
}

// rareColumns are those of what only some links do.
func rareColumns() []column[oneWay] {
	outage := func(w oneWay) bool { return w.outage || w.got.Outage > 0 }
	bursty := func(w oneWay) bool { return w.asked.Loss.GE != nil }
	return []column[oneWay]{
		{right("burst\nasked/got", 4), plain(burst), bursty},
		shareColumn("reordered", func(p harness.Path) float64 { return p.Reorder }, result.Realised.ReorderedShare),
		shareColumn("duplicated", func(p harness.Path) float64 { return p.Duplicate }, result.Realised.DuplicatedShare),
		shareColumn("corrupted", func(p harness.Path) float64 { return p.Corrupt }, result.Realised.CorruptedShare),
		{right("lost in\noutage", 8), plain(func(w oneWay) string { return count(w.got.Outage) }), outage},
		{right("outage\nmet", 9), plain(outageMet), outage},
		countColumn("lost in\nqueue", func(r result.Realised) int64 { return r.Queue }),
		countColumn("barred", func(r result.Realised) int64 { return r.Barred }),
	}
}

// shareColumn sets a share of the packets that was asked for beside the one they got.
func shareColumn(name string, asked func(harness.Path) float64, got func(result.Realised) float64) column[oneWay] {
	text := func(w oneWay) string {
		if w.got.Delivered == 0 {
			return format.Brief(asked(w.asked)) + "/" + format.None
		}
		return format.Brief(asked(w.asked)) + "/" + format.Brief(got(w.got)) + "%"
	}
	return column[oneWay]{right(name+"\nasked/got", 4), plain(text), func(w oneWay) bool { return asked(w.asked) > 0 || got(w.got) > 0 }}
}

func countColumn(name string, n func(result.Realised) int64) column[oneWay] {
	return column[oneWay]{right(name, 9), plain(func(w oneWay) string { return count(n(w.got)) }), func(w oneWay) bool { return n(w.got) > 0 }}
}

// delivered is text, but where nothing was delivered.
func delivered(text func(result.Realised) string) func(oneWay) format.Cell {
	return plain(func(w oneWay) string {
		if w.got.Delivered == 0 {
			return format.None
		}
		return text(w.got)
	})
}

func rateAsked(w oneWay) string {
	switch {
	case w.asked.Trace != nil:
		return "trace"
	case w.asked.Rate > 0:
		return format.Scaled(float64(w.asked.Rate), "bit/s")
	}
	return "any"
}

func lossAsked(w oneWay) string {
	if w.outage {
		return "outage"
	}
	return format.Percent(w.asked.Loss.Mean()) + "%"
}

func lossGot(w oneWay) string {
	if w.got.Delivered+w.got.Lost == 0 {
		return format.None
	}
	return format.Percent(w.got.Loss()) + "%"
}

// burst is the mean length of the runs of packets lost at random.
func burst(w oneWay) string {
	text := func(mean float64) string {
		if mean == 0 || math.IsInf(mean, 0) {
			return format.None
		}
		return strconv.FormatFloat(mean, 'f', 1, 64)
	}
	return text(w.asked.Loss.Burst()) + "/" + text(w.got.Burst())
}

func outageMet(w oneWay) string {
	if w.got.Outage == 0 {
		return format.None
	}
	return format.Duration(w.got.OutageTime())
}

// phaseGrid is the table of phases, a line a direction.
func phaseGrid(phases []result.PhaseStat) format.Grid {
	g := table(oneWays(phases), phaseColumns())
	g.Indent = "  "
	for _, row := range g.Rows {
		for i := range row {
			if strings.Trim(row[i].Text, format.None+"/") == "" {
				row[i].Colour = format.Dim
			}
		}
	}
	return g
}

func drawPhases(b *strings.Builder, s format.Style, phases []result.PhaseStat) {
	if len(phases) == 0 {
		return
	}
	section(b, s, "phases")
	phaseGrid(phases).Draw(b, s)
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// spread writes a delay with its jitter or its standard deviation.
func spread(d, by time.Duration) string {
	if by == 0 {
		return format.Duration(d)
	}
	return format.Duration(d) + " ±" + format.Duration(by)
}
