package tables

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

func TestAskedLossIsWeightedByPackets(t *testing.T) {
	t.Parallel()
	phase := func(p float64, delivered, lost, outage int64) result.PhaseStat {
		var s result.PhaseStat
		s.Profile.Up.Loss.P = p
		s.Up = result.Realised{Delivered: delivered, Lost: lost, Outage: outage}
		return s
	}
	// An outage is not random loss: its packets have no weight.
	share, packets := askedLoss([]result.PhaseStat{phase(0.1, 270, 30, 0), phase(0, 100, 0, 500)}, harness.Up)
	require.InDelta(t, 400, packets, 1e-9)
	require.InDelta(t, 0.075, share, 1e-9)
	_, packets = askedLoss([]result.PhaseStat{phase(0.1, 0, 0, 10)}, harness.Up)
	require.Zero(t, packets, "no packet was judged")
}

func TestLossAsAsked(t *testing.T) {
	t.Parallel()
	run := func(name string, asked float64, packets int64, impairment result.Status) result.Result {
		var p result.PhaseStat
		p.Profile.Down.Loss.P, p.Down.Delivered = asked, packets
		r := result.Result{Phases: []result.PhaseStat{p}, Verdicts: []result.Verdict{{Check: "impairment", Status: impairment}}}
		r.Scenario.Name = name
		return r
	}
	require.Empty(t, lossAsAsked([]result.Result{run("edge", 0, 100, result.Pass)}))
	require.Equal(t, "loss: as asked, within chance, in 1 run", lossAsAsked([]result.Result{run("edge", 0, 100, result.Pass), run("2g", 0.02, 100, result.Pass)}))
	require.Equal(t, "loss: too few packets to tell in 2 runs; not shown to be as asked in bad, worse: see the check impairment", lossAsAsked([]result.Result{
		run("short", 0.02, 49, result.Pass), run("bad", 0.02, 1000, result.StatusUnknown), run("rare", 0.001, 900, result.Pass), run("worse", 0.02, 1, result.Fail),
	}))
}

// Fifty of sixty confirmed is a pass if the other ten were declined: the table says so.
func TestOutcomesHaveColumnsIfThereAreAny(t *testing.T) {
	t.Parallel()
	g := Runs([]result.Result{
		{Figures: result.Figures{{Name: "payments", Value: 60}, {Name: "confirmed", Value: 50}, {Name: "declined", Value: 10}, {Name: "expired", Value: 0}}},
		{Figures: result.Figures{{Name: "payments", Value: 60}, {Name: "confirmed", Value: 59}, {Name: "unknown", Value: 1}}},
	})
	var heads, first []string
	for i, h := range g.Heads[2:6] {
		heads, first = append(heads, h.Flat()), append(first, g.Rows[0][i+2].Text)
	}
	require.Equal(t, []string{"payments", "confirmed", "declined", "unknown"}, heads)
	require.Equal(t, []string{"60", "50", "10", "–"}, first)
}

func TestWhatIsNotKnownIsNotZero(t *testing.T) {
	t.Parallel()
	r := result.Result{Verdicts: []result.Verdict{{Check: "lost", Status: result.StatusUnknown}}}
	row := map[string]string{}
	g := Runs([]result.Result{r, {Energy: &result.Energy{}}})
	for i, h := range g.Heads {
		row[h.Flat()] = g.Rows[0][i].Text
	}
	require.Equal(t, map[string]string{
		"verdict": "UNKNOWN", "scenario": "(no name)", "payments": "–", "confirmed": "–", "lost": "?", "duplicated": "–",
		"p95 confirm": "–", "bytes a payment": "–", "joules a payment": "–", "loss up/down": "–", "asked up/down": "–", "engine": "–",
	}, row)
}

// What only some links do has a column only where one does it.
func TestPhasesShowWhatThereIs(t *testing.T) {
	t.Parallel()
	heads := func(p ...result.PhaseStat) (names []string) {
		for _, h := range Phases(p).Heads {
			names = append(names, h.Flat())
		}
		return names[13:]
	}
	require.Empty(t, heads(result.PhaseStat{}))
	asked := harness.Path{Reorder: 0.1, Duplicate: 0.2, Corrupt: 0.3, Loss: harness.Loss{GE: &harness.GEModel{P: 0.1, R: 0.5, LossBad: 1}}}
	all := []string{"burst asked/got", "reordered asked/got", "duplicated asked/got", "corrupted asked/got", "lost in outage", "outage met", "lost in queue", "barred"}
	require.Equal(t, all[:4], heads(result.PhaseStat{Phase: history.Phase{Profile: harness.Profile{Down: asked}}}))
	got := result.Realised{Delivered: 10, Lost: 6, Bursts: 2, Reordered: 1, Duplicated: 2, Corrupted: 3, Outage: 4, Queue: 5, Barred: 6, OutageFirst: 3 * time.Second, OutageLast: 5 * time.Second}
	require.Equal(t, all[1:], heads(result.PhaseStat{}, result.PhaseStat{Down: got}))

	g := Phases([]result.PhaseStat{{Phase: history.Phase{Profile: harness.Profile{Down: asked}}, Down: got}})
	var row []string
	for _, c := range g.Rows[1][13:] {
		row = append(row, c.Text)
	}
	require.Equal(t, []string{"2.0/3.0", "10/10%", "20/20%", "30/30%", "4", "2.00s", "5", "6"}, row)
	require.Equal(t, "–/–", g.Rows[0][13].Text)
}
