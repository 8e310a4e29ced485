package metric

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// crossed is a packet of payer 0 that arrived after its delay and some lateness.
func crossed(at time.Duration, d harness.Direction, delay, late time.Duration) harness.Packet {
	return harness.Packet{At: at, Flow: 1, Direction: d, Size: 100, Delay: delay + late, Late: late}
}

// resend is p, sent before.
func resend(p harness.Packet) harness.Packet {
	p.Retransmit = true
	return p
}

// endOf is an attempt that ended at an offset without an answer.
func endOf(at time.Duration, id string, took time.Duration) history.Record {
	return history.Record{At: at, Attempt: &harness.Attempt{Payment: id, N: 1, Took: took, Error: "time-out", Dialed: true}}
}

func TestOnTime(t *testing.T) {
	lte := history.Record{Phase: &history.Phase{Name: "lte", Profile: harness.Profile{Up: harness.Path{Delay: 25 * ms}, Down: harness.Path{Delay: 25 * ms}}}}
	answered := func(at time.Duration, id string) history.Record {
		return history.Record{At: at, Attempt: &harness.Attempt{Payment: id, N: 1, Took: at, Dialed: true}}
	}
	// A payment of 100 ms whose request and answer were late, by so much.
	paid := func(up, down time.Duration, more ...history.Record) []history.Record {
		return append([]history.Record{
			header(false), lte, pay(0, "p1", "o1"),
			packet(crossed(0, harness.Up, 25*ms, up)), packet(crossed(25*ms+up, harness.Down, 25*ms, down)),
			answered(100*ms, "p1"), told(100*ms, "p1", harness.Confirmed),
		}, more...)
	}
	for name, tc := range map[string]struct {
		records []history.Record
		want    want // nil: no packet was late
	}{
		"no packet was late": {paid(0, 0), nil},
		"request and answer": {paid(20*ms, 30*ms), want{"max(confirm)": 0.050, "max(feedback)": 0.050, "max(attempt)": 0.050, "confirmed": 1, "attempts_per_payment": 1, "bytes_per_payment": 200}},
		"both at a time count once": {
			paid(20*ms, 0, packet(crossed(0, harness.Up, 25*ms, 20*ms)), packet(crossed(5*ms, harness.Up, 25*ms, 10*ms))),
			want{"max(confirm)": 0.080},
		},
		"what is late before and after the payment does not count": {
			append([]history.Record{packet(crossed(-90*ms, harness.Down, 0, 85*ms))}, paid(0, 0, packet(crossed(101*ms, harness.Up, 0, 50*ms)))...),
			want{"max(confirm)": 0.100},
		},
		"nor what is late on the link of another": {
			paid(0, 0, packet(harness.Packet{At: 10 * ms, Client: 1, Flow: 1, Delay: 50 * ms, Late: 50 * ms, Direction: harness.Up})),
			want{"max(confirm)": 0.100},
		},
		"a program waited for a processor": {
			paid(0, 0, history.Record{At: 95 * ms, Late: 40 * ms}), want{"max(confirm)": 0.060, "max(attempt)": 0.060},
		},
		"between two late timers the machine is late": {
			paid(0, 0, history.Record{At: 70 * ms, Late: 10 * ms}, history.Record{At: 95 * ms, Late: 20 * ms}), want{"max(confirm)": 0.065},
		},
		"after a timer on time it is not": {
			paid(0, 0, history.Record{At: 70 * ms, Late: 10 * ms}, history.Record{At: 95 * ms, Late: 18 * ms}), want{"max(confirm)": 0.072},
		},
		"a timer was late while a packet was on its way": {
			paid(0, 0, history.Record{At: 24 * ms, Late: 20 * ms}), want{"max(confirm)": 0.100},
		},
		"and a little longer": {
			paid(0, 0, history.Record{At: 60 * ms, Late: 56 * ms}), want{"max(confirm)": 0.090},
		},
		"a timer and a packet at a time": {
			paid(20*ms, 0, history.Record{At: 50 * ms, Late: 50 * ms}), want{"max(confirm)": 0.080},
		},
		"nor cross traffic": {
			paid(0, ms, packet(harness.Packet{At: 10 * ms, Flow: 2, Delay: 50 * ms, Late: 50 * ms, Cross: true, Direction: harness.Up})),
			want{"max(confirm)": 0.099},
		},
		"nor copies": {
			paid(0, ms, packet(harness.Packet{At: 10 * ms, Flow: 2, Delay: 50 * ms, Late: 50 * ms, Copy: true, Direction: harness.Up})),
			want{"max(confirm)": 0.099},
		},
		"sent again after a round trip of lateness": {
			paid(60*ms, 0, packet(resend(crossed(100*ms, harness.Up, 25*ms, 0)))),
			want{"bytes_per_payment": 200, "packets_per_payment": 2, "retransmitted_share": 0},
		},
		"sent again after less": {
			paid(40*ms, 0, packet(resend(crossed(100*ms, harness.Up, 25*ms, 0)))),
			want{"bytes_per_payment": 300, "packets_per_payment": 3, "retransmitted_share": 1. / 3},
		},
		"sent again long after": {
			paid(60*ms, 0, packet(resend(crossed(1100*ms, harness.Up, 25*ms, 0)))),
			want{"bytes_per_payment": 300},
		},
		"an attempt ended before an answer that was late": {
			[]history.Record{
				header(false), lte, pay(0, "p1", "o1"),
				packet(crossed(0, harness.Up, 25*ms, 300*ms)), endOf(340*ms, "p1", 340*ms), told(340*ms, "p1", harness.OutcomeUnknown),
				packet(crossed(326*ms, harness.Down, 25*ms, 0)), pay(2*time.Second, "p2", "o1"),
				answered(3*time.Second, "p1"), told(3*time.Second, "p1", harness.Confirmed),
			},
			want{"confirmed": 1, "recovered": 0, "presses": 1, "attempts_per_payment": 1, "max(confirm)": 0.040, "max(attempt)": 0.040, "bytes_per_payment": 100},
		},
		"and was given up": {
			[]history.Record{
				header(false), lte, pay(0, "p1", "o1"),
				packet(crossed(0, harness.Up, 25*ms, 300*ms)), endOf(340*ms, "p1", 340*ms), told(340*ms, "p1", harness.Expired),
				packet(crossed(326*ms, harness.Down, 25*ms, 0)),
			},
			want{"confirmed": 1, "expired": 0, "max(confirm)": 0.040},
		},
		"and was declined in the end": {
			[]history.Record{
				header(false), lte, pay(0, "p1", "o1"),
				packet(crossed(0, harness.Up, 25*ms, 300*ms)), endOf(340*ms, "p1", 340*ms), told(340*ms, "p1", harness.OutcomeUnknown),
				packet(crossed(326*ms, harness.Down, 25*ms, 0)),
				pay(time.Second, "p2", "o1"), endOf(3*time.Second, "p2", time.Second), told(3*time.Second, "p1", harness.Declined), told(3*time.Second, "p2", harness.Declined),
			},
			want{"confirmed": 0, "declined": 1, "presses": 1, "attempts_per_payment": 1, "max(feedback)": 0.040, "max(confirm)": math.NaN()},
		},
		"an attempt ended before an answer that was slow": {
			[]history.Record{
				header(false), lte, pay(0, "p1", "o1"),
				packet(crossed(0, harness.Up, 25*ms, 5*ms)), endOf(340*ms, "p1", 340*ms), told(340*ms, "p1", harness.Expired),
				packet(crossed(326*ms, harness.Down, 25*ms, 0)),
			},
			want{"confirmed": 0, "expired": 1},
		},
		"an attempt ended before an answer that the server held back, on a busy machine": {
			[]history.Record{
				header(false), lte, pay(0, "p1", "o1"),
				packet(crossed(0, harness.Up, 25*ms, 5*ms)),
				{At: 300 * ms, Late: 270 * ms},
				endOf(340*ms, "p1", 340*ms), told(340*ms, "p1", harness.Expired),
				packet(crossed(350*ms, harness.Down, 25*ms, 0)),
			},
			want{"confirmed": 0, "expired": 1},
		},
		"an attempt ended, and the next connection was answered soon": {
			[]history.Record{
				header(false), lte, pay(0, "p1", "o1"),
				packet(crossed(0, harness.Up, 25*ms, 300*ms)), endOf(340*ms, "p1", 340*ms), told(340*ms, "p1", harness.Expired),
				packet(harness.Packet{At: 345 * ms, Flow: 2, Direction: harness.Down, Size: 60, Delay: 2 * ms}),
			},
			want{"confirmed": 0, "expired": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := collect(tc.records...).OnTime()
			if tc.want == nil {
				require.Nil(t, got)
				return
			}
			for name, v := range tc.want {
				f, ok := got.Get(name)
				require.Equal(t, !math.IsNaN(v), ok, name)
				if !ok {
					continue
				}
				require.InDelta(t, v, f.Value, 1e-9, name)
			}
		})
	}
}

