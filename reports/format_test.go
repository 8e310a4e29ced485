package reports

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

func writers() []func([]result.Result) Report {
	return []func([]result.Result) Report{Console, JUnit, Markdown}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit  result.Unit
		value float64
		want  string
	}{
		{result.Count, 200, "200"},
		{result.Count, 1.385, "1.39"},
		{result.Count, 123456789, "123456789"},
		{result.UnitUnknown, 0, "0"},
		{result.Bytes, 812.4, "812 B"},
		{result.Bytes, 9999, "9999 B"},
		{result.Bytes, 12345, "12.3 kB"},
		{result.Bytes, 2.5e6, "2.5 MB"},
		{result.Ratio, 0, "0%"},
		{result.Ratio, 0.0194, "1.94%"},
		{result.Ratio, 1, "100%"},
		{result.Ratio, 1e-7, "<0.001%"},
		{result.Seconds, 0.4127, "413ms"},
		{result.Seconds, 8.312, "8.31s"},
		{result.Seconds, 1e12, "1e+12s"},
		{result.Seconds, math.NaN(), "NaNs"},
		{result.BitPerSecond, 118400, "118 kbit/s"},
		{result.BitPerSecond, 2480, "2.48 kbit/s"},
		{result.BitPerSecond, 0, "0 bit/s"},
		{result.Joules, 0.5, "0.5 J"},
	} {
		require.Equal(t, c.want, figure(result.Figure{Unit: c.unit, Value: c.value}), "%v %v", c.value, c.unit)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                         "0s",
		210 * time.Microsecond:    "210µs",
		1500 * time.Microsecond:   "1.5ms",
		9960 * time.Microsecond:   "10.0ms",
		413 * time.Millisecond:    "413ms",
		999600 * time.Microsecond: "1.00s",
		8312 * time.Millisecond:   "8.31s",
		9996 * time.Millisecond:   "10.0s",
		61250 * time.Millisecond:  "61.2s",
		99960 * time.Millisecond:  "1m40s",
		3 * time.Hour:             "3h0m0s",
		-5 * time.Millisecond:     "-5.0ms",
	} {
		require.Equal(t, want, duration(d))
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0", 0.0194: "1.9", 0.02: "2", 0.0001: "<0.1", 0.0006: "0.1", 0.333: "33.3", 1: "100"} {
		require.Equal(t, want, brief(share))
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b c\ufffd[31m \ufffd決済 👩‍🔧", clean("a\nb\tc\x1b[31m\u202e \xff決済\r 👩‍🔧"))
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
	for _, c := range columns([]result.Result{r, {Energy: &result.Energy{}}}) {
		row[c.flat()] = c.cell(r).text
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
		st := style{width: limit, colour: rapid.Bool().Draw(t, "colour")}
		var b strings.Builder
		drawRuns(&b, st, results)
		rows := slices.Collect(strings.Lines(sgr.ReplaceAllString(b.String(), "")))[:2+len(results)]
		ends := map[int]bool{}
		for i, row := range rows {
			row = strings.TrimRight(row, "\n")
			require.LessOrEqual(t, width(row), limit)
			require.Equal(t, strings.TrimRight(row, " "), row)
			if i >= 2 {
				ends[width(row[:payments.FindStringSubmatchIndex(row)[3]])] = true
			}
		}
		require.Len(t, ends, 1, "the payments of all rows end in one column:\n%s", b.String())
	})
}

// payments finds the third column of the table of runs.
var payments = regexp.MustCompile(` (200|–) `)

func TestItemWrapsUnderItsText(t *testing.T) {
	t.Parallel()
	draw := func(limit int, text string) string {
		var b strings.Builder
		style{width: limit}.item(&b, "  ", []cell{{text: "FAIL"}, {text: "lost"}}, text)
		return b.String()
	}
	const text = "one payment was confirmed and is not booked"
	require.Equal(t, "  FAIL  lost  "+text+"\n", draw(0, text), "no terminal, no wrapping")
	require.Equal(t, "  FAIL  lost  one payment was confirmed\n              and is not booked\n", draw(40, text))
	require.Equal(t, "  FAIL  lost  "+text+"\n", draw(30, text), "too narrow to wrap")
	require.Equal(t, "  FAIL  lost  \n", draw(40, ""))
}

// What only some links do has a column only where one does it.
func TestPhasesShowWhatThereIs(t *testing.T) {
	t.Parallel()
	heads := func(p ...result.PhaseStat) (names []string) {
		for _, h := range phaseGrid(p).heads {
			names = append(names, h.flat())
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
	for _, c := range g.rows[1][13:] {
		row = append(row, c.text)
	}
	require.Equal(t, []string{"2.0/3.0", "10/10%", "20/20%", "30/30%", "4", "2.00s", "5", "6"}, row)
	require.Equal(t, "–/–", g.rows[0][13].text)
}

func TestEnergyWithoutPowersHasNoJoules(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	drawEnergy(&b, style{}, result.Result{Energy: &result.Energy{
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
	drawFigures(&b, style{}, result.Result{
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
