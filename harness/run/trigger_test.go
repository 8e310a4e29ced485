package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// offer is a packet offered to a link at an offset, and what becomes of it.
type offer struct {
	at     time.Duration
	client int
	way    harness.Direction
	n      int64
	want   harness.DropReason
}

// A packet begins the event that waits for it, once and while the script lasts. A
// drop and a blackhole of its direction lose it, which counts as a hit.
func TestEventsBegunByAPacket(t *testing.T) {
	at := func(a harness.Action, d harness.Direction) harness.Event {
		return harness.Event{
			When:   &harness.Trigger{Packet: 3, Client: 1, Direction: harness.Up},
			Action: a, Direction: d, For: second, MayMiss: true,
		}
	}
	third := func(want harness.DropReason) offer { return offer{4 * second, 1, harness.Up, 3, want} }
	begun := func(a string, hits int) []string {
		return []string{"4s begin 0 " + a, fmt.Sprintf("5s end 0 %s, hits %d", a, hits)}
	}
	drop := harness.Event{When: at(0, 0).When, Action: harness.Drop}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		offers   []offer
		want     []string
	}{
		"a drop": {
			[]harness.Event{drop},
			[]offer{third(harness.DropCut)},
			[]string{"4s begin 0 drop", "4s end 0 drop, hits 1"},
		},
		"once only": {
			[]harness.Event{drop},
			[]offer{third(harness.DropCut), {6 * second, 1, harness.Up, 3, harness.DropNone}},
			[]string{"4s begin 0 drop", "4s end 0 drop, hits 1"},
		},
		"another packet": {
			[]harness.Event{drop},
			[]offer{
				{second, 0, harness.Up, 3, harness.DropNone},
				{2 * second, 1, harness.Down, 3, harness.DropNone},
				{3 * second, 1, harness.Up, 2, harness.DropNone},
			},
			nil,
		},
		"one after the script": {[]harness.Event{drop}, []offer{{11 * second, 1, harness.Up, 3, harness.DropNone}}, nil},
		"an outage":            {[]harness.Event{at(harness.Blackhole, 0)}, []offer{third(harness.DropOutage)}, begun("blackhole", 2)},
		"an outage that way":   {[]harness.Event{at(harness.Blackhole, harness.Up)}, []offer{third(harness.DropOutage)}, begun("blackhole", 2)},
		"the other way":        {[]harness.Event{at(harness.Blackhole, harness.Down)}, []offer{third(harness.DropNone)}, begun("blackhole", 1)},
		"another fault":        {[]harness.Event{at(harness.Refuse, 0)}, []offer{third(harness.DropNone)}, begun("refuse", 1)},
		"counted from a time": {
			[]harness.Event{{At: 3 * second, When: &harness.Trigger{Packet: 2, Client: 1, Direction: harness.Up}, Action: harness.Drop}},
			[]offer{
				{second, 1, harness.Up, 5, harness.DropNone},
				{2 * second, 1, harness.Up, 6, harness.DropNone},
				{4 * second, 1, harness.Up, 7, harness.DropNone},
				{5 * second, 1, harness.Down, 8, harness.DropNone},
				{6 * second, 1, harness.Up, 8, harness.DropCut},
				{7 * second, 1, harness.Up, 9, harness.DropNone},
			},
			[]string{"6s begin 0 drop", "6s end 0 drop, hits 1"},
		},
		"the second event": {
			[]harness.Event{{At: 2 * second, Action: harness.Reset}, drop},
			[]offer{third(harness.DropCut)},
			[]string{"2s begin 0 reset", "2s end 0 reset, hits 1", "4s begin 1 drop", "4s end 1 drop, hits 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				sc := scenario()
				sc.Length, sc.Timeline = 10*second, tc.timeline
				got := make([]harness.DropReason, len(tc.offers))
				for i, o := range tc.offers {
					tr.at(o.at, func() {
						got[i] = tr.config.Lose(harness.Packet{Client: o.client, Direction: o.way, N: o.n})
					})
				}
				tr.hangs = "p1" // the run goes on for Settle after the script
				tr.must(t, sc)
				for i, o := range tc.offers {
					require.Equal(t, o.want, got[i], "offer %d", i)
				}
				require.Equal(t, tc.want, tr.faults())
			})
		})
	}
}

// An engine and a subject are asked to report packets and requests only if an event
// waits for one.
func TestPacketsAreReportedOnlyIfAnEventWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		sc := scenario()
		sc.Timeline = []harness.Event{{At: second, Action: harness.Reset}}
		tr.must(t, sc)
		require.Nil(t, tr.config.Lose)
		require.False(t, tr.config.Toxics)
		require.Nil(t, tr.env.Reached)
	})
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.requests, tr.options.Moments = true, func(harness.Moment, int64) {}
		sc := scenario()
		sc.Timeline = []harness.Event{{At: second, Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slicer", Stream: "upstream", Attributes: map[string]int64{"average_size": 1}}}}
		tr.must(t, sc)
		require.True(t, tr.config.Toxics)
		require.NotNil(t, tr.env.Reached)
	})
}

