package baseline

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/onebar/onebar/harness/result"
)

// Null makes n comparisons of runs of one pool with other runs of the pool, and counts
// their false alarms. Each divides the runs at random, and the runs of each
// seed evenly. In virtual time the pool needs each seed twice. The same seed gives the
// same divisions.
func Null(pool Set, n int, seed uint64) (result.NullTest, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	null := result.NullTest{Comparisons: n, Rows: map[string]int{}}
	for range n {
		var before, after Set
		for _, g := range pool.groups {
			one, other := g.divide(random)
			if len(other) == 0 {
				return null, fmt.Errorf("%s on %s: the pool needs at least two runs of each seed in virtual time, and of the scenario in real time", g.scenario, g.engine)
			}
			a, b := g.pick(one), g.pick(other)
			if g.engine != virtual {
				a.seeds, b.seeds = make([]uint64, len(one)), make([]uint64, len(other)) // no matter which
				null.Allowed = n / 100
			}
			before.groups, after.groups = append(before.groups, a), append(after.groups, b)
			null.Runs = len(other)
		}
		c := Compare(before, after)
		if len(c.Unjudged) > 0 {
			u := c.Unjudged[0]
			return null, fmt.Errorf("%s on %s: %s", u.Scenario, u.Engine, u.Text)
		}
		if len(c.Changes) > 0 {
			null.Alarms++
		}
		for _, change := range c.Changes {
			null.Rows[change.Figure]++
		}
	}
	if len(pool.groups) == 0 {
		return null, errors.New("there are no runs in the pool")
	}
	return null, nil
}

// divide returns two sides for a comparison, each with half of the runs of each seed, and in
// virtual time with one. In real time what is left over of the seeds is divided as if
// it were of one seed.
func (g *group) divide(random *rand.Rand) (one, other []int) {
	deal := func(runs []int, most int) (rest []int) {
		random.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		k := min(len(runs)/2, most)
		one, other = append(one, runs[:k]...), append(other, runs[k:2*k]...)
		return runs[2*k:]
	}
	var odd, runs []int
	for i, seed := range g.seeds {
		if runs = append(runs, i); i+1 < len(g.seeds) && g.seeds[i+1] == seed {
			continue
		}
		if g.engine == virtual {
			deal(runs, 1)
		} else {
			odd = append(odd, deal(runs, len(runs))...)
		}
		runs = nil
	}
	deal(odd, len(odd))
	slices.Sort(one)
	slices.Sort(other)
	return one, other
}
