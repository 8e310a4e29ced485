package reports

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

func writers() []func([]result.Result) Report {
	return []func([]result.Result) Report{Console, JUnit, Markdown}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// The table of runs fits every terminal of a usable width and cuts no name, and what stands on
// the right of its column ends where the column ends, in any script.
func TestTableFitsAndAligns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(60, 200).Draw(t, "limit")
		results := batch()
		for i := range results {
			results[i].Scenario.Name = rapid.StringOfN(rapid.SampledFrom([]rune("abc-決済e\u0301\u00e9ｱ👍")), 1, 60, -1).Draw(t, "name")
		}
		st := format.Style{Width: limit, Colour: rapid.Bool().Draw(t, "colour")}
		var b strings.Builder
		drawRuns(&b, st, results)
		text := sgr.ReplaceAllString(b.String(), "")
		ends, rows := map[int]bool{}, 0
		for row := range strings.Lines(text) {
			row = strings.TrimRight(row, "\n")
			require.LessOrEqual(t, format.Width(row), limit)
			require.Equal(t, strings.TrimRight(row, " "), row)
			if at := payments.FindStringSubmatchIndex(row); at != nil {
				rows++
				ends[format.Width(row[:at[3]])] = true
			}
		}
		require.Equal(t, len(results), rows)
		require.Len(t, ends, 1, "the payments of all rows end in one column:\n%s", b.String())
		unbroken := strings.NewReplacer("\n", "", " ", "")
		for _, r := range results {
			require.Contains(t, unbroken.Replace(text), unbroken.Replace(r.Scenario.Name), "no name is cut")
		}
	})
}

// payments finds the third column of the table of runs.
var payments = regexp.MustCompile(` (200|–) +(?:198|–) `)

func TestEnergyWithoutPowersHasNoJoules(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	drawEnergy(&b, format.Style{}, result.Result{Energy: &result.Energy{
		Model: "nr-sa", Title: "5G", Approximate: true, Phones: 1, Wakeups: 2,
		States: []result.RadioState{{Name: "IDLE", Time: 3 * s}},
	}})
	require.Equal(t, `
energy
  5G (nr-sa), 1 phone, 2 wake-ups
  the model has no powers: times only
  approximate: reckoned from chunks of a stream, not from packets
  state   time  energy
  IDLE   3.00s       –
`, b.String())
}

func TestReportsSurviveAnyResult(t *testing.T) {
	t.Parallel()
	odd := result.Result{
		Status:     result.Status(9),
		Verdicts:   []result.Verdict{{Count: 3}, {Check: "lost", Findings: []result.Finding{{}}}},
		Thresholds: []result.Threshold{{}},
		Figures:    result.Figures{{Value: math.NaN()}, {Unit: result.Bytes, Value: math.Inf(1)}},
		Phases:     []result.PhaseStat{{}, {Phase: history.Phase{Profile: harness.Profile{Up: harness.Path{Trace: &delivery.Trace{}, Loss: harness.Loss{GE: &harness.GEModel{}}}}}}},
		Energy:     &result.Energy{States: []result.RadioState{{}}},
		Faults:     []result.FaultStat{{Event: 7}},
	}
	for _, results := range [][]result.Result{nil, {{}}, {odd}, {odd, {}}} {
		for _, write := range writers() {
			require.NoError(t, write(results)(&bytes.Buffer{}))
		}
	}
}

func TestFiguresOfOneQuantityShareARow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	drawFigures(&b, format.Style{}, result.Result{
		Verdicts: []result.Verdict{{Check: "lost", Status: result.Pass}},
		Figures: result.Figures{
			{Name: "payments", Unit: result.Count, Value: 3},
			{Name: "lost", Unit: result.Count},
			{Name: "p50(confirm)", Unit: result.Seconds, Value: 1.5},
			{Name: "p50(feedback)", Unit: result.Seconds, Value: 0.001},
			{Name: "max(feedback)", Unit: result.Seconds, Value: 0.25},
			{Name: "max(attempt)", Unit: result.Seconds, Value: 20},
			{Name: "p50(confirm, phase: edge)", Unit: result.Seconds, Value: 2},
			{Name: "payments(phase: edge)", Unit: result.Count, Value: 2},
		},
	})
	require.Equal(t, `
figures
  payments               3
  payments(phase: edge)  2

                          p50    max
  confirm               1.50s      –
  feedback              1.0ms  250ms
  attempt                   –  20.0s
  confirm, phase: edge  2.00s      –
`, b.String())
}

func TestTroublesSayTheSameOnce(t *testing.T) {
	t.Parallel()
	unknown := func(check, summary string, findings ...result.Finding) result.Verdict {
		return result.Verdict{Check: check, Summary: summary, Count: len(findings), Findings: findings}
	}
	const why = "the run was interrupted"
	verdicts := []result.Verdict{
		unknown("lost", why),
		passed("load", "all made"),
		{Check: "early", Status: result.Fail, Summary: why},
		unknown("duplicated", why),
		unknown("impairment", "the reset never happened", result.Finding{Text: "the reset never happened"}),
		unknown("storm", why, result.Finding{Text: "w1-1: 90 tries"}),
	}
	require.Equal(t, []result.Verdict{
		unknown("2 checks", why+": lost, duplicated"),
		{Check: "early", Status: result.Fail, Summary: why},
		{Check: "impairment", Summary: "the reset never happened", Count: 1},
		unknown("storm", why, result.Finding{Text: "w1-1: 90 tries"}),
	}, troubles(verdicts))
	require.Equal(t, "duplicated", verdicts[3].Check, "the result itself is left alone")
	require.Len(t, verdicts[4].Findings, 1, "the result itself is left alone")
}
