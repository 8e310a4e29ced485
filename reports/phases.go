package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// lane is one direction of a phase.
type lane struct {
	result.PhaseStat
	dir    harness.Direction
	asked  harness.Path
	outage bool
	got    result.Realised
}

// lanes are the directions of all phases, in order.
func lanes(phases []result.PhaseStat) []lane {
	var all []lane
	for _, p := range phases {
		all = append(all,
			lane{p, harness.Up, p.Profile.Up, p.OutageUp, p.Up},
			lane{p, harness.Down, p.Profile.Down, p.OutageDown, p.Down})
	}
	return all
}

// laneColumn is a column of the table of phases. If there is worth, the column
// is shown only where some lane makes it so.
type laneColumn struct {
	heading
	text  func(lane) string
	worth func(lane) bool
}

// laneColumns set what the packets got beside what was asked of the links.
func laneColumns() []laneColumn {
	ofPhase := func(text func(lane) string) func(lane) string {
		return func(l lane) string {
			if l.dir != harness.Up {
				return ""
			}
			return text(l)
		}
	}
	all := []laneColumn{
		{heading{text: "phase"}, ofPhase(func(l lane) string { return clean(l.Name) }), nil},
		{heading{text: "from", right: true, drop: 3}, ofPhase(func(l lane) string { return duration(l.From) }), nil},
		{heading{text: "to", right: true, drop: 2}, ofPhase(func(l lane) string { return duration(l.To) }), nil},
		{heading{text: "dir"}, func(l lane) string { return l.dir.String() }, nil},
		{heading{text: "packets", right: true, drop: 5}, func(l lane) string { return count(l.got.Offered) }, nil},
		{heading{text: "delay\nasked", right: true}, func(l lane) string { return spread(l.asked.Delay, l.asked.Jitter) }, nil},
		{heading{text: "delay\ngot", right: true}, delivered(func(l lane) string { return spread(l.got.DelayMean, l.got.DelaySD) }), nil},
		{heading{text: "late", right: true, drop: 6}, delivered(func(l lane) string { return duration(l.got.LateMean) }), nil},
		{heading{text: "rate\nasked", right: true, drop: 1}, rateAsked, nil},
		{heading{text: "peak\nrate", right: true, drop: 1}, delivered(func(l lane) string { return scaled(l.got.PeakRate, "bit/s") }), nil},
		{heading{text: "mean\nrate", right: true, drop: 7}, delivered(func(l lane) string { return scaled(l.got.MeanRate, "bit/s") }), nil},
		{heading{text: "loss\nasked", right: true}, lossAsked, nil},
		{heading{text: "loss\ngot", right: true}, lossGot, nil},
	}
	return append(all, rareColumns()...)
}

// rareColumns are those of what only some links do.
func rareColumns() []laneColumn {
	outage := func(l lane) bool { return l.outage || l.got.Outage > 0 }
	bursty := func(l lane) bool { return l.asked.Loss.GE != nil }
	return []laneColumn{
		{heading{text: "burst\nasked/got", right: true, drop: 4}, burst, bursty},
		{
			heading{text: "reordered\nasked/got", right: true, drop: 4},
			shares(func(l lane) (float64, float64) { return l.asked.Reorder, l.got.ReorderedShare() }),
			func(l lane) bool { return l.asked.Reorder > 0 || l.got.Reordered > 0 },
		},
		{
			heading{text: "duplicated\nasked/got", right: true, drop: 4},
			shares(func(l lane) (float64, float64) { return l.asked.Duplicate, l.got.DuplicatedShare() }),
			func(l lane) bool { return l.asked.Duplicate > 0 || l.got.Duplicated > 0 },
		},
		{
			heading{text: "corrupted\nasked/got", right: true, drop: 4},
			shares(func(l lane) (float64, float64) { return l.asked.Corrupt, l.got.CorruptedShare() }),
			func(l lane) bool { return l.asked.Corrupt > 0 || l.got.Corrupted > 0 },
		},
		{heading{text: "lost in\noutage", right: true, drop: 8}, func(l lane) string { return count(l.got.Outage) }, outage},
		{heading{text: "outage\nmet", right: true, drop: 9}, outageMet, outage},
		{
			heading{text: "lost in\nqueue", right: true, drop: 9},
			func(l lane) string { return count(l.got.Queue) },
			func(l lane) bool { return l.got.Queue > 0 },
		},
		{
			heading{text: "barred", right: true, drop: 9},
			func(l lane) string { return count(l.got.Barred) },
			func(l lane) bool { return l.got.Barred > 0 },
		},
	}
}

// delivered is text, but for lanes that delivered nothing.
func delivered(text func(lane) string) func(lane) string {
	return func(l lane) string {
		if l.got.Delivered == 0 {
			return none
		}
		return text(l)
	}
}

func rateAsked(l lane) string {
	switch {
	case l.asked.Trace != nil:
		return "trace"
	case l.asked.Rate > 0:
		return scaled(float64(l.asked.Rate), "bit/s")
	}
	return "any"
}

func lossAsked(l lane) string {
	if l.outage {
		return "outage"
	}
	return percent(l.asked.Loss.Mean()) + "%"
}

func lossGot(l lane) string {
	if l.got.Delivered+l.got.Lost == 0 {
		return none
	}
	return percent(l.got.Loss()) + "%"
}

// burst is the mean length of the runs of packets lost at random.
func burst(l lane) string {
	text := func(mean float64) string {
		if mean == 0 || math.IsInf(mean, 0) {
			return none
		}
		return strconv.FormatFloat(mean, 'f', 1, 64)
	}
	return text(l.asked.Loss.Burst()) + "/" + text(l.got.Burst())
}

func shares(of func(lane) (asked, got float64)) func(lane) string {
	return func(l lane) string {
		asked, got := of(l)
		if l.got.Delivered == 0 {
			return brief(asked) + "/" + none
		}
		return brief(asked) + "/" + brief(got) + "%"
	}
}

func outageMet(l lane) string {
	if l.got.Outage == 0 {
		return none
	}
	return duration(l.got.OutageTime())
}

// phaseGrid is the table of phases, a line a direction.
func phaseGrid(phases []result.PhaseStat) grid {
	g := grid{indent: "  "}
	all := lanes(phases)
	g.rows = make([][]cell, len(all))
	for _, c := range laneColumns() {
		if c.worth != nil && !slices.ContainsFunc(all, c.worth) {
			continue
		}
		g.heads = append(g.heads, c.heading)
		for i, l := range all {
			x := cell{text: c.text(l)}
			if strings.Trim(x.text, none+"/") == "" {
				x.colour = dim
			}
			g.rows[i] = append(g.rows[i], x)
		}
	}
	return g
}

func drawPhases(b *strings.Builder, s style, phases []result.PhaseStat) {
	if len(phases) == 0 {
		return
	}
	section(b, s, "phases")
	phaseGrid(phases).draw(b, s)
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// spread writes a delay with its jitter or its standard deviation.
func spread(d, by time.Duration) string {
	if by == 0 {
		return duration(d)
	}
	return duration(d) + " ±" + duration(by)
}