// A request is held up at its moment until the event that waits for it has begun,
// and no longer, nor for another one.
func TestEventsBegunByARequest(t *testing.T) {
	at := func(request int64, e harness.Event) harness.Event {
		e.When = &harness.Trigger{Request: request, Moment: harness.Answered, Wait: e.At}
		e.At = 0
		return e
	}
	crash := func(side harness.Side) harness.Event {
		return harness.Event{Action: harness.Crash, Side: side, Restart: second, MayMiss: true}
	}
	type call struct {
		at      time.Duration
		moment  harness.Moment
		request int64
		back    time.Duration
	}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		dying    time.Duration
		crashErr error
		calls    []call
		want     []string
	}{
		"one": {
			[]harness.Event{at(2, crash(harness.Server))},
			second, nil,
			[]call{{second, harness.Answered, 1, second}, {2 * second, harness.Complete, 2, 2 * second}, {3 * second, harness.Answered, 2, 4 * second}},
			[]string{"4s begin 0 crash"},
		},
		"two at once": {
			[]harness.Event{at(1, crash(harness.Server)), at(2, crash(harness.Client))},
			second, nil,
			[]call{{3 * second, harness.Answered, 1, 4 * second}, {3*second + 1, harness.Answered, 2, 5 * second}},
			[]string{"4s begin 0 crash", "5s begin 1 crash"},
		},
		"once only": {
			[]harness.Event{at(1, harness.Event{Action: harness.Reset})},
			0, nil,
			[]call{{3 * second, harness.Answered, 1, 3 * second}, {4 * second, harness.Answered, 1, 4 * second}},
			[]string{"3s begin 0 reset"},
		},
		"a while after it": {
			[]harness.Event{at(1, harness.Event{At: 2 * second, Action: harness.Reset})},
			0, nil,
			[]call{{3 * second, harness.Answered, 1, 3 * second}},
			[]string{"5s begin 0 reset"},
		},
		"a while after it is after the script": {
			[]harness.Event{at(1, harness.Event{At: 9 * second, Action: harness.Reset})},
			0, nil,
			[]call{{3 * second, harness.Answered, 1, 3 * second}},
			nil,
		},
		"after the script": {
			[]harness.Event{at(1, harness.Event{Action: harness.Reset})},
			0, nil,
			[]call{{12 * second, harness.Answered, 1, 12 * second}},
			nil,
		},
		"the first of two breaks the run": {
			[]harness.Event{at(1, crash(harness.Server)), at(1, crash(harness.Client))},
			second, errors.New("no such process"),
			[]call{{3 * second, harness.Answered, 1, 4 * second}},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tr.requests, tr.dying, tr.crashErr = true, tc.dying, tc.crashErr
				var seen []string
				tr.options.Moments = func(m harness.Moment, request int64) { seen = append(seen, fmt.Sprint(tr.since(), m, request)) }
				sc := scenario()
				sc.Length, sc.Timeline = 10*second, tc.timeline
				back := make([]time.Duration, len(tc.calls))
				var watched []string
				for i, c := range tc.calls {
					tr.at(c.at, func() {
						tr.env.Reached(c.moment, c.request)
						back[i] = tr.since()
					})
					if c.at < 10*second {
						watched = append(watched, fmt.Sprint(c.at.Round(time.Millisecond), c.moment, c.request))
					}
				}
				tr.hangs = "p1"
				res, err := tr.run(t.Context(), sc)
				require.NoError(t, err)
				require.Equal(t, tc.crashErr != nil, res.Error != "", res.Error)
				synctest.Wait()
				for i, c := range tc.calls {
					require.Equal(t, c.back, back[i], "call %d", i)
				}
				require.Equal(t, watched, seen)
				var begun []string
				for _, line := range tr.faults() {
					if strings.Contains(line, " begin ") {
						begun = append(begun, line)
					}
				}
				require.Equal(t, tc.want, begun)
			})
		})
	}
}

// An outage that a request has begun is not hit by that request.
func TestHitsOfAnOutageBegunByARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.requests = true
		tr.at(3*second, func() { tr.env.Reached(harness.Answered, 1) })
		sc := scenario()
		sc.Timeline = []harness.Event{{When: &harness.Trigger{Request: 1, Moment: harness.Answered}, Action: harness.Blackhole, For: second}}
		tr.must(t, sc)
		require.Equal(t, []string{"3s begin 0 blackhole", "4s end 0 blackhole, hits 1"}, tr.faults())
	})
}

