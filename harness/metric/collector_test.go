package metric

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

const ms = time.Millisecond

func pay(at time.Duration, id, order string) history.Record {
	return history.Record{At: at, Pay: &harness.Payment{ID: id, Order: order}}
}

func told(at time.Duration, id string, o harness.Outcome) history.Record {
	return history.Record{At: at, Told: &harness.Told{Payment: id, Outcome: o}}
}

func packet(p harness.Packet) history.Record { return history.Record{At: p.At, Packet: &p} }

func collect(records ...history.Record) *Collector {
	c := NewCollector()
	for _, r := range records {
		c.Add(r)
	}
	return c
}

func header(payload bool, timeline ...harness.Event) history.Record {
	return history.Record{Header: &history.Header{Payload: payload, Scenario: harness.Scenario{Timeline: timeline}}}
}

// want holds the figures a case is about; a NaN must be absent.
type want map[string]float64

func TestFigures(t *testing.T) {
	absent := math.NaN()
	attempt := func(id string, status, dialed bool, took time.Duration) history.Record {
		return history.Record{Attempt: &harness.Attempt{Payment: id, Status: status, Dialed: dialed, Took: took}}
	}
	unconnected := func(id string, status bool) history.Record {
		return history.Record{Attempt: &harness.Attempt{Payment: id, Status: status, Dialed: true, NoConnection: true, Took: time.Second, Error: "refused"}}
	}
	for name, tc := range map[string]struct {
		records []history.Record
		want    want
	}{
		"nothing at all": {
			[]history.Record{header(false)},
			want{"payments": 0, "presses": 0, "confirmed": 0, "attempts_per_payment": absent, "p95(confirm)": absent, "bytes_per_payment": absent, "retransmitted_share": absent, "loss_up": absent},
		},
		"every outcome": {
			[]history.Record{
				header(false),
				pay(0, "p1", "o1"), pay(0, "p2", "o2"), pay(0, "p3", "o3"), pay(0, "p4", "o4"), pay(0, "p5", "o5"), pay(0, "p6", "o6"), pay(0, "p7", "o7"),
				told(1, "p1", harness.Queued), told(2, "p1", harness.Confirmed), told(2, "p2", harness.Declined), told(2, "p3", harness.Expired),
				told(2, "p4", harness.Failed), told(2, "p5", harness.OutcomeUnknown), told(2, "p6", harness.Queued),
			},
			want{"payments": 7, "presses": 7, "confirmed": 1, "declined": 1, "expired": 1, "failed": 1, "unknown": 2, "queued": 1, "recovered": 0},
		},
		"the last outcome counts, recovered or not": {
			[]history.Record{
				pay(0, "p1", "o1"), told(1, "p1", harness.OutcomeUnknown), told(2, "p1", harness.Confirmed),
				pay(0, "p2", "o2"), told(1, "p2", harness.Confirmed), told(2, "p2", harness.OutcomeUnknown),
			},
			want{"payments": 2, "confirmed": 1, "unknown": 1, "recovered": 1},
		},
		"presses of an order are one payment, timed from the first": {
			[]history.Record{
				pay(1*time.Second, "p1", "o1"), pay(5*time.Second, "p2", "o1"),
				told(2*time.Second, "p1", harness.OutcomeUnknown), told(6*time.Second, "p2", harness.Confirmed), told(9*time.Second, "p1", harness.Confirmed),
			},
			want{"payments": 1, "presses": 2, "confirmed": 1, "recovered": 1, "p50(confirm)": 5, "max(confirm)": 5, "mean(feedback)": 1},
		},
		"a refused second press does not undo the first": {
			[]history.Record{
				pay(0, "p1", "o1"), pay(1, "p2", "o1"), told(3, "p1", harness.Confirmed), told(4, "p2", harness.Declined),
			},
			want{"payments": 1, "confirmed": 1, "declined": 0},
		},
		"payments without an order are each their own": {
			[]history.Record{pay(0, "p1", ""), pay(0, "p2", "")},
			want{"payments": 2, "presses": 2, "unknown": 2},
		},
		"told of a payment nobody asked for": {
			[]history.Record{pay(0, "p1", "o1"), told(3, "p9", harness.Confirmed)},
			want{"payments": 1, "confirmed": 0, "p50(feedback)": absent},
		},
		"attempts": {
			[]history.Record{
				pay(0, "p1", "o1"), pay(0, "p2", "o2"),
				attempt("p1", false, true, 100*ms), attempt("p1", true, true, 900*ms), attempt("p1", false, false, 300*ms), attempt("p2", false, true, 200*ms),
			},
			want{"attempts_per_payment": 1.5, "status_queries_per_payment": 0.5, "connections_per_payment": 1.5, "failed_dials_per_payment": 0, "mean(attempt)": 0.2, "p50(attempt)": 0.2, "max(attempt)": 0.3},
		},
		"dials that found no server": {
			[]history.Record{
				pay(0, "p1", "o1"), pay(0, "p2", "o2"),
				attempt("p1", false, true, 100*ms), unconnected("p1", false), unconnected("p1", true), unconnected("p2", false),
			},
			want{
				"attempts_per_payment": 0.5, "status_queries_per_payment": 0, "connections_per_payment": 2, "failed_dials_per_payment": 1.5,
				"mean(attempt)": 0.1, "max(attempt)": 0.1,
			},
		},
		"no dial found a server": {
			[]history.Record{pay(0, "p1", "o1"), unconnected("p1", false)},
			want{"attempts_per_payment": 0, "failed_dials_per_payment": 1, "mean(attempt)": absent},
		},
		"traffic": {
			[]history.Record{
				header(false), pay(0, "p1", "o1"), pay(0, "p2", "o2"),
				packet(harness.Packet{Direction: harness.Up, Size: 60}),
				packet(harness.Packet{Direction: harness.Up, Size: 60, Retransmit: true}),
				packet(harness.Packet{Direction: harness.Up, Size: 80, Drop: harness.DropLoss}),
				packet(harness.Packet{Direction: harness.Up, Size: 80, Drop: harness.DropOutage}),
				packet(harness.Packet{Direction: harness.Down, Size: 100, Drop: harness.DropQueue}),
			},
			want{
				"bytes_per_payment": 190, "bytes_up_per_payment": 140, "bytes_down_per_payment": 50,
				"packets_per_payment": 2.5, "packets_up_per_payment": 2, "packets_down_per_payment": 0.5,
				"retransmitted_share": 0.2, "loss_up": 1.0 / 3, "loss_down": absent,
			},
		},
		"cross traffic and copies cost no payment": {
			[]history.Record{
				header(false), pay(0, "p1", "o1"),
				packet(harness.Packet{N: 1, Direction: harness.Up, Size: 60}),
				packet(harness.Packet{N: 1, Direction: harness.Up, Size: 60, Copy: true}),
				packet(harness.Packet{N: 2, Direction: harness.Up, Size: 1500, Cross: true, Retransmit: true}),
				packet(harness.Packet{N: 3, Direction: harness.Up, Size: 1500, Cross: true, Drop: harness.DropLoss}),
			},
			want{"bytes_per_payment": 60, "packets_per_payment": 1, "retransmitted_share": 0, "loss_up": 1.0 / 3},
		},
		"an engine of byte streams": {
			[]history.Record{header(true), pay(0, "p1", "o1"), packet(harness.Packet{Direction: harness.Up, Size: 60})},
			want{"bytes_per_payment": 60, "packets_per_payment": absent, "retransmitted_share": absent, "loss_up": absent},
		},
	} {
		t.Run(name, func(t *testing.T) {
			figures := collect(tc.records...).Figures()
			for name, want := range tc.want {
				got, ok := figures.Get(name)
				require.Equal(t, !math.IsNaN(want), ok, "%s is among the figures", name)
				if ok {
					require.InDelta(t, want, got.Value, 1e-9, name)
				}
			}
		})
	}
}

