package baseline

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
)

// comparing is a comparison under way.
type comparing struct {
	result.Comparison
	tests []test
}

// Compare compares the figures of earlier runs with those of later ones. The runs of a
// scenario are not compared if they have other seeds, if the scenario was edited, or in
// real time if the machine is another one or there are too few.
func Compare(before, after Set) result.Comparison {
	c := comparing{Comparison: result.Comparison{
		Version: result.ComparisonVersion, Old: before.Build, New: after.Build, Status: result.Pass, Changes: []result.Change{},
	}}
	old, now := before.byKey(), after.byKey()
	for _, k := range slices.SortedFunc(maps.Keys(union(old, now)), key.compare) {
		switch a, b := old[k], now[k]; {
		case b == nil:
			c.add(k, result.Change{Kind: result.Vanished})
		case a == nil:
			c.add(k, result.Change{Kind: result.New})
		default:
			c.groups(a, b)
		}
	}
	c.test()
	slices.SortStableFunc(c.Changes, worstFirst)
	switch {
	case c.Count(result.Worse) > 0:
		c.Status = result.Fail
	case c.Figures == 0, c.Count(result.Vanished)+len(c.Unjudged) > 0:
		c.Status = result.StatusUnknown
	}
	return c.Comparison
}

func (s Set) byKey() map[key]*group {
	all := map[key]*group{}
	for _, g := range s.groups {
		all[g.key] = g.once()
	}
	return all
}

func (g *group) byName() map[string]figure {
	all := map[string]figure{}
	for _, f := range g.figures {
		all[f.name] = f
	}
	return all
}

func union[K comparable, V any](a, b map[K]V) map[K]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func (c *comparing) add(k key, change result.Change) {
	change.Scenario, change.Engine = k.scenario, k.engine
	c.Changes = append(c.Changes, change)
}

func (c *comparing) unjudged(k key, why string) {
	c.Unjudged = append(c.Unjudged, result.Unjudged{Scenario: k.scenario, Engine: k.engine, Text: why})
}

// groups compares the runs of one scenario on one engine.
func (c *comparing) groups(a, b *group) {
	if why := refusal(a, b); why != "" {
		c.unjudged(a.key, why)
		return
	}
	c.Scenarios++
	old, now := a.byName(), b.byName()
	for _, name := range slices.Sorted(maps.Keys(union(old, now))) {
		x, y := old[name], now[name]
		before, after := measured(x.values), measured(y.values)
		change := result.Change{Figure: name, Unit: max(x.unit, y.unit), Old: median(before), New: median(after), Runs: len(after)}
		switch {
		case len(before)+len(after) == 0:
			continue
		case len(after) == 0:
			change.Kind = result.Vanished
		case len(before) == 0:
			change.Kind = result.New
		case a.engine == virtual:
			pair(&change, x.values, y.values, b)
		default:
			c.tests = append(c.tests, newTest(a.key, change, before, after))
		}
		c.Figures++
		if change.Kind != result.ChangeUnknown {
			c.add(a.key, change)
		}
	}
}

// refusal returns why runs cannot be compared, and what to do. It is empty if they can.
func refusal(a, b *group) string {
	const again = "write the baseline again (onebar baseline --reason)"
	switch {
	case a.bad != "":
		return "of the earlier runs: " + a.bad
	case b.bad != "":
		return "of the later runs: " + b.bad
	case !sameShares(a.seeds, b.seeds):
		return fmt.Sprintf("before: %s; now: %s: run the same seeds as before, or %s", runs(a.seeds), runs(b.seeds), again)
	case a.hash != b.hash:
		return "the scenario was edited since, so the figures are of two experiments: if that was meant, " + again
	case a.engine == virtual:
		return ""
	case a.machine == "" || b.machine == "":
		return "the machine of the runs is not recorded: make them with this version of onebar"
	case a.machine != b.machine:
		return fmt.Sprintf("the machine was %q and is %q: compare figures in real time on one class of machine only, use --engine sim, or %s", a.machine, b.machine, again)
	}
	return ""
}

// runs names the seeds of runs.
func runs(seeds []uint64) string {
	first, last := seeds[0], seeds[len(seeds)-1]
	if first == last {
		return fmt.Sprintf("%s of seed %d", harness.Plural(len(seeds), "run"), first)
	}
	return fmt.Sprintf("%s of seeds %d to %d", harness.Plural(len(seeds), "run"), first, last)
}

// sameShares reports whether the same seeds make up the same shares of two lists.
func sameShares(a, b []uint64) bool {
	count := func(seeds []uint64) map[uint64]int {
		times := map[uint64]int{}
		for _, seed := range seeds {
			times[seed]++
		}
		return times
	}
	return maps.EqualFunc(count(a), count(b), func(m, n int) bool { return m*len(b) == n*len(a) })
}

// kindOf returns what a difference of a figure means.
func kindOf(figure string, by float64) result.ChangeKind {
	more := metric.MoreOf(figure)
	switch {
	case more == metric.IsNeither:
		return result.Changed
	case (more == metric.IsWorse) == (by > 0):
		return result.Worse
	}
	return result.Better
}

// worstFirst orders changes by their kind, and those of a kind by their size.
func worstFirst(a, b result.Change) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(size(b), size(a)))
}

// size returns how large a change is, as a share of the figure before.
func size(c result.Change) float64 {
	if c.Old == nil || c.New == nil {
		return math.Inf(1)
	}
	by := math.Abs(*c.New - *c.Old)
	if c.Paired != nil {
		by = math.Abs(c.Paired.By)
	}
	if by == 0 {
		return 0
	}
	return by / math.Abs(*c.Old)
}

// measured returns the values that were measured.
func measured(values []float64) []float64 { return slices.DeleteFunc(slices.Clone(values), math.IsNaN) }

// median returns the median, or nil if there are no values.
func median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	m := (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	return &m
}
