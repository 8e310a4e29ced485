package reports

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

func writers() []func([]result.Result) Report {
	return []func([]result.Result) Report{Console, JUnit, Markdown}
}

func TestAskedLossIsWeightedByPackets(t *testing.T) {
	t.Parallel()
	phase := func(p float64, delivered, lost, outage int64) result.PhaseStat {
		var s result.PhaseStat
		s.Profile.Up.Loss.P = p
		s.Up = result.Realised{Delivered: delivered, Lost: lost, Outage: outage}
		return s
	}
	// An outage is not random loss: its packets have no weight.
	share, ok := askedLoss([]result.PhaseStat{phase(0.1, 270, 30, 0), phase(0, 100, 0, 500)}, harness.Up)
	require.True(t, ok)
	require.InDelta(t, 0.075, share, 1e-9)
	_, ok = askedLoss([]result.PhaseStat{phase(0.1, 0, 0, 10)}, harness.Up)
	require.False(t, ok, "no packet was judged")
}

func TestWhatIsNotKnownIsNotZero(t *testing.T) {
	t.Parallel()
	r := result.Result{Verdicts: []result.Verdict{{Check: "lost", Status: result.StatusUnknown}}}
	row := map[string]string{}
	for _, c := range runColumns() {
		row[c.Flat()] = c.cell(r).Text
	}
	require.Equal(t, map[string]string{
		"verdict": "UNKNOWN", "scenario": "(no name)", "payments": "–", "confirmed": "–", "lost": "?", "duplicated": "–",
		"p95 confirm": "–", "bytes a payment": "–", "joules a payment": "–", "loss up/down": "–", "asked up/down": "–", "engine": "–",
	}, row)
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// The table of runs fits every terminal of a usable width, and what stands on
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
		rows := slices.Collect(strings.Lines(sgr.ReplaceAllString(b.String(), "")))[:2+len(results)]
		ends := map[int]bool{}
		for i, row := range rows {
			row = strings.TrimRight(row, "\n")
			require.LessOrEqual(t, format.Width(row), limit)
			require.Equal(t, strings.TrimRight(row, " "), row)
			if i >= 2 {
				ends[format.Width(row[:payments.FindStringSubmatchIndex(row)[3]])] = true
			}
		}
		require.Len(t, ends, 1, "the payments of all rows end in one column:\n%s", b.String())
	})
}

// payments finds the third column of the table of runs.
var payments = regexp.MustCompile(` (200|–) `)

// What only some links do has a column only where one does it.
func TestPhasesShowWhatThereIs(t *testing.T) {
	t.Parallel()
	heads := func(p ...result.PhaseStat) (names []string) {
		for _, h := range phaseGrid(p).Heads {
			names = append(names, h.Flat())
		}
		return names[13:]
	}
	require.Empty(t, heads(result.PhaseStat{}))
	asked := harness.Path{Reorder: 0.1, Duplicate: 0.2, Corrupt: 0.3, Loss: harness.Loss{GE: &harness.GEModel{P: 0.1, R: 0.5, LossBad: 1}}}
	all := []string{"burst asked/got", "reordered asked/got", "duplicated asked/got", "corrupted asked/got", "lost in outage", "outage met", "lost in queue", "barred"}
	require.Equal(t, all[:4], heads(result.PhaseStat{Phase: history.Phase{Profile: harness.Profile{Down: asked}}}))
	got := result.Realised{Delivered: 10, Lost: 6, Bursts: 2, Reordered: 1, Duplicated: 2, Corrupted: 3, Outage: 4, Queue: 5, Barred: 6, OutageFirst: 3 * s, OutageLast: 5 * s}
	require.Equal(t, all[1:], heads(result.PhaseStat{}, result.PhaseStat{Down: got}))

	g := phaseGrid([]result.PhaseStat{{Phase: history.Phase{Profile: harness.Profile{Down: asked}}, Down: got}})
	var row []string
	for _, c := range g.Rows[1][13:] {
		row = append(row, c.Text)
	}
	require.Equal(t, []string{"2.0/3.0", "10/10%", "20/20%", "30/30%", "4", "2.00s", "5", "6"}, row)
	require.Equal(t, "–/–", g.Rows[0][13].Text)
}

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
		Phases:     []result.PhaseStat{{}, {Phase: history.Phase{Profile: harness.Profile{Up: harness.Path{Trace: &harness.Trace{}, Loss: harness.Loss{GE: &harness.GEModel{}}}}}}},
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