func TestFiguresComeInTheOrderOfTheCatalogueWithItsUnits(t *testing.T) {
	c := collect(withRadio(false), pay(0, "p1", "o1"), told(time.Second, "p1", harness.Confirmed),
		history.Record{Attempt: &harness.Attempt{Payment: "p1"}},
		packet(harness.Packet{Direction: harness.Up}), packet(harness.Packet{Direction: harness.Down}))
	var want result.Figures
	var verdicts []result.Verdict
	for _, m := range Catalogue() {
		for _, name := range m.Figures() {
			want = append(want, result.Figure{Name: name, Unit: m.Unit})
		}
	}
	for _, m := range checks() {
		verdicts = append(verdicts, result.Verdict{Check: m.Name, Status: result.Pass})
	}
	got := append(c.Figures(), VerdictFigures(verdicts)...)
	for i := range got {
		got[i].Value = 0
	}
	require.Equal(t, want, got)
}

func TestVerdictFigures(t *testing.T) {
	got := VerdictFigures([]result.Verdict{
		{Check: "load", Status: result.Pass},
		{Check: "duplicated", Status: result.Fail, Count: 3},
		{Check: "lost", Status: result.Pass},
		{Check: "early", Status: result.StatusUnknown},
	})
	require.Equal(t, result.Figures{
		{Name: "lost", Unit: result.Count, Value: 0},
		{Name: "duplicated", Unit: result.Count, Value: 3},
	}, got)
}

