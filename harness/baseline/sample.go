package baseline

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// The conditions for a change in real time.
const (
	alpha  = 0.05 // of the test, for all figures of a comparison together
	share  = 0.1  // of the earlier median, by which the later one must differ
	fewest = 6    // runs on each side: with fewer, no interval has the median with 95 %
)

// test is a figure in real time: whether it has changed depends on how many figures vary.
type test struct {
	key
	result.Change
	runs   [2]int  // in which it was measured, before and after
	varies bool    // its values are not all the same
	p      float64 // 1 if the medians differ too little
	moved  bool    // they do not
}

func newTest(k key, c result.Change, before, after []float64) test {
	t := test{key: k, Change: c, runs: [2]int{len(before), len(after)}, p: 1}
	all := slices.Concat(before, after)
	t.varies = slices.Min(all) < slices.Max(all)
	by := math.Abs(*c.New - *c.Old)
	if t.moved = by > 0 && by >= share*math.Abs(*c.Old); t.moved {
		t.p = mannWhitney(before, after)
	}
	return t
}

// test decides which figures in real time have changed. A figure that never varies is no
// test: chance cannot make it an alarm.
func (c *comparing) test() {
	var ps []float64
	for _, t := range c.tests {
		if t.varies {
			ps = append(ps, t.p)
		}
	}
	n := len(ps)
	holm(ps)
	few := map[key][]test{}
	for _, t := range c.tests {
		if t.varies {
			t.P, ps = ps[0], ps[1:]
		}
		switch {
		case min(t.runs[0], t.runs[1]) < fewest || t.varies && least(t.runs[0], t.runs[1])*float64(n) >= alpha:
			few[t.key] = append(few[t.key], t)
		case t.moved && t.P < alpha:
			t.Kind = kindOf(t.Figure, *t.New-*t.Old)
			c.add(t.key, t.Change)
		case t.moved:
			c.Moved++
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(few), key.compare) {
		t := few[k][0]
		c.unjudged(k, fmt.Sprintf("too few runs to show a change of %s, such as %s with %d before and %d now: make %d on each side",
			harness.Plural(len(few[k]), "figure"), t.Figure, t.runs[0], t.runs[1], enough(n)))
	}
}

// enough returns how many runs on each side can show a change of one of n figures that vary.
func enough(n int) int {
	runs := fewest
	for least(runs, runs)*float64(n) >= alpha {
		runs++
	}
	return runs
}
