package mutants_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/mutants"
	"github.com/onebar/onebar/harness/result"
)

// buggy makes runs that fail as it says. It counts them.
type buggy struct {
	fails func(c cases.Case) (check string) // empty: the run passes

	mu   sync.Mutex
	runs int
}

func (b *buggy) Run(_ context.Context, c cases.Case) (cases.Report, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs++
	v := result.Verdict{Check: "lost", Status: result.Pass}
	if name := b.fails(c); name != "" {
		v = result.Verdict{Check: name, Status: result.Fail, Summary: "so it is"}
	}
	r := cases.Report{Result: result.Result{Scenario: c.Scenario, Verdicts: []result.Verdict{v}}}
	for i := range c.Scenario.Timeline {
		r.Result.Faults = append(r.Result.Faults, result.FaultStat{Event: i, Times: 1, Hits: 1})
	}
	if c.Survey {
		r.Survey = &cases.Survey{Up: 1, Down: 1, Payments: c.Scenario.Workload.Payments, Connections: 1, Can: harness.KeepDeadlines}
		r.Survey.Points = []cases.Point{{Trigger: harness.Trigger{Packet: 1, Direction: harness.Up}, At: time.Second}}
	}
	return r, nil
}

// A hunt makes the runs of its methods in their order. It counts the runs up to the first that
// fails a check of the bug, and not those of other checks.
func TestHunt(t *testing.T) {
	catalogue := []harness.Scenario{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}}
	in := func(name, check string) func(cases.Case) string {
		return func(c cases.Case) string {
			if c.Scenario.Name == name && !c.Survey {
				return check
			}
			return ""
		}
	}
	for name, tc := range map[string]struct {
		fails  func(cases.Case) string
		first  bool
		by     string // the methods that were tried, and the runs that each needed
		needed []int
		named  []string // all checks that failed, by method
	}{
		"by the catalogue": {in("d", "duplicated"), false, "catalogue|sweep s, payments 1|sweep s, payments 3|explore x", []int{4, 0, 0, 0}, []string{"duplicated", "", "", ""}},
		"first":            {in("d", "duplicated"), true, "catalogue", []int{4}, []string{"duplicated"}},
		"by another name":  {in("d", "lost"), true, "catalogue|sweep s, payments 1|sweep s, payments 3|explore x", []int{0, 0, 0, 0}, []string{"lost", "", "", ""}},
		"by a late seed": {func(c cases.Case) string {
			return map[bool]string{true: "duplicated"}[c.Scenario.Name == "x" && c.Seed == 38]
		}, true, "catalogue|sweep s, payments 1|sweep s, payments 3|explore x", []int{0, 0, 0, 38}, []string{"", "", "", "duplicated"}},
		"a threshold is no bug": {in("a", "confirmed >= 1"), true, "catalogue|sweep s, payments 1|sweep s, payments 3|explore x", []int{0, 0, 0, 0}, []string{"confirmed >= 1", "", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			sweep := harness.Scenario{Name: "s", Workload: harness.Workload{Wallets: 1, Merchants: 1, Payments: 1}}
			r := &buggy{fails: tc.fails}
			h := mutants.Hunter{Runner: r, Catalogue: catalogue, Sweep: sweep, Explore: harness.Scenario{Name: "x"}, Jobs: 1}
			found, err := h.Hunt(t.Context(), []string{"duplicated", "overdue"}, tc.first)
			require.NoError(t, err)
			var by []string
			for i, f := range found {
				by = append(by, f.By)
				require.Equal(t, tc.needed[i], f.Needed, f.By)
				require.Equal(t, tc.needed[i] > 0, f.Named())
				for check := range f.Fails {
					require.Equal(t, tc.named[i], check)
				}
				require.Equal(t, tc.named[i] != "", len(f.Fails) > 0)
				require.Positive(t, f.Runs)
			}
			require.Equal(t, tc.by, strings.Join(by, "|"))
		})
	}
}

// A hunt that looks for the first run stops soon after it.
func TestFirstStopsEarly(t *testing.T) {
	var list []harness.Scenario
	for range 30 {
		list = append(list, harness.Scenario{Name: strings.Repeat("s", len(list)+1)})
	}
	r := &buggy{fails: func(cases.Case) string { return "lost" }}
	found, err := mutants.Hunter{Runner: r, Catalogue: list, Jobs: 2}.Hunt(t.Context(), []string{"lost"}, true)
	require.NoError(t, err)
	require.Equal(t, []mutants.Found{{By: "catalogue", Runs: 4, Needed: 1, Fails: map[string]int{"lost": 4}}}, found)
	require.Equal(t, 4, r.runs)
}

// A sweep whose runs with a fault fail by the right check finds the bug.
func TestSweepFinds(t *testing.T) {
	r := &buggy{fails: func(c cases.Case) string {
		return map[bool]string{true: "overdue"}[c.Scenario.Name == "s" && len(c.Scenario.Timeline) > 0 && !c.Survey]
	}}
	sweep := harness.Scenario{Name: "s", Settle: time.Second, Workload: harness.Workload{Wallets: 1, Merchants: 1, Payments: 1}}
	found, err := mutants.Hunter{Runner: r, Catalogue: []harness.Scenario{{Name: "a"}}, Sweep: sweep, Jobs: 1}.Hunt(t.Context(), []string{"overdue"}, true)
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, "sweep s, payments 1", found[1].By)
	require.Positive(t, found[1].Needed)
	require.Positive(t, found[1].Fails["overdue"])
}
