package explore

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

// Merge returns the exploration of which parts are all the shards, see selection.Whole. It is
// equal to that of one exploration of all runs, apart from Took, which is that of the
// slowest shard. Planned runs that a shard has not made stay unmade, see
// result.Exploration.Left; a shard that was interrupted is an error.
func Merge(parts []result.Exploration) (result.Exploration, error) {
	if len(parts) == 0 {
		return result.Exploration{}, errors.New("no part to merge")
	}
	all := parts[0]
	all.Shard, all.ByCheck, all.Odd, all.Reached = nil, nil, nil, nil
	all.Planned, all.Runs, all.Passed, all.Failed, all.Unknown, all.Broken, all.Virtual = 0, 0, 0, 0, 0, 0, 0
	m := merging{all: all, places: map[string]int{}}
	for i, name := range all.Scenarios {
		m.places[name] = i
	}
	for _, p := range parts {
		switch {
		case p.Interrupted:
			return all, fmt.Errorf("shard %s was interrupted: make it again", p.Shard)
		case !slices.Equal(p.Scenarios, all.Scenarios):
			return all, fmt.Errorf("shard %s has the scenarios in another order than shard %s: give them in one order", p.Shard, parts[0].Shard)
		case p.Passed+p.Failed+p.Unknown+p.Broken != p.Runs:
			return all, fmt.Errorf("shard %s counts %d runs, and the outcomes of %d", p.Shard, p.Runs, p.Passed+p.Failed+p.Unknown+p.Broken)
		}
		if err := m.add(p); err != nil {
			return all, fmt.Errorf("shard %s: %w", p.Shard, err)
		}
	}
	slices.SortFunc(m.all.ByCheck, worseFirst)
	return m.all, nil
}

// merging is an exploration that grows by shards.
type merging struct {
	all    result.Exploration
	places map[string]int // of the scenarios
	odd    []int          // numbers of the runs of all.Odd
}

// number returns the number of a run in the whole exploration.
func (m *merging) number(r result.OddRun) (int, error) {
	place, known := m.places[r.Scenario]
	if !known || r.Seed < m.all.First {
		return 0, fmt.Errorf("a run of %s with seed %d is not of this exploration", r.Scenario, r.Seed)
	}
	return int(r.Seed-m.all.First)*len(m.places) + place, nil
}

// add adds a shard.
func (m *merging) add(p result.Exploration) error {
	x := &m.all
	x.Onebar = cmp.Or(x.Onebar, p.Onebar)
	x.Planned += p.Planned
	x.Runs += p.Runs
	x.Passed += p.Passed
	x.Failed += p.Failed
	x.Unknown += p.Unknown
	x.Broken += p.Broken
	x.Virtual += p.Virtual
	x.Took = max(x.Took, p.Took)
	x.Canary = x.Canary.Worse(p.Canary)
	for _, o := range p.Odd {
		n, err := m.number(o)
		if err != nil {
			return err
		}
		cases.KeepFirst(&m.odd, &x.Odd, result.MaxOdd, n, o)
	}
	for _, c := range p.ByCheck {
		if err := m.check(c); err != nil {
			return err
		}
	}
	m.reached(p.Reached)
	return nil
}

// check adds how often a check or threshold did not pass in a shard.
func (m *merging) check(c result.CheckCount) error {
	n, err := m.number(c.First)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(m.all.ByCheck, func(o result.CheckCount) bool { return o.Check == c.Check && o.Status == c.Status })
	if i < 0 {
		m.all.ByCheck = append(m.all.ByCheck, c)
		return nil
	}
	o := &m.all.ByCheck[i]
	o.Runs += c.Runs
	if first, _ := m.number(o.First); n < first {
		o.First = c.First
	}
	return nil
}

// reached adds the situations of a shard. Those that only some shards list stay behind the
// one that they follow there.
func (m *merging) reached(list []result.Reached) {
	at := 0
	for _, r := range list {
		i := slices.IndexFunc(m.all.Reached, func(o result.Reached) bool { return o.Name == r.Name })
		if i < 0 {
			m.all.Reached = slices.Insert(m.all.Reached, at, r)
			at++
			continue
		}
		m.all.Reached[i].Times += r.Times
		m.all.Reached[i].Runs += r.Runs
		at = i + 1
	}
}
