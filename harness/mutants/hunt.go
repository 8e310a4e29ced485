package mutants

import (
	"context"
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sweep"
)

// The sizes of a hunt. They are what a user runs before a release, so they are small.
const (
	sweepSeeds   = 3
	exploreSeeds = 40
)

// Found is what one method found.
type Found struct {
	By     string         `json:"by"`     // such as "catalogue" or "sweep edge, 1 payment"
	Runs   int            `json:"runs"`   // made by the method
	Needed int            `json:"needed"` // runs up to the first that named the bug by its right check; 0 is none did
	Fails  map[string]int `json:"fails"`  // runs by the check that failed or was broken
}

// Named says whether the method named the bug by its right check.
func (f Found) Named() bool { return f.Needed > 0 }

// Hunter runs what has to find the mutants, in a program that contains one.
type Hunter struct {
	Runner    cases.Runner
	Catalogue []harness.Scenario // every scenario that can run in virtual time
	Sweep     harness.Scenario   // swept with one payment and with three
	Explore   harness.Scenario   // explored, so with a nemesis
	Jobs      int
}

// Hunt runs the methods one after the other and returns what each found. If first is set it stops
// after the first method that names the bug by one of the checks.
func (h Hunter) Hunt(ctx context.Context, checks []string, first bool) ([]Found, error) {
	var all []Found
	for _, method := range []func(context.Context, aim) (Found, error){h.catalogue, h.sweepOf(1), h.sweepOf(3), h.explore} {
		f, err := method(ctx, aim{checks, first})
		if err != nil {
			return all, fmt.Errorf("%s: %w", f.By, err)
		}
		all = append(all, f)
		if first && f.Named() {
			break
		}
	}
	return all, ctx.Err()
}

// aim is what a method has to find.
type aim struct {
	checks []string
	first  bool // stop soon after the first run that one of the checks fails
}

// catalogue runs each scenario of the catalogue with seed 1.
func (h Hunter) catalogue(ctx context.Context, a aim) (Found, error) {
	return h.exploration(ctx, Found{By: "catalogue"}, a, len(h.Catalogue), func(from, to int) ([]harness.Scenario, uint64) {
		return h.Catalogue[from:to], 1
	})
}

// explore runs the scenario with a nemesis with many seeds.
func (h Hunter) explore(ctx context.Context, a aim) (Found, error) {
	return h.exploration(ctx, Found{By: "explore " + h.Explore.Name}, a, exploreSeeds, func(from, _ int) ([]harness.Scenario, uint64) {
		return []harness.Scenario{h.Explore}, uint64(from) + 1
	})
}

// exploration makes runs. part returns the scenarios of the runs from one number up to another,
// and the seed of the first.
func (h Hunter) exploration(ctx context.Context, f Found, a aim, runs int, part func(from, to int) ([]harness.Scenario, uint64)) (Found, error) {
	f.Fails = map[string]int{}
	step := runs
	if a.first {
		step = 2 * max(h.Jobs, 1)
	}
	for f.Runs < runs && (!a.first || !f.Named()) {
		n := min(step, runs-f.Runs)
		list, seed := part(f.Runs, f.Runs+n)
		res, err := explore.Explore(ctx, h.Runner, list, explore.Options{Seeds: n, First: seed, Jobs: h.Jobs, KeepGoing: true})
		if err != nil {
			return f, err
		}
		for _, c := range res.ByCheck {
			place := slices.IndexFunc(list, func(sc harness.Scenario) bool { return sc.Name == c.First.Scenario })
			f.add(c.Check, c.Status, f.Runs+int(c.First.Seed-seed)*len(list)+place+1, c.Runs, a.checks)
		}
		f.Runs += n
	}
	return f, nil
}

// sweepOf returns the method that sweeps some payments with a few seeds.
func (h Hunter) sweepOf(payments int) func(context.Context, aim) (Found, error) {
	return func(ctx context.Context, a aim) (Found, error) {
		f := Found{By: fmt.Sprintf("sweep %s, payments %d", h.Sweep.Name, payments), Fails: map[string]int{}}
		sc := h.Sweep
		sc.Workload.Payments, sc.Workload.Rate, sc.Workload.Wallets = payments, 0, payments
		for seed := range uint64(sweepSeeds) {
			res, err := sweep.Packets(ctx, h.Runner, cases.Case{Scenario: sc, Seed: seed + 1}, sweep.Options{Jobs: h.Jobs})
			if err != nil {
				return f, err
			}
			f.Runs += res.Total().Runs
			for _, finding := range res.Findings {
				f.add(finding.Check, finding.Status, f.Runs, finding.Runs, a.checks)
			}
			if f.Named() {
				break
			}
		}
		return f, nil
	}
}

// add counts runs that failed a check. n is the number of the first of them, from 1.
func (f *Found) add(check string, status result.Status, n, runs int, checks []string) {
	if status != result.Fail && check != result.Broken {
		return
	}
	f.Fails[check] += runs
	if slices.Contains(checks, check) && (f.Needed == 0 || n < f.Needed) {
		f.Needed = n
	}
}
