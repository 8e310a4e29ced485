package onebartest

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/onebartest/message"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// Trial is a test of a system.
type Trial struct {
	// Scenario is the name of a bundled scenario, such as "tunnel" (onebar list shows
	// them), or the path of a scenario file, which ends in .yaml or .yml. The
	// thresholds of a bundled scenario are made for onebar's own wallet and bank, and
	// are left out here. Those of a file are judged.
	Scenario string

	// System returns a new system for each run. It is called in virtual time, and
	// possibly in several processes at once.
	System func(*Bench) (System, error)

	// Events are added to the timeline of the scenario. They may name a host of
	// System.Hosts (harness.Event.Side) or its link (harness.Event.On), which a scenario
	// file cannot do. Their offsets must be within the scenario's script.
	Events []harness.Event

	// Seed is the seed of the run or of the sweep, or the first seed of an exploration;
	// 0 is 1.
	Seed uint64

	// Payments is the number of payments in a sweep, all made at once; 0 is one. More
	// payments have more packets, so the sweep makes more runs.
	Payments int
	// Pairs adds pairs of faults to a sweep: thousands of runs.
	Pairs bool

	// Seeds is the number of runs of an exploration; 0 is 100.
	Seeds int

	// InProcess makes the runs in this process, one after the other. Use it with a
	// debugger, or if the test binary cannot be started again.
	InProcess bool

	stall time.Duration // as in bubble.Options.RealLimit; for tests
}

// version stands in the header of histories.
const version = "onebartest"

// seed returns the seed to begin with.
func (x Trial) seed() uint64 { return cmp.Or(x.Seed, 1) }

// load reads the scenario.
func (x Trial) load() (harness.Scenario, spec.Library, error) {
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	if err != nil {
		return harness.Scenario{}, lib, fmt.Errorf("read the bundled profiles: %w", err)
	}
	if x.System == nil {
		return harness.Scenario{}, lib, errors.New("the Trial has no System: set it")
	}
	switch filepath.Ext(x.Scenario) {
	case ".yaml", ".yml":
		sc, err := spec.Load(x.Scenario, lib)
		return sc, lib, err
	}
	data, err := fs.ReadFile(scenarios.FS, x.Scenario+".yaml")
	if err != nil {
		return harness.Scenario{}, lib, fmt.Errorf("Trial.Scenario %q is neither a file ending in .yaml nor a bundled scenario: those are %s", x.Scenario, strings.Join(bundled(), ", "))
	}
	sc, err := spec.Parse(x.Scenario+".yaml", data, lib)
	sc.Expect = nil
	return sc, lib, err
}

// bundled names the bundled scenarios.
func bundled() []string {
	files, _ := fs.Glob(scenarios.FS, "*.yaml") // the pattern is well formed
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".yaml")
	}
	return files
}

// simulator makes the runs of a trial in this process.
func (x Trial) simulator() cases.Simulator {
	return cases.Simulator{
		Version: version, RealLimit: x.stall,
		New: func(sc harness.Scenario) (harness.Subject, func() error, error) {
			s, err := newSubject(sc, x.System)
			return s, func() error { return nil }, err
		},
	}
}

// Run makes one run of the scenario, and fails the test if it is not a pass.
func (x Trial) Run(tb testing.TB) {
	tb.Helper()
	x.begin(tb, 1, func(r *runs) {
		tb.Helper()
		c := cases.Case{Scenario: r.scenario, Seed: x.seed(), Dir: r.folder()}
		report, err := r.Run(tb.Context(), c)
		if err == nil && report.Result.Exit() == result.ExitPass {
			tb.Log(message.Passed(report.Result))
			return
		}
		tb.Error(message.Run{Case: c, Result: report.Result, Err: err, Racing: racing}.Text(x.Scenario))
	})
}