func TestPhases(t *testing.T) {
	phase := func(at time.Duration, name string) history.Record {
		return history.Record{At: at, Phase: &history.Phase{Name: name}}
	}
	up := func(at, delay time.Duration, size int, drop harness.DropReason) history.Record {
		return packet(harness.Packet{At: at, Direction: harness.Up, Delay: delay, Late: delay / 10, Size: size, Drop: drop})
	}
	c := collect(
		up(0, 0, 1, harness.DropLoss), // before the first phase
		phase(1*time.Second, "edge"),
		up(1*time.Second, 100*ms, 100, harness.DropNone),
		up(1200*ms, 0, 50, harness.DropLoss),
		up(1300*ms, 0, 50, harness.DropQueue),
		phase(2*time.Second, "tunnel"),
		up(2100*ms, 0, 40, harness.DropOutage),
		up(1900*ms, 300*ms, 200, harness.DropNone), // arrives in the tunnel, was offered before
		packet(harness.Packet{At: 2500 * ms, Direction: harness.Down, Size: 7, Drop: harness.DropStopped}),
		history.Record{At: 3 * time.Second, End: &history.End{}},
	)
	got := c.Phases()
	require.Len(t, got, 2)
	require.Equal(t, "edge", got[0].Name)
	require.Equal(t, time.Second, got[0].From)
	require.Equal(t, 2*time.Second, got[0].To)
	require.Equal(t, result.Realised{
		Offered: 4, Delivered: 2, Lost: 1, Queue: 1, Bytes: 400,
		DelayMean: 200 * ms, DelaySD: 100 * ms, LateMean: 20 * ms, PeakRate: 1600, MeanRate: 2400,
	}, got[0].Up)
	require.Zero(t, got[0].Down)
	require.Equal(t, 3*time.Second, got[1].To)
	require.Equal(t, result.Realised{Offered: 1, Outage: 1, Bytes: 40, OutageFirst: 2100 * ms, OutageLast: 2100 * ms}, got[1].Up)
	require.Equal(t, result.Realised{Offered: 1, Bytes: 7}, got[1].Down)
}

func TestPropertyMomentsOfTheDelay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delays := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "delays")
		c := collect(history.Record{Phase: &history.Phase{}})
		mean := 0.0
		for _, d := range delays {
			mean += float64(d) / float64(len(delays))
			c.Add(packet(harness.Packet{Direction: harness.Down, Delay: time.Duration(d)}))
		}
		squares := 0.0
		for _, d := range delays {
			squares += (float64(d) - mean) * (float64(d) - mean)
		}
		got := c.Phases()[0].Down
		require.InDelta(t, mean, float64(got.DelayMean), 1+mean*1e-9)
		sd := math.Sqrt(squares / float64(len(delays)))
		require.InDelta(t, sd, float64(got.DelaySD), 1+sd*1e-6)
	})
}

// The peak is never above the most that arrived in any second on one link, and
// at most one step of the window below it.
func TestPropertyPeakRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		c := collect(history.Record{Phase: &history.Phase{}})
		var at [2][]time.Duration
		for range n {
			client := rapid.IntRange(0, 1).Draw(t, "client")
			gap := time.Duration(rapid.Int64Range(0, int64(700*ms)).Draw(t, "gap"))
			if k := len(at[client]); k > 0 {
				gap += at[client][k-1]
			}
			at[client] = append(at[client], gap)
			c.Add(packet(harness.Packet{At: gap, Client: client, Direction: harness.Up, Size: 1}))
		}
		most := func(within time.Duration) (peak float64) {
			for _, arrivals := range at {
				for i := range arrivals {
					j, _ := slices.BinarySearch(arrivals, arrivals[i]+within)
					peak = max(peak, float64(8*(j-i)))
				}
			}
			return peak
		}
		got := c.Phases()[0].Up.PeakRate
		require.LessOrEqual(t, got, most(time.Second))
		require.GreaterOrEqual(t, got, most(time.Second-step))
	})
}

func TestFaults(t *testing.T) {
	note := func(event int, ended bool, hits int64) history.Record {
		return history.Record{Fault: &history.FaultNote{Event: event, Action: harness.Blackhole, Ended: ended, Hits: hits}}
	}
	c := collect(
		header(false,
			harness.Event{Action: harness.SetLink, Line: 4}, harness.Event{Action: harness.Blackhole, Line: 5},
			harness.Event{Action: harness.Heal, Line: 6}, harness.Event{Action: harness.Reset, Line: 7}),
		note(1, false, 0), note(1, true, 3), note(1, false, 0), note(1, true, 4),
	)
	require.Equal(t, []result.FaultStat{
		{Event: 1, Action: harness.Blackhole, Line: 5, Times: 2, Hits: 7},
		{Event: 3, Action: harness.Reset, Line: 7},
	}, c.Faults())
	require.Nil(t, collect().Faults())
}

// Quantiles are nearest-rank: the smallest sample that at least the share of
// all samples does not exceed.
func TestPropertyQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Int64Range(0, 1e12), 1, 300).Draw(t, "samples")
		c := NewCollector()
		for i, s := range samples {
			id := strconv.Itoa(i)
			c.Add(pay(time.Duration(i), id, id))
			c.Add(told(time.Duration(int64(i)+s), id, harness.Confirmed))
		}
		for percent, name := range map[int]string{50: "p50", 90: "p90", 95: "p95", 99: "p99", 100: "max"} {
			got, ok := c.Figures().Get(name + "(confirm)")
			require.True(t, ok)
			below, notAbove := 0, 0
			for _, s := range samples {
				if v := time.Duration(s).Seconds(); v < got.Value {
					below++
				} else if v > got.Value {
					continue
				}
				notAbove++
			}
			require.Less(t, below*100, percent*len(samples), name)
			require.GreaterOrEqual(t, notAbove*100, percent*len(samples), name)
		}
	})
}
