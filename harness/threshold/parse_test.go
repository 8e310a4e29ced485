package threshold

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		text   string
		figure string
		op     Op
		value  float64
		unit   result.Unit
	}{
		{"p95(confirm) < 20s", "p95(confirm)", Less, 20, result.Seconds},
		{"p50(feedback)<300ms", "p50(feedback)", Less, 0.3, result.Seconds},
		{"  max ( attempt )  >=  1m30s  ", "max(attempt)", AtLeast, 90, result.Seconds},
		{"mean(confirm) > 0", "mean(confirm)", More, 0, result.Seconds},
		{"bytes_per_payment <= 900", "bytes_per_payment", AtMost, 900, result.Bytes},
		{"bytes_per_payment < 1.5KB", "bytes_per_payment", Less, 1500, result.Bytes},
		{"bytes_up_per_payment < 2 KiB", "bytes_up_per_payment", Less, 2048, result.Bytes},
		{"bytes_down_per_payment < 1MB", "bytes_down_per_payment", Less, 1e6, result.Bytes},
		{"retransmitted_share < 10%", "retransmitted_share", Less, 0.1, result.Ratio},
		{"loss_up < 0.02", "loss_up", Less, 0.02, result.Ratio},
		{"loss_down <= 100%", "loss_down", AtMost, 1, result.Ratio},
		{"duplicated == 0", "duplicated", Equal, 0, result.Count},
		{"confirmed != 200", "confirmed", NotEqual, 200, result.Count},
		{"joules_per_payment < 12", "joules_per_payment", Less, 12, result.Joules},
		{"p95(joules) < 12.5J", "p95(joules)", Less, 12.5, result.Joules},
		{"marginal_joules_per_payment < 900 mJ", "marginal_joules_per_payment", Less, 0.9, result.Joules},
		{"battery_share_per_1000_payments < 120%", "battery_share_per_1000_payments", Less, 1.2, result.Ratio},
		{"attempts_per_payment < 2.5", "attempts_per_payment", Less, 2.5, result.Count},
	} {
		t.Run(tc.text, func(t *testing.T) {
			got, err := Parse(tc.text)
			require.NoError(t, err)
			require.Equal(t, tc.text, got.Text)
			require.Equal(t, tc.figure, got.Figure)
			require.Equal(t, tc.op, got.Op)
			require.InDelta(t, tc.value, got.Value, 1e-12)
			require.Equal(t, tc.unit, got.Unit)
			require.Contains(t, got.Metric.Figures(), got.Figure)
		})
	}
}

