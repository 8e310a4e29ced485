package agreement

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

// told is what was measured of 20 payments of which each took its number times a step, at a
// price each.
func told(step time.Duration, bytes float64) (m Measurements) {
	m = Measurements{runs: 2, payments: 20, sums: map[string]float64{"bytes_per_payment": 20 * bytes, "packets_per_payment": 80, "joules_per_payment": 0}}
	for i := range 20 {
		m.confirm = append(m.confirm, time.Duration(20-i)*step)
	}
	return m
}

func TestAgreementTable(t *testing.T) {
	ms := time.Millisecond
	steady, eventful := harness.Scenario{Name: "edge"}, harness.Scenario{Name: "tunnel", Timeline: make([]harness.Event, 1)}
	for name, tc := range map[string]struct {
		Pair
		want    string
		outside bool
	}{
		"the same": {
			Pair{Scenario: steady, Sim: told(100*ms, 400), Packet: told(100*ms, 400)},
			"| `edge` | 2, 20 | 1.00 / 1.00 s, 0.0 % | 1.90 / 1.90 s, 0.0 % | 400 / 400, 0.0 % | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", false,
		},
		"within bounds": {
			Pair{Scenario: steady, Sim: told(104*ms, 384), Packet: told(100*ms, 400)},
			"| `edge` | 2, 20 | 1.04 / 1.00 s, +4.0 % | 1.98 / 1.90 s, +4.0 % | 384 / 400, −4.0 % | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", false,
		},
		"too fast, and too many bytes": {
			Pair{Scenario: steady, Sim: told(90*ms, 432), Packet: told(100*ms, 400)},
			"| `edge` | 2, 20 | **0.900 / 1.00 s, −10.0 %** | 1.71 / 1.90 s, −10.0 % | **432 / 400, +8.0 %** | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", true,
		},
		"with events": {
			Pair{Scenario: eventful, Sim: told(50*ms, 800), Packet: told(100*ms, 400)},
			"| `tunnel` | 2, 20 | 0.500 / 1.00 s, −50.0 % | 0.950 / 1.90 s, −50.0 % | 800 / 400, +100.0 % | 4.00 / 4.00, 0.0 % | 0 / 0, 0.0 % |\n", false,
		},
		"nothing confirmed": {
			Pair{Scenario: steady, Sim: told(100*ms, 400), Packet: Measurements{runs: 1}},
			"| `edge` | 1, 0 | **1.00 / 0 s, +Inf %** |", true,
		},
		"a busy machine": {
			Pair{Scenario: steady, Sim: told(100*ms, 400), Packet: Measurements{Missing: "too busy"}},
			"| `edge` | 0, 0 | not measured: too busy | | | | |\n", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, Table([]Pair{tc.Pair}), tc.want)
			require.Equal(t, tc.outside, tc.Pair.outside())
		})
	}
	require.Equal(t, result.ExitPass, Exit([]Pair{{Scenario: eventful, Sim: told(ms, 1), Packet: told(2*ms, 1)}}))
	late := Pair{Scenario: eventful, Packet: Measurements{Missing: "too busy"}}
	require.Equal(t, result.ExitUnknown, Exit([]Pair{late}))
	require.Equal(t, result.ExitFail, Exit([]Pair{late, {Scenario: steady, Sim: told(ms, 1), Packet: told(2*ms, 1)}}))
	both := Table([]Pair{{Scenario: eventful}, {Scenario: steady}})
	require.Less(t, strings.Index(both, "`edge`"), strings.Index(both, "`tunnel`"), "those with bounds come first")
}

func TestMeasurementsArePooled(t *testing.T) {
	var pooled Measurements
	pooled.Add(told(time.Second, 400))
	pooled.Add(told(2*time.Second, 500))
	require.Equal(t, 4, pooled.runs)
	require.InDelta(t, 40, pooled.payments, 0)
	require.InDelta(t, 450, columns()[2].value(pooled), 1e-9, "a mean over the payments")
	require.InDelta(t, 14, pooled.quantile(50), 0, "of all payments")
}

func TestUnusedRuns(t *testing.T) {
	res := result.Result{Verdicts: []result.Verdict{{Check: "load", Weak: true, Status: result.Pass}, {Check: "impairment", Weak: true, Status: result.Pass}}}
	require.Empty(t, Unfit(res))
	res.Phases = []result.PhaseStat{
		{Up: result.Realised{Delivered: 30, LateMean: 3 * time.Millisecond}},
		{Down: result.Realised{Delivered: 60}},
	}
	require.Empty(t, Unfit(res), "1 ms late")
	res.Phases[1].Down.Delivered = 50
	require.Equal(t, "packets were 1.1ms late on average, 1ms is allowed here", Unfit(res))
	res.Verdicts[1] = result.Verdict{Check: "impairment", Weak: true, Status: result.StatusUnknown, Summary: "machine too busy: 9ms"}
	require.Equal(t, "impairment: machine too busy: 9ms", Unfit(res))
	require.NotEmpty(t, Unfit(result.Result{}), "one that nobody has judged")
}

func TestUpdateBetween(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	require.ErrorContains(t, Update(file, "new\n"), "doc.md")
	require.NoError(t, os.WriteFile(file, []byte("no markers\n"), 0o600))
	require.ErrorContains(t, Update(file, "new\n"), "no place for the table")
	require.NoError(t, os.WriteFile(file, []byte("a\n"+begin+"old\n"+end+"\nz\n"+end), 0o600))
	require.NoError(t, Update(file, "new\n"))
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "a\n"+begin+"new\n"+end+"\nz\n"+end, string(got))
}
