package baseline

import (
	"math"

	"github.com/onebar/onebar/harness/result"
)

// pair compares a figure seed by seed, in virtual time, and completes its change. If the
// figure is the same for each seed, its Kind stays unknown. One seed that is worse makes
// the figure worse: no difference is chance.
func pair(c *result.Change, before, after []float64, later *group) {
	var p result.SeedChange
	var by []float64
	for i, was := range before {
		d := after[i] - was
		switch {
		case same(was, after[i]):
			continue
		case math.IsNaN(after[i]):
			p.Gone++
			continue
		case math.IsNaN(was):
			c.Kind = result.New
			continue
		}
		kind := kindOf(c.Figure, d)
		if kind == result.Worse {
			p.Worse++
		}
		first := p.Worse == 1 && kind == result.Worse
		rival := p.Worse == 0 || kind == result.Worse
		if first || rival && math.Abs(d) > math.Abs(p.By) {
			p.Seed, p.By = later.seeds[i], d
			if later.again != nil {
				p.Again = later.again[i]
			}
		}
		by = append(by, d)
	}
	if p.Differ = len(by); p.Differ > 0 {
		p.Median = *median(by)
		c.Kind = kindOf(c.Figure, p.By)
	}
	if p.Gone > 0 && c.Kind != result.Worse {
		c.Kind = result.Vanished
	}
	if c.Kind != result.ChangeUnknown {
		c.Paired = &p
	}
}