func TestParsePhase(t *testing.T) {
	for _, tc := range []struct{ text, figure, phase, plain string }{
		{"p95(confirm, phase: tunnel) < 20s", "p95(confirm, phase: tunnel)", "tunnel", "p95(confirm)"},
		{"p95 ( confirm,phase:tunnel )<20s", "p95(confirm, phase: tunnel)", "tunnel", "p95(confirm)"},
		{"bytes_per_payment(phase: tunnel) < 900", "bytes_per_payment(phase: tunnel)", "tunnel", "bytes_per_payment"},
		{`confirmed(phase: "3G, after it") == 3`, `confirmed(phase: "3G, after it")`, "3G, after it", "confirmed"},
		{`confirmed(phase: '3G, after it') == 3`, `confirmed(phase: "3G, after it")`, "3G, after it", "confirmed"},
		{`confirmed(phase: "tunnel") == 3`, `confirmed(phase: tunnel)`, "tunnel", "confirmed"},
		{`mean(joules, phase: 'a "b" \)') == 3`, `mean(joules, phase: "a \"b\" \\)")`, `a "b" \)`, "mean(joules)"},
		{`loss_up(phase: Straße) < 1`, `loss_up(phase: Straße)`, "Straße", "loss_up"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			got, err := Parse(tc.text)
			require.NoError(t, err)
			require.Equal(t, tc.figure, got.Figure)
			require.Equal(t, tc.phase, got.Phase)
			require.Equal(t, tc.plain, got.Plain)
			again, err := Parse(got.Figure + " == 0")
			if err == nil { // a duration may not be 0 without unit, and so on
				require.Equal(t, got.Figure, again.Figure)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"", "column 1: a metric is missing: write it as in p95(confirm) < 8s"},
		{"< 3", "column 1: a metric is missing: write it as in p95(confirm) < 8s"},
		{"bytes_per_paymnt < 900", `column 1: no metric is named "bytes_per_paymnt": did you mean bytes_per_payment?`},
		{"zzzzzzzzzzz < 900", `column 1: no metric is named "zzzzzzzzzzz"; docs/metrics.md lists them`},
		{"confirm < 8s", "column 1: confirm has many values: say which is meant, such as p95(confirm)"},
		{"p95(confirmed) < 8s", "column 5: confirmed is one number, not a series: write it without p95( )"},
		{"p95(payments) < 8s", "column 5: payments is one number, not a series: write it without p95( )"},
		{"p95(feedbak) < 8s", `column 5: no series is named "feedbak": did you mean feedback?`},
		{"p95() < 8s", "column 5: a series is missing: write it as in p95(confirm)"},
		{"p95(confirm < 8s", "column 13: a closing parenthesis is missing after confirm"},
		{"p75(confirm) < 8s", `column 1: "p75" cannot be taken of a series: use mean, p50, p90, p95, p99, max`},
		{"p95(confirm) 8s", "column 14: a comparison is missing after p95(confirm): one of < <= > >= == !="},
		{"p95(confirm)", "column 13: a comparison is missing after p95(confirm): one of < <= > >= == !="},
		{"payments = 3", "column 10: = is not a comparison: write == for equal"},
		{"p95(confirm) <", "column 15: a value is missing after <: write a duration such as 20s or 300ms"},
		{"p95(confirm) < 20", `column 16: p95(confirm) is a duration: "20" has no unit; write a duration such as 20s or 300ms`},
		{"p95(confirm) < 9KB", `column 16: p95(confirm) is a duration: "9KB" is a size; write a duration such as 20s or 300ms`},
		{"bytes_per_payment < 20s", `column 21: bytes_per_payment is a size in bytes: "20s" is a duration; write a size such as 900 or 1.5KB`},
		{"bytes_per_payment < 20 XB", `column 21: bytes_per_payment is a size in bytes: "20 XB" has no unit I know; write a size such as 900 or 1.5KB`},
		{"loss_up < 5", `column 11: loss_up is a share: "5" is above 1; write a share such as 10% or 0.1`},
		{"loss_up < 101%", `column 11: loss_up is a share: "101%" is above 1; write a share such as 10% or 0.1`},
		{"loss_up < 5ms", `column 11: loss_up is a share: "5ms" is a duration; write a share such as 10% or 0.1`},
		{"lost == 0%", `column 9: lost is a plain number: "0%" is a percentage; write a number such as 0 or 2.5`},
		{"lost == -1", `column 9: lost is a plain number: "-1" is not a number of 0 or more; write a number such as 0 or 2.5`},
		{"lost == 1.2.3", `column 9: lost is a plain number: "1.2.3" is not a number of 0 or more; write a number such as 0 or 2.5`},
		{"p95(confirm, tunnel) < 8s", "column 14: a phase is missing: write it as in phase: tunnel"},
		{"p95(confirm, phase tunnel) < 8s", "column 14: a phase is missing: write it as in phase: tunnel"},
		{"p95(confirm, phase: ) < 8s", "column 21: the name of a phase is missing"},
		{`p95(confirm, phase: "") < 8s`, "column 21: the name of a phase is missing"},
		{`p95(confirm, phase: "tunnel) < 8s`, "column 21: the quotation mark that opens the name of the phase is not closed"},
		{`p95(confirm, phase: 'tunnel) < 8s`, "column 21: the quotation mark that opens the name of the phase is not closed"},
		{"p95(confirm, phase: the tunnel) < 8s", "column 25: a closing parenthesis is missing after the phase; a name of more than a word stands in quotation marks"},
		{"confirm(phase: tunnel) < 8s", "column 1: confirm has many values: say which is meant, such as p95(confirm)"},
		{"bytes_per_paymnt(phase: tunnel) < 8", `column 1: no metric is named "bytes_per_paymnt": did you mean bytes_per_payment?`},
		{"bytes_per_payment(tunnel) < 8", "column 19: a phase is missing: write it as in phase: tunnel"},
		{"lost(phase: tunnel) == 0", "column 1: lost is of the whole run: write it without ( )"},
		{"joules_per_payment < 12 W", `column 22: joules_per_payment is an energy: "12 W" has no unit I know; write an energy such as 12 or 12J`},
		{"joules_per_payment < 12s", `column 22: joules_per_payment is an energy: "12s" is a duration; write an energy such as 12 or 12J`},
		{"bytes_per_payment < 12J", `column 21: bytes_per_payment is a size in bytes: "12J" is an energy; write a size such as 900 or 1.5KB`},
		{"größe < 3", `column 1: no metric is named "größe"; docs/metrics.md lists them`},
	} {
		t.Run(tc.text, func(t *testing.T) {
			got, err := Parse(tc.text)
			require.EqualError(t, err, tc.want)
			require.Zero(t, got)
		})
	}
}

func TestParseAllNamesEveryMistake(t *testing.T) {
	got, err := ParseAll([]harness.Expectation{
		{Text: "lost == 0", Line: 7},
		{Text: "lots == 0", Line: 8},
		{Text: "lost = 0"},
	})
	require.Nil(t, got)
	require.EqualError(t, err, `line 8: expect "lots == 0": column 1: no metric is named "lots": did you mean lost?`+"\n"+
		`expect "lost = 0": column 6: = is not a comparison: write == for equal`)

	got, err = ParseAll([]harness.Expectation{{Text: "lost == 0", Line: 7}})
	require.NoError(t, err)
	require.Equal(t, 7, got[0].Line)
}

func TestEvaluate(t *testing.T) {
	figures := result.Figures{{Name: "payments", Unit: result.Count, Value: 3}}
	expect := []struct {
		text string
		want result.Status
	}{
		{"payments < 3", result.Fail},
		{"payments <= 3", result.Pass},
		{"payments > 3", result.Fail},
		{"payments >= 3", result.Pass},
		{"payments == 3", result.Pass},
		{"payments != 3", result.Fail},
		{"payments > 2", result.Pass},
		{"p95(confirm) < 20s", result.StatusUnknown},
		{"max(confirm) > 0s", result.StatusUnknown},
	}
	var all []Threshold
	for _, e := range expect {
		th, err := Parse(e.text)
		require.NoError(t, err)
		all = append(all, th)
	}
	got := Evaluate(all, figures, nil)
	require.Len(t, got, len(expect))
	for i, e := range expect {
		require.Equal(t, e.want, got[i].Status, e.text)
		require.Equal(t, e.text, got[i].Text)
		require.Equal(t, e.want == result.StatusUnknown, got[i].Reason != "", e.text)
		require.Equal(t, e.want == result.StatusUnknown, got[i].Got == result.Figure{}, e.text)
	}
	require.Equal(t, "no payment was told confirmed", got[7].Reason)
}

func TestEvaluatePhase(t *testing.T) {
	phases := []result.PhaseStat{{Phase: history.Phase{Name: "edge"}}, {Phase: history.Phase{Name: "edge"}}, {Phase: history.Phase{Name: "after it"}}}
	one := func(text string, phases []result.PhaseStat) result.Threshold {
		th, err := Parse(text)
		require.NoError(t, err)
		return Evaluate([]Threshold{th}, result.Figures{{Name: "payments(phase: edge)", Value: 3}}, phases)[0]
	}
	require.Equal(t, result.Pass, one("payments(phase: edge) == 3", phases).Status)
	require.Equal(t, result.Fail, one("payments(phase: edge) == 4", phases).Status)
	for text, want := range map[string]string{
		"payments(phase: egde) == 3":          `no phase was named egde; there were edge, "after it"`,
		"p50(confirm, phase: edge) < 3s":      "in this phase: no payment was told confirmed",
		`p50(confirm, phase: "nach") < 3s`:    `no phase was named nach; there were edge, "after it"`,
		"p50(confirm, phase: 'the end') < 3s": `no phase was named "the end"; there were edge, "after it"`,
	} {
		got := one(text, phases)
		require.Equal(t, result.StatusUnknown, got.Status)
		require.Equal(t, want, got.Reason)
	}
	require.Equal(t, "the run had no phases", one("payments(phase: egde) == 3", nil).Reason)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"p95(confirm) < 20s", "bytes_per_payment<=1.5KB", "loss_up < 10%", "lost == 0", "p95(", "größe(", "max(confirm, phase: tunnel) < 1s", `payments(phase: "a b") == 1`, "payments(phase: 'a<b') == 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if err != nil {
			require.Zero(t, got)
			var pe *ParseError
			require.ErrorAs(t, err, &pe)
			require.GreaterOrEqual(t, pe.Column, 1)
			require.LessOrEqual(t, pe.Column, len(text)+1)
			require.NotContains(t, pe.Reason, "\n")
			return
		}
		again, err := Parse(strings.TrimSpace(got.Figure) + got.Op.String() + strings.TrimLeft(text[strings.LastIndexAny(text, "<>=")+1:], " \t"))
		require.NoError(t, err)
		require.Equal(t, got.Figure, again.Figure)
		require.Equal(t, got.Value, again.Value)
		require.GreaterOrEqual(t, got.Value, 0.0)
	})
}