// A request that comes as the subject of a broken run is closed is not held up.
func TestARequestAfterTheRunWasBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(4*second, cancel)
		tr := newTrial()
		tr.requests = true
		tr.lastWords = func() { tr.env.Reached(harness.Complete, 1) }
		sc := scenario()
		sc.Timeline = []harness.Event{{When: &harness.Trigger{Request: 1, Moment: harness.Complete}, Action: harness.Reset}}
		_, err := tr.run(ctx, sc)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, tr.faults())
	})
}

// The power of a side fails at each commit that an event waits for, in their order.
// The commit is a hit, and the history says how many there were.
func TestEventsBegunByACommit(t *testing.T) {
	at := func(n int64) harness.Event {
		return harness.Event{When: &harness.Trigger{Commit: n, Side: harness.Server}, Action: harness.Crash, Side: harness.Server, Restart: second / 2}
	}
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.stores = true
		for i := range 6 {
			tr.at(time.Duration(i+1)*second, func() { tr.commit(harness.Server) })
		}
		tr.at(9*second, func() { tr.commit(harness.Client) })
		tr.at(10*second+second/4, func() { tr.commit(harness.Server) }) // after the script
		sc := scenario()
		sc.Length, sc.Timeline = 10*second, []harness.Event{at(4), at(2), at(7)}
		sc.Timeline[2].MayMiss = true
		tr.must(t, sc)
		require.Equal(t, []string{
			"2s begin 1 crash", "2.5s end 1 crash, hits 1", "4s begin 0 crash", "4.5s end 0 crash, hits 1",
		}, tr.faults())
		require.Equal(t, []int64{1, 7}, []int64{tr.end().ClientCommits, tr.end().ServerCommits})
	})
}

// With a time, commits count from there on.
func TestCommitsCountedFromATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.stores = true
		for i := range 8 {
			tr.at(time.Duration(i+1)*second, func() { tr.commit(harness.Server) })
		}
		at := func(from time.Duration, n int64) harness.Event {
			return harness.Event{
				At: from, When: &harness.Trigger{Commit: n, Side: harness.Server}, MayMiss: true,
				Action: harness.Crash, Side: harness.Server, Restart: second / 2,
			}
		}
		sc := scenario()
		sc.Length, sc.Timeline = 10*second, []harness.Event{at(5*second+second/2, 2), at(second+second/2, 1), at(9*second, 1)}
		v := tr.must(t, sc).Verdict("impairment")
		require.Equal(t, []string{
			"2s begin 1 crash", "2.5s end 1 crash, hits 1", "7s begin 0 crash", "7.5s end 0 crash, hits 1",
		}, tr.faults())
		require.Equal(t, result.Pass, v.Status, "the third may miss: %s", v.Summary)
	})
}

// That the power of a side has failed once excuses no restart that fails later.
func TestARestartThatFailsAfterAPowerFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.stores = true
		tr.at(second, func() { tr.commit(harness.Server) })
		tr.at(5*second, func() { tr.restartErr = errors.New("port taken") })
		sc := scenario()
		sc.Timeline = []harness.Event{
			{When: &harness.Trigger{Commit: 1, Side: harness.Server}, Action: harness.Crash, Side: harness.Server, Restart: second},
			{At: 6 * second, Action: harness.Crash, Side: harness.Server, Restart: second},
		}
		res, err := tr.run(t.Context(), sc)
		require.NoError(t, err)
		require.Equal(t, "event 2 of the timeline: restart the server: port taken", res.Error)
	})
}

// The commits of a subject that cannot count them now are not asked for.
func TestCommitsThatAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.power[harness.Server].commits = 9
		tr.must(t, scenario())
		require.Zero(t, tr.end().ServerCommits)
	})
}

// That a side has taken part in payments and stored nothing durable is said, of a side whose
// commits are counted.
func TestNothingCommittedIsNoted(t *testing.T) {
	for name, tt := range map[string]struct {
		counted bool
		commit  harness.Side
		want    []string
	}{
		"both":        {true, harness.SideUnknown, []string{"the client", "the server"}},
		"the client":  {true, harness.Server, []string{"the client"}},
		"the server":  {true, harness.Client, []string{"the server"}},
		"not counted": {false, harness.SideUnknown, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tr.stores = tt.counted
				if tt.commit != harness.SideUnknown {
					tr.at(time.Second, func() { tr.commit(tt.commit) })
				}
				tr.must(t, scenario())
				var got []string
				for _, r := range tr.records {
					if who, ok := strings.CutSuffix(r.Note, " made no durable commit although payments were made: what it has stored is lost when its power fails"); ok {
						got = append(got, who)
					}
				}
				require.Equal(t, tt.want, got)
			})
		})
	}
}
