package run_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

const second = time.Second

// A history tells the phases and faults of a run as they were. A phase ends before
// its fault does, and begins after it.
func TestJournal(t *testing.T) {
	slow, plain := harness.Profile{Name: "gprs"}, harness.Profile{}
	slicer := harness.Toxic{Type: "slicer", Stream: "upstream", Attributes: map[string]int64{"average_size": 1}}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		want     []string
	}{
		"nothing": {want: []string{"0s phase edge", "10s phase settle"}},
		"a blackhole": {
			[]harness.Event{{At: 2 * second, For: 3 * second, Action: harness.Blackhole}},
			[]string{
				"0s phase edge", "2s begin 0 blackhole", "2s phase edge, blackhole [up] [down]",
				"5s phase edge", "5s end 0 blackhole, hits 1", "10s phase settle",
			},
		},
		"blackholes of one direction that overlap": {
			[]harness.Event{
				{At: 2 * second, For: 4 * second, Action: harness.Blackhole, Direction: harness.Up},
				{At: 3 * second, For: second, Action: harness.Blackhole, Direction: harness.Down},
			},
			[]string{
				"0s phase edge", "2s begin 0 blackhole", "2s phase edge, blackhole up [up]",
				"3s begin 1 blackhole", "3s phase edge, blackhole up, blackhole down [up] [down]",
				"4s phase edge, blackhole up [up]", "4s end 1 blackhole, hits 1",
				"6s phase edge", "6s end 0 blackhole, hits 1", "10s phase settle",
			},
		},
		"a change of link meanwhile": {
			[]harness.Event{
				{At: 2 * second, For: 4 * second, Action: harness.Refuse},
				{At: 3 * second, For: second, Action: harness.SetLink, Link: &slow},
				{At: 5 * second, Action: harness.SetLink, Link: &plain},
			},
			[]string{
				"0s phase edge", "2s begin 0 refuse", "2s phase edge, refuse", "3s phase gprs, refuse", "4s phase edge, refuse",
				"5s phase custom link, refuse", "6s phase custom link", "6s end 0 refuse, hits 1", "10s phase settle",
			},
		},
		"what is over at once has no phase": {
			[]harness.Event{{At: second, Action: harness.Reset}, {At: 2 * second, Action: harness.Rebind}},
			[]string{
				"0s phase edge", "1s begin 0 reset", "1s end 0 reset, hits 1",
				"2s begin 1 rebind", "2s end 1 rebind, hits 1", "10s phase settle",
			},
		},
		"an end comes before a beginning, and both before the end of the script": {
			[]harness.Event{
				{At: 2 * second, For: 8 * second, Action: harness.Refuse},
				{At: 10 * second, Action: harness.Reset},
			},
			[]string{
				"0s phase edge", "2s begin 0 refuse", "2s phase edge, refuse", "10s phase edge", "10s end 0 refuse, hits 1",
				"10s begin 1 reset", "10s end 1 reset, hits 1", "10s phase settle",
			},
		},
		"the latest name in force is that of the phase": {
			[]harness.Event{
				{At: 2 * second, For: 5 * second, Action: harness.Slow, By: second, Phase: "evening"},
				{At: 3 * second, For: 2 * second, Action: harness.StreamToxic, Toxic: &slicer, Phase: "worst hour"},
				{At: 4 * second, For: 5 * second, Action: harness.CrossTraffic},
			},
			[]string{
				"0s phase edge", "2s begin 0 slow", "2s phase evening", "3s begin 1 toxic", "3s phase worst hour",
				"4s begin 2 cross_traffic", "4s phase worst hour", "5s phase evening", "5s end 1 toxic, hits 1",
				"7s phase edge, cross traffic", "7s end 0 slow, hits 1", "9s phase edge", "9s end 2 cross_traffic, hits 1", "10s phase settle",
			},
		},
		"a name does not outlast its fault": {
			[]harness.Event{{At: 9 * second, Action: harness.Refuse, Phase: "evening"}},
			[]string{
				"0s phase edge", "9s begin 0 refuse", "9s phase evening", "10s phase edge",
				"10s end 0 refuse, hits 1", "10s phase settle",
			},
		},
		"sides and toxics": {
			[]harness.Event{
				{At: 2 * second, Restart: second, Action: harness.Crash, Side: harness.Server},
				{At: 4 * second, For: second, Action: harness.Freeze, Side: harness.Server},
				{At: 6 * second, For: second, Action: harness.StreamToxic, Toxic: &slicer},
			},
			[]string{
				"0s phase edge", "2s begin 0 crash", "2s phase edge, server down", "3s phase edge", "3s end 0 crash, hits 0",
				"4s begin 1 freeze", "4s phase edge, server frozen", "5s phase edge", "5s end 1 freeze, hits 0",
				"6s begin 2 toxic", "6s phase edge, slicer", "7s phase edge", "7s end 2 toxic, hits 1", "10s phase settle",
			},
		},
		"nothing periodic begins at the end of the script": {
			[]harness.Event{{At: 5 * second, Every: 5 * second, Action: harness.Reset}},
			[]string{"0s phase edge", "5s begin 0 reset", "5s end 0 reset, hits 1", "10s phase settle"},
		},
		"unless it is its first time": {
			[]harness.Event{{At: 10 * second, Every: 5 * second, Action: harness.Reset}},
			[]string{"0s phase edge", "10s begin 0 reset", "10s end 0 reset, hits 1", "10s phase settle"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				sc := scenario()
				sc.Timeline = tc.timeline
				tr.must(t, sc)
				require.Equal(t, tc.want, tr.journal)
			})
		})
	}
}

