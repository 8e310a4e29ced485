package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// told returns the totals of 20 payments of which each took its number times a step, at a
// price each.
func told(step time.Duration, bytes float64) (t totals) {
	t = totals{runs: 2, payments: 20, sums: map[string]float64{"bytes_per_payment": 20 * bytes, "packets_per_payment": 80, "joules_per_payment": 0}}
	for i := range 20 {
		t.confirm = append(t.confirm, time.Duration(20-i)*step)
	}
	return t
}

func TestAgreementTable(t *testing.T) {
	ms := time.Millisecond
	steady, eventful := harness.Scenario{Name: "edge"}, harness.Scenario{Name: "tunnel", Timeline: make([]harness.Event, 1)}
	for name, tc := range map[string]struct {
		pair
		want    string
		outside bool
	}{
		"the same": {
			pair{scenario: steady, sim: told(100*ms, 400), packet: told(100*ms, 400)},
			"| `edge` | 2, 20 | 1.00 / 1.00 s, 0.0 % | 1.90 / 1.90 s, 0.0 % | 400 / 400, 0.0 % | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", false,
		},
		"within bounds": {
			pair{scenario: steady, sim: told(104*ms, 384), packet: told(100*ms, 400)},
			"| `edge` | 2, 20 | 1.04 / 1.00 s, +4.0 % | 1.98 / 1.90 s, +4.0 % | 384 / 400, −4.0 % | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", false,
		},
		"too fast, and too many bytes": {
			pair{scenario: steady, sim: told(90*ms, 432), packet: told(100*ms, 400)},
			"| `edge` | 2, 20 | **0.900 / 1.00 s, −10.0 %** | 1.71 / 1.90 s, −10.0 % | **432 / 400, +8.0 %** | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", true,
		},
		"with events": {
			pair{scenario: eventful, sim: told(50*ms, 800), packet: told(100*ms, 400)},
			"| `tunnel` | 2, 20 | 0.500 / 1.00 s, −50.0 % | 0.950 / 1.90 s, −50.0 % | 800 / 400, +100.0 % | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", false,
		},
		"nothing confirmed": {
			pair{scenario: steady, sim: told(100*ms, 400), packet: totals{runs: 1}},
			"| `edge` | 1, 0 | **1.00 / 0 s, +Inf %** |", true,
		},
		"a busy machine": {
			pair{scenario: steady, sim: told(100*ms, 400), missing: "too busy"},
			"| `edge` | 0, 0 | not measured: too busy | | | | |\n", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, agreementTable([]pair{tc.pair}), tc.want)
			require.Equal(t, tc.outside, tc.pair.outside())
		})
	}
	require.NoError(t, agreementExit([]pair{{scenario: eventful, sim: told(ms, 1), packet: told(2*ms, 1)}}))
	late := pair{scenario: eventful, missing: "too busy"}
	require.Equal(t, exitError{result.ExitUnknown}, agreementExit([]pair{late}))
	require.Equal(t, exitError{result.ExitFail}, agreementExit([]pair{late, {scenario: steady, sim: told(ms, 1), packet: told(2*ms, 1)}}))
	both := agreementTable([]pair{{scenario: eventful}, {scenario: steady}})
	require.Less(t, strings.Index(both, "`edge`"), strings.Index(both, "`tunnel`"), "those with bounds come first")
}

func TestTalliesArePooled(t *testing.T) {
	var pooled totals
	pooled.pool(told(time.Second, 400))
	pooled.pool(told(2*time.Second, 500))
	require.Equal(t, 4, pooled.runs)
	require.InDelta(t, 40, pooled.payments, 0)
	require.InDelta(t, 450, agreementColumns()[2].value(pooled), 1e-9, "a mean over the payments")
	require.InDelta(t, 14, pooled.quantile(50), 0, "of all payments")
}

func TestUnusedRuns(t *testing.T) {
	res := result.Result{Verdicts: []result.Verdict{{Check: "load", Weak: true, Status: result.Pass}, {Check: "impairment", Weak: true, Status: result.Pass}}}
	require.Empty(t, unused(res))
	res.Phases = []result.PhaseStat{
		{Up: result.Realised{Delivered: 30, LateMean: 3 * time.Millisecond}},
		{Down: result.Realised{Delivered: 60}},
	}
	require.Empty(t, unused(res), "1 ms late")
	res.Phases[1].Down.Delivered = 50
	require.Equal(t, "packets were 1.1ms late on average, 1ms is allowed here", unused(res))
	res.Verdicts[1] = result.Verdict{Check: "impairment", Weak: true, Status: result.StatusUnknown, Summary: "machine too busy: 9ms"}
	require.Equal(t, "impairment: machine too busy: 9ms", unused(res))
	require.NotEmpty(t, unused(result.Result{}), "one that nobody has judged")
}

func TestUpdateBetween(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	require.ErrorContains(t, updateBetween(file, "new\n"), "doc.md")
	require.NoError(t, os.WriteFile(file, []byte("no markers\n"), 0o600))
	require.ErrorContains(t, updateBetween(file, "new\n"), "no place for the table")
	require.NoError(t, os.WriteFile(file, []byte("a\n"+agreementBegin+"old\n"+agreementEnd+"\nz\n"+agreementEnd), 0o600))
	require.NoError(t, updateBetween(file, "new\n"))
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "a\n"+agreementBegin+"new\n"+agreementEnd+"\nz\n"+agreementEnd, string(got))
}
