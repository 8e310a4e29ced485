package sweep

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

// Merge returns the sweep of which parts are all the shards, see selection.Whole. In virtual
// time it is equal to one sweep of all runs, apart from Took, which is that of the slowest
// shard. Planned runs that a shard has not made stay in Rest. It is an error if a shard was
// interrupted, or has counted other points: then its run without a fault was another one.
func Merge(parts []result.Sweep) (result.Sweep, error) {
	if len(parts) == 0 {
		return result.Sweep{}, errors.New("no part to merge")
	}
	all := parts[0]
	all.Shard, all.Rows, all.Findings, all.Notes, all.Rest = nil, nil, nil, nil, 0
	m := merging{all: all}
	for _, p := range parts {
		switch {
		case p.Interrupted:
			return all, fmt.Errorf("shard %s was interrupted: make it again", p.Shard)
		case !slices.Equal(p.Points, all.Points):
			return all, fmt.Errorf("shard %s has counted other points than shard %s (%v, and not %v): without a fault the system did something else there",
				p.Shard, parts[0].Shard, p.Points, all.Points)
		case p.Pairs != all.Pairs:
			return all, fmt.Errorf("shard %s has found %d pairs of faults and shard %s %d: the system did something else there with one fault", p.Shard, p.Pairs, parts[0].Shard, all.Pairs)
		case slices.ContainsFunc(p.Findings, func(f result.SweepFinding) bool { return len(f.Places) == 0 || len(f.Places) != len(f.Where) }):
			return all, fmt.Errorf("shard %s has a finding without its places", p.Shard)
		}
		m.add(p)
	}
	slices.SortStableFunc(m.all.Findings, worseFirst)
	kept := map[string]bool{}
	for i := range m.all.Findings { // one sweep writes files for the first finding of a check
		f := &m.all.Findings[i]
		if kept[f.Check] {
			f.File, f.History, f.Again = "", "", ""
		}
		kept[f.Check] = true
	}
	return m.all, nil
}

// merging is a sweep that grows by shards.
type merging struct{ all result.Sweep }

// add adds a shard.
func (m *merging) add(p result.Sweep) {
	x := &m.all
	x.Took, x.Left, x.Rest = max(x.Took, p.Took), max(x.Left, p.Left), x.Rest+p.Rest
	x.Canary = x.Canary.Worse(p.Canary)
	for _, note := range p.Notes {
		if !slices.Contains(x.Notes, note) {
			x.Notes = append(x.Notes, note)
		}
	}
	m.rows(p.Rows)
	for _, f := range p.Findings {
		m.finding(f)
	}
}

// rows adds the rows of a shard. One that only some shards have stays behind the one that it
// follows there.
func (m *merging) rows(list []result.SweepRow) {
	at := 0
	for _, r := range list {
		i := slices.IndexFunc(m.all.Rows, func(o result.SweepRow) bool { return o.Fault == r.Fault })
		if i < 0 {
			m.all.Rows = slices.Insert(m.all.Rows, at, r)
			at++
			continue
		}
		at = i + 1
		if m.all.Pairs > 0 && !r.Pairs {
			continue // the same runs
		}
		o := &m.all.Rows[i]
		o.Runs += r.Runs
		o.Passed += r.Passed
		o.Failed += r.Failed
		o.Unknown += r.Unknown
		o.Broken += r.Broken
		o.Unreached += r.Unreached
	}
}

// finding adds a finding of a shard.
func (m *merging) finding(f result.SweepFinding) {
	i := slices.IndexFunc(m.all.Findings, func(o result.SweepFinding) bool {
		return o.Fault == f.Fault && o.Check == f.Check && o.Status == f.Status
	})
	if i < 0 {
		m.all.Findings = append(m.all.Findings, f)
		return
	}
	single := func(r result.SweepRow) bool { return r.Fault == f.Fault && !r.Pairs }
	if f.Fault == result.NoFault || m.all.Pairs > 0 && slices.ContainsFunc(m.all.Rows, single) {
		return // each shard has made these runs
	}
	o := m.all.Findings[i]
	runs, places, where := o.Runs+f.Runs, slices.Clone(o.Places), slices.Clone(o.Where)
	for n, place := range f.Places {
		cases.KeepFirst(&places, &where, shownPoints, place, f.Where[n])
	}
	if f.Places[0] < o.Places[0] {
		o = f
	}
	o.Runs, o.Places, o.Where = runs, places, where
	m.all.Findings[i] = o
}