// A crash, and a freeze, hits the payments under way when the side stops or when it
// goes on, whichever are more.
func TestHitsOfAStop(t *testing.T) {
	crash := func(at, restart time.Duration) harness.Event {
		return harness.Event{At: at, Restart: restart, Action: harness.Crash, Side: harness.Server}
	}
	freeze := func(at, length time.Duration) harness.Event {
		return harness.Event{At: at, For: length, Action: harness.Freeze, Side: harness.Server}
	}
	type window struct{ from, to time.Duration }
	type row struct {
		until    time.Duration // payments pressed in the window are under way until then, and others for no time
		slow     window
		timeline func(stop func(at, length time.Duration) harness.Event) []harness.Event
		want     []window // the presses that each event has hit, by event
	}
	once := func(stop func(at, length time.Duration) harness.Event) []harness.Event {
		return []harness.Event{stop(2*second, 2*second)}
	}
	for name, tc := range map[string]row{
		"under way when it stops":   {until: 3 * second, slow: window{0, 2 * second}, timeline: once, want: []window{{0, 2 * second}}},
		"under way when it goes on": {until: 5 * second, slow: window{2 * second, 4 * second}, timeline: once, want: []window{{2 * second, 4 * second}}},
		"under way all the time":    {until: 5 * second, slow: window{0, 4 * second}, timeline: once, want: []window{{0, 4 * second}}},
		"under way in between only": {until: 3900 * time.Millisecond, slow: window{2 * second, 3900 * time.Millisecond}, timeline: once, want: []window{{}}},
		"over before, begun after":  {until: 6 * second, slow: window{4 * second, 5 * second}, timeline: once, want: []window{{}}},
		"two that overlap, and hits": {
			until: 8 * second, slow: window{0, 4 * second},
			timeline: func(stop func(at, length time.Duration) harness.Event) []harness.Event {
				return []harness.Event{stop(2*second, 2*second), stop(3*second, 3*second)}
			},
			want: []window{{0, 4 * second}, {0, 4 * second}},
		},
	} {
		for action, stop := range map[string]func(at, length time.Duration) harness.Event{"crash": crash, "freeze": freeze} {
			t.Run(name+", "+action, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tr := newTrial()
					tr.book = func(b *bench, p harness.Payment) {
						if at := time.Since(b.begin); at >= tc.slow.from && at < tc.slow.to {
							time.Sleep(tc.until - at)
						}
						b.post(p)
						b.observer.Committed(p.ID)
						b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
					}
					sc := scenario()
					sc.Timeline = tc.timeline(stop)
					res := tr.must(t, sc)
					want, got := make([]int64, len(tc.want)), make([]int64, len(tc.want))
					miss := false
					for i, w := range tc.want {
						for _, r := range tr.records {
							if r.Pay != nil && r.At >= w.from && r.At < w.to {
								want[i]++
							}
							if r.Fault != nil && r.Fault.Ended && r.Fault.Event == i {
								got[i] = r.Fault.Hits
							}
						}
						require.Equal(t, w.to > 0, want[i] > 0, "the workload puts payments in the window")
						miss = miss || want[i] == 0
					}
					require.Equal(t, want, got)
					require.Equal(t, miss, res.Verdict("impairment").Status == result.StatusUnknown, "a stop that hits nothing makes the run unknown")
				})
			})
		}
	}
}

