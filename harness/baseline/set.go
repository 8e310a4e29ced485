package baseline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

// virtual is the name of the engine in virtual time.
const virtual = "sim"

// Set is the figures of runs, by scenario and engine.
type Set struct {
	Build  string // version of the onebar that made the runs
	Reason string // why the set replaced the one before it

	groups []*group // sorted by key
}

// group is the runs of one scenario on one engine, sorted by seed.
type group struct {
	key
	machine string   // of runs in real time
	hash    string   // of the scenario, see hashed
	seeds   []uint64 // of each run
	figures []figure // sorted by name

	again []string // the command that repeats each run; nil if the set was read from a file
	bad   string   // why the runs cannot be compared, and what to do
}

// key is what a group is of.
type key struct{ scenario, engine string }

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.scenario, o.scenario), cmp.Compare(k.engine, o.engine))
}

// figure is one figure of each run of a group; NaN is not measured.
type figure struct {
	name   string
	unit   result.Unit
	values []float64
}

// digits is how many significant digits a value keeps. Processors round differently in the last ones.
const digits = 9

func rounded(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	return r
}

// Collect returns the figures of runs. A run of which the machine was too busy to judge it
// has none: all its figures count as not measured.
func Collect(results []result.Result) Set {
	var s Set
	byKey := map[key][]result.Result{}
	for _, r := range results {
		s.Build = r.Onebar
		k := key{r.Scenario.Name, r.Engine}
		byKey[k] = append(byKey[k], r)
	}
	for k, runs := range byKey {
		slices.SortStableFunc(runs, func(a, b result.Result) int { return cmp.Compare(a.Seed, b.Seed) })
		s.groups = append(s.groups, newGroup(k, runs))
	}
	slices.SortFunc(s.groups, func(a, b *group) int { return a.compare(b.key) })
	return s
}

func newGroup(k key, runs []result.Result) *group {
	g := &group{key: k, machine: runs[0].Machine, hash: hashed(runs)}
	byName := map[string]*figure{}
	for i, r := range runs {
		g.seeds = append(g.seeds, r.Seed)
		g.again = append(g.again, r.Rerun)
		why := ""
		switch {
		case r.Error != "":
			why = fmt.Sprintf("the run of seed %d was not carried out (%s): repeat it", r.Seed, r.Error)
		case len(r.Figures) == 0:
			why = fmt.Sprintf("the run of seed %d has no figures: repeat it", r.Seed)
		case r.Machine != g.machine:
			why = fmt.Sprintf("the runs are of several machines (%s; %s): compare them machine by machine", g.machine, r.Machine)
		}
		if g.bad = cmp.Or(g.bad, why); why != "" || r.Busy != "" {
			continue
		}
		for _, f := range r.Figures {
			at := byName[f.Name]
			if at == nil {
				at = &figure{f.Name, f.Unit, slices.Repeat([]float64{math.NaN()}, len(runs))}
				byName[f.Name] = at
			}
			at.values[i] = rounded(f.Value)
		}
	}
	for _, f := range byName {
		g.figures = append(g.figures, *f)
	}
	slices.SortFunc(g.figures, func(a, b figure) int { return cmp.Compare(a.name, b.name) })
	return g
}

// hashed returns a hash of the experiments: of what figures depend on in their scenarios,
// without the system under test, which is what one compares. Each seed counts, because a
// nemesis draws other events for each.
func hashed(runs []result.Result) string {
	h := sha256.New()
	e := json.NewEncoder(h)
	for i, r := range runs {
		if i > 0 && runs[i-1].Seed == r.Seed {
			continue
		}
		sc := r.Scenario
		sc.Summary, sc.Tags, sc.File, sc.Engine, sc.Seed, sc.Expect, sc.Subject = "", nil, "", "", 0, nil, sut.Config{}
		sc.Timeline = slices.Clone(sc.Timeline)
		for i := range sc.Timeline {
			sc.Timeline[i].Line = 0
		}
		if err := e.Encode(sc); err != nil {
			panic(err) // a scenario in a report has a JSON form
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// pick returns the group with some of its runs, which must be in order.
func (g *group) pick(runs []int) *group {
	p := *g
	p.seeds, p.figures = at(g.seeds, runs), nil
	if g.again != nil {
		p.again = at(g.again, runs)
	}
	for _, f := range g.figures {
		p.figures = append(p.figures, figure{f.name, f.unit, at(f.values, runs)})
	}
	return &p
}

func at[T any](of []T, places []int) []T {
	picked := make([]T, len(places))
	for i, p := range places {
		picked[i] = of[p]
	}
	return picked
}

// once returns a group in virtual time with one run of each seed; all others must be the
// same. In real time it returns g.
func (g *group) once() *group {
	if g.engine != virtual {
		return g
	}
	var first []int
	bad := g.bad
	for i, seed := range g.seeds {
		if i == 0 || seed != g.seeds[i-1] {
			first = append(first, i)
			continue
		}
		for _, f := range g.figures {
			if !same(f.values[i], f.values[i-1]) {
				bad = fmt.Sprintf("two runs of seed %d differ in %s, so its runs do not repeat: see onebar run --verify", seed, f.name)
			}
		}
	}
	g = g.pick(first)
	g.bad = bad
	return g
}

// same reports whether a figure is the same in two runs.
func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// Scenarios returns how many scenarios the set has runs of, each engine counted by itself.
func (s Set) Scenarios() int { return len(s.groups) }
