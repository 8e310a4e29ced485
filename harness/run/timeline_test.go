package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
)

// TestPropertyUnroll: what is unrolled plays as before, as far as it comes to be.
func TestPropertyUnroll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spell := func(what string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, what)) * time.Millisecond
		}
		sc := harness.Scenario{Length: time.Second + spell("length", 60_000), Workload: harness.Workload{Payments: 9, Rate: 1}}
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			e := harness.Event{
				At: spell("at", 50_000), For: spell("for", 20_000), Action: harness.Blackhole,
				Phase: rapid.SampledFrom([]string{"", "deaf"}).Draw(t, "phase"),
			}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				e.Every = time.Second + spell("every", 20_000)
				e.Jitter = min(e.At, e.Every/2)
			case 1:
				e.Action, e.Side, e.For, e.Restart = harness.Crash, harness.Client, 0, spell("restart", 5000)
			case 2:
				e.At, e.When = 0, &harness.Trigger{Packet: 3, Direction: harness.Up}
			}
			sc.Timeline = append(sc.Timeline, e)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		got := Unroll(sc, seed)
		require.Equal(t, sc.Duration(), got.Duration())
		var whens int
		for _, e := range sc.Timeline {
			if e.When != nil {
				require.Equal(t, e, got.Timeline[whens], "those begun by a packet come first")
				whens++
			}
		}
		was := occurrences(sc, harness.Rand(seed, harness.StreamTimeline))
		is := occurrences(got, harness.Rand(seed+1, harness.StreamTimeline)) // nothing is drawn any more
		require.Len(t, got.Timeline, len(is)+whens)
		for i, o := range is {
			require.Equal(t, was[i].from, o.from)
			require.Equal(t, was[i].Action, o.Action)
			require.Equal(t, was[i].Phase, o.Phase)
			require.Equal(t, min(was[i].For, sc.Duration()-o.from), o.For)
			require.Equal(t, min(was[i].Restart, sc.Duration()-o.from), o.Restart)
		}
		for _, o := range was[len(is):] {
			require.Greater(t, o.from, sc.Duration(), "it does not happen")
		}
		require.Equal(t, got, Unroll(got, seed+2))
	})
}

// The length of what was unrolled is stated, and nothing in it begins after that: an
// event moved beyond the end does not happen, and one at the very end does.
func TestUnrollAtTheEndOfTheScript(t *testing.T) {
	at := harness.Event{At: 10 * time.Second, Action: harness.Reset}
	moves := at
	moves.Every, moves.Jitter = 20*time.Second, 5*time.Second
	happens := 0
	for seed := range uint64(20) {
		sc := harness.Scenario{Timeline: []harness.Event{moves, at}}
		got := Unroll(sc, seed)
		require.Equal(t, 10*time.Second, got.Length)
		require.Equal(t, at, got.Timeline[len(got.Timeline)-1])
		for _, e := range got.Timeline {
			require.LessOrEqual(t, e.At, got.Length)
		}
		happens += len(got.Timeline) - 1
	}
	require.Greater(t, happens, 0)
	require.Less(t, happens, 20)
}

// TestRestartAtOnce: a crash ends also if its restart is after no time, and if it is the first
// event: it does not last until the heal.
func TestRestartAtOnce(t *testing.T) {
	sc := harness.Scenario{Length: time.Minute, Timeline: []harness.Event{
		{Action: harness.Crash, Side: harness.Server},
		{Action: harness.Crash, Side: harness.Client, At: time.Second, Restart: time.Second},
		{Action: harness.Blackhole, At: 2 * time.Second},
	}}
	var ends []time.Duration
	for _, o := range occurrences(sc, harness.Rand(1, harness.StreamTimeline)) {
		ends = append(ends, o.to)
	}
	require.Equal(t, []time.Duration{1, 2 * time.Second, 0}, ends)
}