// Attempts that were not needed take nothing from another phase than the one they
// began in.
func TestOnTimeByPhase(t *testing.T) {
	got := collect(
		header(false), history.Record{Phase: &history.Phase{Name: "late"}}, pay(0, "p1", "o1"),
		packet(crossed(0, harness.Up, 0, 190*ms)), packet(crossed(190*ms, harness.Up, 0, 190*ms)), endOf(300*ms, "p1", 300*ms),
		packet(crossed(380*ms, harness.Down, 0, 0)),
		packet(crossed(900*ms, harness.Up, 0, 0)), endOf(time.Second, "p1", 200*ms), told(time.Second, "p1", harness.Confirmed),
		history.Record{At: 2 * time.Second, Phase: &history.Phase{Name: "punctual"}}, pay(3*time.Second, "p2", "o2"),
		packet(crossed(3*time.Second, harness.Up, 0, 0)), packet(crossed(3*time.Second, harness.Down, 0, 0)),
		history.Record{At: 3 * time.Second, Attempt: &harness.Attempt{Payment: "p2", N: 1}}, told(3*time.Second, "p2", harness.Confirmed),
	).OnTime(PhaseFigure{Name: "bytes_per_payment", Phase: "late"}, PhaseFigure{Name: "bytes_per_payment", Phase: "punctual"})
	for name, want := range map[string]float64{
		"bytes_per_payment(phase: late)": 200, "bytes_per_payment(phase: punctual)": 200, "bytes_per_payment": 200,
	} {
		f, ok := got.Get(name)
		require.True(t, ok, name)
		require.InDelta(t, want, f.Value, 1e-9, name)
	}
}

