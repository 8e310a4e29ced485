package threshold

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

func TestDoubt(t *testing.T) {
	seconds := func(v float64) result.Figures {
		return result.Figures{{Name: "p50(confirm)", Unit: result.Seconds, Value: v}, {Name: "confirmed", Unit: result.Count, Value: 10 * v}}
	}
	const busy = "the machine was too busy: without lateness it would be "
	for name, tc := range map[string]struct {
		expect      string
		got, onTime float64 // NaN: it is not among the figures on time
		status      result.Status
		reason      string
	}{
		"passes with room":             {"p50(confirm) < 140ms", 0.130, 0.100, result.Pass, ""},
		"fails by more than lateness":  {"p50(confirm) < 140ms", 0.190, 0.150, result.Fail, ""},
		"fails by less":                {"p50(confirm) < 140ms", 0.150, 0.1385, result.StatusUnknown, busy + "138.5ms"},
		"just fails":                   {"p50(confirm) < 140ms", 0.150, 0.140, result.Fail, ""},
		"passes for lateness only":     {"p50(confirm) > 1s", 1.1, 0.9, result.StatusUnknown, busy + "900ms"},
		"passes above with room":       {"p50(confirm) > 1s", 1.1, 1.05, result.Pass, ""},
		"more could be confirmed":      {"confirmed >= 50", 4.9, 5, result.StatusUnknown, busy + "50"},
		"enough are confirmed":         {"confirmed >= 50", 5, 5.1, result.Pass, ""},
		"equal by chance":              {"confirmed == 50", 5, 4.9, result.StatusUnknown, busy + "49"},
		"passed over":                  {"confirmed == 50", 5.1, 4.9, result.StatusUnknown, busy + "49"},
		"passed over by an inequality": {"confirmed != 50", 5.1, 4.9, result.StatusUnknown, busy + "49"},
		"equal and not late":           {"confirmed == 50", 5, 5, result.Pass, ""},
		"unequal":                      {"confirmed == 50", 4.9, 4.8, result.Fail, ""},
		"gone without lateness":        {"p50(confirm) < 140ms", 0.1, math.NaN(), result.StatusUnknown, "the machine was too busy: without lateness there would be none"},
	} {
		t.Run(name, func(t *testing.T) {
			th, err := Parse(tc.expect)
			require.NoError(t, err)
			all := []Threshold{th}
			onTime := result.Figures{}
			if !math.IsNaN(tc.onTime) {
				onTime = seconds(tc.onTime)
			}
			judged := Evaluate(all, seconds(tc.got), nil)
			first := Doubt(judged, all, onTime)
			require.Equal(t, tc.status, judged[0].Status)
			require.Equal(t, tc.reason, judged[0].Reason)
			require.Equal(t, tc.status == result.StatusUnknown, first != "")
			require.NotEmpty(t, judged[0].Got.Name)

			judged = Evaluate(all, seconds(tc.got), nil)
			require.Empty(t, Doubt(judged, all, nil), "no packet was late")
			require.NotEqual(t, result.StatusUnknown, judged[0].Status)
		})
	}
}

// What a check has found stands, however late packets were; and what was not
// measured stays so, for its own reason.
func TestDoubtLeavesAlone(t *testing.T) {
	var all []Threshold
	for _, text := range []string{"duplicated == 0", "p50(feedback) < 1s"} {
		th, err := Parse(text)
		require.NoError(t, err)
		all = append(all, th)
	}
	figures := result.Figures{{Name: "duplicated", Unit: result.Count, Value: 2}}
	judged := Evaluate(all, figures, nil)
	want := Evaluate(all, figures, nil)
	require.Empty(t, Doubt(judged, all, result.Figures{}))
	require.Equal(t, want, judged)
	require.Equal(t, result.Fail, judged[0].Status)
}
