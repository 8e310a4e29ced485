package tables

import (
	"math"
	"strconv"
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
func phaseColumns() []format.Column[oneWay] {
	ofPhase := func(text func(oneWay) string) func(oneWay) string {
		return func(w oneWay) string {
			if w.dir != harness.Up {
				return ""
			}
			return text(w)
		}
	}
	all := []format.Column[oneWay]{
		format.Left("phase", ofPhase(func(w oneWay) string { return format.Clean(w.Name) })),
		format.Right("from", 3, ofPhase(func(w oneWay) string { return format.Duration(w.From) })),
		format.Right("to", 2, ofPhase(func(w oneWay) string { return format.Duration(w.To) })),
		format.Left("dir", func(w oneWay) string { return w.dir.String() }),
		format.Right("packets", 5, func(w oneWay) string { return count(w.got.Offered) }),
		format.Right("delay\nasked", 0, func(w oneWay) string { return spread(w.asked.Delay, w.asked.Jitter) }),
		format.Right("delay\ngot", 0, delivered(func(r result.Realised) string { return spread(r.DelayMean, r.DelaySD) })),
		format.Right("late", 6, delivered(func(r result.Realised) string { return format.Duration(r.LateMean) })),
		format.Right("rate\nasked", 1, rateAsked),
		format.Right("peak\nrate", 1, delivered(func(r result.Realised) string { return format.Scaled(r.PeakRate, "bit/s") })),
		format.Right("mean\nrate", 7, delivered(func(r result.Realised) string { return format.Scaled(r.MeanRate, "bit/s") })),
		format.Right("loss\nasked", 0, lossAsked),
		format.Right("loss\ngot", 0, lossGot),
	}
	return append(all, rareColumns()...)
}

// rareColumns are those of what only some links do.
func rareColumns() []format.Column[oneWay] {
	outage := func(w oneWay) bool { return w.outage || w.got.Outage > 0 }
	bursty := func(w oneWay) bool { return w.asked.Loss.GE != nil }
	return []format.Column[oneWay]{
		format.Right("burst\nasked/got", 4, burst).If(bursty),
		shareColumn("reordered", func(p harness.Path) float64 { return p.Reorder }, result.Realised.ReorderedShare),
		shareColumn("duplicated", func(p harness.Path) float64 { return p.Duplicate }, result.Realised.DuplicatedShare),
		shareColumn("corrupted", func(p harness.Path) float64 { return p.Corrupt }, result.Realised.CorruptedShare),
		format.Right("lost in\noutage", 8, func(w oneWay) string { return count(w.got.Outage) }).If(outage),
		format.Right("outage\nmet", 9, outageMet).If(outage),
		countColumn("lost in\nqueue", func(r result.Realised) int64 { return r.Queue }),
		countColumn("barred", func(r result.Realised) int64 { return r.Barred }),
	}
}

// shareColumn sets a share of the packets that was asked for beside the one they got.
func shareColumn(name string, asked func(harness.Path) float64, got func(result.Realised) float64) format.Column[oneWay] {
	text := func(w oneWay) string {
		if w.got.Delivered == 0 {
			return format.Brief(asked(w.asked)) + "/" + format.None
		}
		return format.Brief(asked(w.asked)) + "/" + format.Brief(got(w.got)) + "%"
	}
	return format.Right(name+"\nasked/got", 4, text).If(func(w oneWay) bool { return asked(w.asked) > 0 || got(w.got) > 0 })
}

func countColumn(name string, n func(result.Realised) int64) format.Column[oneWay] {
	return format.Right(name, 9, func(w oneWay) string { return count(n(w.got)) }).If(func(w oneWay) bool { return n(w.got) > 0 })
}

// delivered is text, but where nothing was delivered.
func delivered(text func(result.Realised) string) func(oneWay) string {
	return func(w oneWay) string {
		if w.got.Delivered == 0 {
			return format.None
		}
		return text(w.got)
	}
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

// Phases is the table of the phases of a run, a line a direction.
func Phases(phases []result.PhaseStat) format.Grid {
	g := format.Table(oneWays(phases), phaseColumns()...)
	g.Indent = "  "
	return g
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// spread writes a delay with its jitter or its standard deviation.
func spread(d, by time.Duration) string {
	if by == 0 {
		return format.Duration(d)
	}
	return format.Duration(d) + " ±" + format.Duration(by)
}