// The figures of the run itself stay as they are.
func TestOnTimeChangesNothing(t *testing.T) {
	c := NewCollector()
	h := header(false)
	h.Header.Scenario.Radio = &harness.Radio{Name: "toy.yaml", Model: toy}
	for _, r := range []history.Record{
		h,
		{Phase: &history.Phase{Name: "start"}},
		pay(0, "p1", "o1"),
		packet(crossed(0, harness.Up, 0, 300*ms)), endOf(310*ms, "p1", 310*ms), told(310*ms, "p1", harness.OutcomeUnknown),
		packet(crossed(300*ms, harness.Down, 15*ms, 0)), packet(resend(crossed(400*ms, harness.Up, 9*time.Second, 0))),
		endOf(20*time.Second, "p1", time.Second), told(20*time.Second, "p1", harness.Confirmed),
	} {
		c.Add(r)
	}
	before := c.Figures()
	require.NotEmpty(t, before)
	onTime := c.OnTime()
	require.NotEqual(t, before, onTime)
	require.Equal(t, before, c.Figures())
	require.Equal(t, onTime, c.OnTime())
}

// Packets that wait for each other, each late by something: without that the
// payment takes exactly as long as it would have taken.
func TestOnTimeTakesAllLatenessOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCollector()
		c.Add(header(false))
		c.Add(pay(0, "p1", "o1"))
		var now, asked time.Duration
		for range rapid.IntRange(1, 20).Draw(t, "packets") {
			span := func(name string) time.Duration { return time.Duration(rapid.IntRange(0, 400).Draw(t, name)) * ms }
			think, delay, late := span("think"), span("delay"), span("late")
			d := rapid.SampledFrom([]harness.Direction{harness.Up, harness.Down}).Draw(t, "direction")
			c.Add(packet(crossed(now+think, d, delay, late)))
			now, asked = now+think+delay+late, asked+think+delay
		}
		c.Add(told(now, "p1", harness.Confirmed))
		got := c.OnTime()
		if now == asked {
			require.Nil(t, got)
			return
		}
		f, ok := got.Get("max(confirm)")
		require.True(t, ok)
		require.InDelta(t, asked.Seconds(), f.Value, 1e-9)
	})
}

func TestOnTimeRadio(t *testing.T) {
	run := func(late time.Duration) *Collector {
		h := header(false)
		h.Header.Scenario.Radio = &harness.Radio{Name: "toy.yaml", Model: toy}
		end := 200*ms + late
		return collect(
			h, history.Record{Phase: &history.Phase{Name: "start"}}, pay(0, "p1", "o1"),
			packet(crossed(0, harness.Up, 100*ms, 0)), packet(crossed(100*ms, harness.Down, 100*ms, late)),
			history.Record{At: end, Attempt: &harness.Attempt{Payment: "p1", N: 1, Took: end}}, told(end, "p1", harness.Confirmed),
		)
	}
	joules := func(f result.Figures) float64 {
		j, ok := f.Get("joules_per_payment")
		require.True(t, ok)
		return j.Value
	}
	punctual, late := run(0), run(2*time.Second)
	require.Greater(t, joules(late.Figures()), joules(punctual.Figures())+0.5)
	require.InDelta(t, joules(punctual.Figures()), joules(late.OnTime()), 1e-6)
}