// What goes wrong with an event ends the run, and the note of its fault says so
// beside what it has hit.
func TestEventsThatFail(t *testing.T) {
	crash := harness.Event{At: 2 * second, Restart: 3 * second, Action: harness.Crash, Side: harness.Server}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		trial    func(*trial)
		want     string
		ends     time.Duration
		faults   []string
	}{
		"a fault of the network": {
			[]harness.Event{{At: second, Action: harness.Reset}, {At: 2 * second, Action: harness.Refuse}},
			func(tr *trial) { tr.refused = harness.Refuse },
			"event 2 of the timeline: refuse: not today", 2 * second,
			[]string{"1s begin 0 reset", "1s end 0 reset, hits 1"},
		},
		"a vanish": {
			[]harness.Event{{At: second, Action: harness.Crash, Side: harness.Server, Vanish: true}},
			func(tr *trial) { tr.refused = harness.Vanish },
			"event 1 of the timeline: vanish: not today", second, nil,
		},
		"a crash": {
			[]harness.Event{crash},
			func(tr *trial) { tr.crashErr = errors.New("no such process") },
			"event 1 of the timeline: crash the server: no such process", 2 * second, nil,
		},
		"a freeze": {
			[]harness.Event{{At: second, Action: harness.Freeze, Side: harness.Server}},
			func(tr *trial) { tr.freezeErr = errors.New("no such process") },
			"event 1 of the timeline: freeze the server: no such process", second, nil,
		},
		"a thaw": {
			[]harness.Event{{At: 2 * second, For: 2 * second, Action: harness.Freeze, Side: harness.Server}},
			func(tr *trial) { tr.thawErr, tr.hangs = errors.New("no such process"), "p1" },
			"event 1 of the timeline: let the server go on: no such process", 4 * second,
			[]string{"2s begin 0 freeze", "4s end 0 freeze, hits 1: event 1 of the timeline: let the server go on: no such process"},
		},
		"no action": {
			[]harness.Event{{At: second}},
			func(*trial) {},
			"event 1 of the timeline has no action", second, nil,
		},
		"a restart": {
			[]harness.Event{crash},
			func(tr *trial) { tr.restartErr, tr.hangs = errors.New("port taken"), "p1" },
			"event 1 of the timeline: restart the server: port taken", 5 * second,
			[]string{"2s begin 0 crash", "5s end 0 crash, hits 1: event 1 of the timeline: restart the server: port taken"},
		},
		"a restart by a heal": {
			[]harness.Event{crash, {At: 3 * second, Action: harness.Heal}},
			func(tr *trial) { tr.restartErr = errors.New("port taken") },
			"event 1 of the timeline: restart the server: port taken", 3 * second,
			[]string{"2s begin 0 crash", "3s end 0 crash, hits 0: event 1 of the timeline: restart the server: port taken"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tc.trial(tr)
				sc := scenario()
				sc.Timeline = tc.timeline
				res, err := tr.run(t.Context(), sc)
				require.NoError(t, err)
				require.Equal(t, tc.want, res.Error)
				require.Equal(t, tc.ends, tr.since(), "nobody goes on, and nothing is waited for")
				require.Equal(t, tc.faults, tr.faults())
			})
		})
	}
}

// Faults under way when a run is interrupted are ended and noted; what has crashed
// stays down.
func TestFaultsOfAnInterruptedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(4*second, cancel)
		tr := newTrial()
		sc := scenario()
		sc.Timeline = []harness.Event{
			{At: second, For: 5 * second, Action: harness.Refuse},
			{At: 2 * second, Restart: 4 * second, Action: harness.Crash, Side: harness.Server},
			{At: 7 * second, Action: harness.Reset},
		}
		_, err := tr.run(ctx, sc)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 4*second, tr.since())
		require.Equal(t, []string{"1s refuse", "2s crash server", "4s end refuse"}, tr.done())
		require.Equal(t, []string{
			"0s phase edge", "1s begin 0 refuse", "1s phase edge, refuse", "2s begin 1 crash", "2s phase edge, refuse, server down",
			"4s phase edge", "4s end 0 refuse, hits 1", "4s phase interrupted",
		}, tr.journal)
		require.True(t, tr.end().Interrupted)
		require.Empty(t, tr.end().Error)
	})
}

// A power loss ends every flow without a FIN or reset before the side dies, and lets new
// ones in before it comes back.
func TestVanishOfACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		sc := scenario()
		sc.Timeline = []harness.Event{{At: second, Restart: second, Action: harness.Crash, Side: harness.Client, Vanish: true}}
		tr.must(t, sc)
		require.Equal(t, []string{"1s vanish", "1s crash client", "2s end vanish", "2s restart client"}, tr.done())
	})
}

// The end of a delay leaves the latest other one in force, whatever other faults are.
func TestSlowAnswersBesideOtherFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		sc := scenario()
		sc.Timeline = []harness.Event{
			{At: second, For: 8 * second, Action: harness.Slow, By: 9 * second},
			{At: 2 * second, For: second, Action: harness.Slow, By: 5 * second},
			{At: 2 * second, For: 3 * second, Action: harness.Refuse},
		}
		tr.must(t, sc)
		require.Equal(t, []string{"1s slow 9s", "2s slow 5s", "2s refuse", "3s slow 9s", "5s end refuse", "9s slow 0s"}, tr.done())
	})
}
