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
	for _, method := range []func(context.Context, []string) (Found, error){h.catalogue, h.sweepOf(1), h.sweepOf(3), h.explore} {
		f, err := method(ctx, checks)
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

// catalogue runs each scenario of the catalogue with seed 1.
func (h Hunter) catalogue(ctx context.Context, checks []string) (Found, error) {
	return h.exploration(ctx, "catalogue", h.Catalogue, len(h.Catalogue), checks)
}

// explore runs the scenario with a nemesis with many seeds.
func (h Hunter) explore(ctx context.Context, checks []string) (Found, error) {
	return h.exploration(ctx, "explore "+h.Explore.Name, []harness.Scenario{h.Explore}, exploreSeeds, checks)
}

// exploration makes runs of scenarios with seeds from 1.
func (h Hunter) exploration(ctx context.Context, by string, list []harness.Scenario, runs int, checks []string) (Found, error) {
	f := Found{By: by, Runs: runs, Fails: map[string]int{}}
	res, err := explore.Explore(ctx, h.Runner, list, explore.Options{Seeds: runs, First: 1, Jobs: h.Jobs, KeepGoing: true})
	for _, c := range res.ByCheck {
		place := slices.IndexFunc(list, func(sc harness.Scenario) bool { return sc.Name == c.First.Scenario })
		f.add(c.Check, c.Status, int(c.First.Seed-1)*len(list)+place+1, c.Runs, checks)
	}
	return f, err
}

// sweepOf returns the method that sweeps some payments with a few seeds.
func (h Hunter) sweepOf(payments int) func(context.Context, []string) (Found, error) {
	return func(ctx context.Context, checks []string) (Found, error) {
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
				f.add(finding.Check, finding.Status, f.Runs, finding.Runs, checks)
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
