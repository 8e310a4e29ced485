package coverage

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

const second = time.Second

// happened writes records of a history by hand. Times are in seconds.
type happened []history.Record

func (h *happened) add(at float64, r history.Record) {
	r.At = time.Duration(at * float64(second))
	*h = append(*h, r)
}

func (h *happened) press(at float64, id, order string) {
	h.add(at, history.Record{Pay: &harness.Payment{ID: id, Order: order, Deadline: 60 * second}})
	h.told(at, id, harness.Queued)
}

func (h *happened) told(at float64, id string, o harness.Outcome) {
	h.add(at, history.Record{Told: &harness.Told{Payment: id, Outcome: o}})
}

func (h *happened) committed(at float64, id string) { h.add(at, history.Record{Committed: id}) }

// try is one from an offset to another that failed or was answered.
func (h *happened) try(from, to float64, id, failure string) {
	h.add(to, history.Record{Attempt: &harness.Attempt{Payment: id, Error: failure, Took: time.Duration((to - from) * float64(second))}})
}

// dial is a try that ended before a connection was open.
func (h *happened) dial(from, to float64, id string) {
	h.try(from, to, id, "connection refused")
	(*h)[len(*h)-1].Attempt.NoConnection = true
}

func (h *happened) query(from, to float64, id string) {
	h.add(to, history.Record{Attempt: &harness.Attempt{Payment: id, Status: true, Took: time.Duration((to - from) * float64(second))}})
}

// fault is event i of events, which hits so much.
func (h *happened) fault(from, to float64, i int, hits int64) {
	h.add(from, history.Record{Fault: &history.FaultNote{Event: i}})
	h.add(to, history.Record{Fault: &history.FaultNote{Event: i, Ended: true, Hits: hits}})
}

// The events of the histories below.
const (
	reset = iota
	rebind
	blackhole
	crashServer
	crashClient
)

func events() []harness.Event {
	return []harness.Event{
		{Action: harness.Reset},
		{Action: harness.Rebind},
		{Action: harness.Blackhole},
		{Action: harness.Crash, Side: harness.Server},
		{Action: harness.Crash, Side: harness.Client},
	}
}

func TestCoverage(t *testing.T) {
	const lost = "no answer"
	tests := map[string]struct {
		write func(*happened)
		want  Counts
	}{
		confirmed: {func(h *happened) {
			h.committed(1, "p1")
			h.told(1.5, "p1", harness.Confirmed)
			h.try(0.1, 1.5, "p1", "")
		}, Counts{confirmed: 1}},
		declined: {func(h *happened) {
			h.told(1, "p1", harness.Declined)
			h.told(2, "p1", harness.Declined)
		}, Counts{declined: 1}},
		expired: {func(h *happened) { h.told(61, "p1", harness.Expired) }, Counts{expired: 1}},
		failed:  {func(h *happened) { h.told(1, "p1", harness.Failed) }, Counts{failed: 1}},
		recovered: {func(h *happened) {
			h.told(5, "p1", harness.OutcomeUnknown)
			h.told(9, "p1", harness.Confirmed)
		}, Counts{toldUnknown: 1, recovered: 1, confirmed: 1}},
		"unknown after confirmed is not recovered": {func(h *happened) {
			h.told(5, "p1", harness.Confirmed)
			h.told(9, "p1", harness.OutcomeUnknown)
		}, Counts{toldUnknown: 1, confirmed: 1}},
		requestLost: {func(h *happened) {
			h.try(0, 3, "p1", lost)
			h.committed(4.5, "p1")
			h.try(4, 5, "p1", "")
		}, Counts{requestLost: 1}},
		"the last request lost": {func(h *happened) { h.try(0, 3, "p1", lost) }, Counts{requestLost: 1}},
		answerLost: {func(h *happened) {
			h.committed(1, "p1")
			h.try(0, 3, "p1", lost)
			h.try(4, 5, "p1", "")
		}, Counts{answerLost: 1, replayed: 1}},
		"a lost retry of what was booked is no lost answer": {func(h *happened) {
			h.committed(1, "p1")
			h.try(2, 3, "p1", lost)
		}, Counts{}},
		bookedLate: {func(h *happened) {
			h.try(0, 3, "p1", lost)
			h.committed(3.5, "p1")
			h.try(4, 5, "p1", "")
		}, Counts{bookedLate: 1, replayed: 1}},
		"booked late, and never tried again": {func(h *happened) {
			h.try(0, 3, "p1", lost)
			h.committed(3.5, "p1")
		}, Counts{bookedLate: 1}},
		noConnection: {func(h *happened) {
			h.dial(0, 3, "p1")
			h.dial(4, 4, "p1")
		}, Counts{noConnection: 2}},
		"booked late, during a dial that found no server": {func(h *happened) {
			h.try(0, 3, "p1", lost)
			h.committed(4.5, "p1")
			h.dial(4, 5, "p1")
			h.try(6, 7, "p1", "")
		}, Counts{noConnection: 1, bookedLate: 1, replayed: 1}},
		asked: {func(h *happened) { h.query(4, 5, "p1") }, Counts{asked: 1}},
		nearDeadline: {func(h *happened) {
			h.committed(59.5, "p1")
			h.committed(59.6, "p1")
		}, Counts{nearDeadline: 1}},
		"long before the deadline": {func(h *happened) { h.committed(58.5, "p1") }, Counts{}},
		pressedAgain:               {func(h *happened) { h.press(5, "p2", "o1") }, Counts{pressedAgain: 1}},
		pressedTwice: {func(h *happened) {
			h.committed(1, "p1")
			h.press(5, "p2", "o1")
			h.press(6, "p3", "o2")
		}, Counts{pressedAgain: 1, pressedTwice: 1}},
		resetInside: {func(h *happened) {
			h.fault(1, 1, reset, 4)
			h.fault(2, 2, reset, 0)
			h.try(0.5, 1.5, "p1", "")
		}, Counts{resetInside: 1, "reset hit": 1, "reset missed": 1}},
		rebindInside: {func(h *happened) {
			h.fault(1, 1, rebind, 4)
			h.try(0.5, 1.5, "p1", "")
		}, Counts{rebindInside: 1, "rebind hit": 1}},
		darkInside: {func(h *happened) {
			h.fault(1, 2, blackhole, 4)
			h.try(0.5, 3, "p1", "")
			h.try(1.5, 3, "p1", "")
		}, Counts{darkInside: 1, "blackhole hit": 1}},
		crashBefore: {func(h *happened) {
			h.fault(1, 2, crashServer, 1)
			h.try(0.5, 3, "p1", lost)
		}, Counts{crashBefore: 1, requestLost: 1, "crash of the server hit": 1}},
		crashBetween: {func(h *happened) {
			h.committed(0.9, "p1")
			h.fault(1, 2, crashServer, 1)
			h.try(0.5, 3, "p1", lost)
		}, Counts{crashBetween: 1, answerLost: 1, "crash of the server hit": 1}},
		"a crash in a try for what an earlier one booked": {func(h *happened) {
			h.committed(0.2, "p1")
			h.fault(1, 2, crashServer, 1)
			h.try(0.5, 3, "p1", lost)
		}, Counts{"crash of the server hit": 1}},
		clientQueued: {func(h *happened) { h.fault(1, 2, crashClient, 1) }, Counts{clientQueued: 1, "crash of the client hit": 1}},
		clientBooked: {func(h *happened) {
			h.committed(0.5, "p1")
			h.fault(1, 2, crashClient, 1)
		}, Counts{clientBooked: 1, "crash of the client hit": 1}},
		"a client crash when all is said": {func(h *happened) {
			h.told(0.5, "p1", harness.Declined)
			h.fault(1, 2, crashClient, 0)
		}, Counts{declined: 1, "crash of the client missed": 1}},
		together: {func(h *happened) {
			h.add(1, history.Record{Fault: &history.FaultNote{Event: blackhole}})
			h.fault(2, 3, crashServer, 0)
			h.add(4, history.Record{Fault: &history.FaultNote{Event: blackhole, Ended: true}})
			h.fault(5, 6, crashServer, 0)
		}, Counts{together: 1, "blackhole missed": 1, "crash of the server missed": 2}},
	}
	seen := map[string]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var h happened
			h.add(0, history.Record{Header: &history.Header{Commits: true, Scenario: harness.Scenario{Timeline: events()}}})
			h.press(0, "p1", "o1")
			tt.write(&h)
			h.add(100, history.Record{End: &history.End{}})
			slices.SortStableFunc(h, func(a, b history.Record) int { return cmp.Compare(a.At, b.At) })
			c := NewRecorder()
			for _, r := range h {
				c.Add(r)
			}
			require.Equal(t, tt.want, c.Counts())
			for name := range c.Counts() {
				seen[name] = true
			}
		})
	}
	for _, s := range Situations() {
		require.True(t, seen[s.Name], "no history above reaches %q", s.Name)
	}
}

// A subject that says nothing of its commits reaches nothing that needs them.
func TestCoverageWithoutCommits(t *testing.T) {
	c := NewRecorder()
	var h happened
	h.add(0, history.Record{Header: &history.Header{Scenario: harness.Scenario{Timeline: events()}}})
	h.press(0, "p1", "o1")
	h.fault(1, 2, crashServer, 1)
	h.fault(2, 3, crashClient, 1)
	h.try(0, 3, "p1", "no answer")
	h.add(100, history.Record{End: &history.End{}})
	for _, r := range h {
		c.Add(r)
	}
	for _, s := range Situations() {
		require.False(t, s.Commits && c.Counts()[s.Name] > 0, s.Name)
	}
}

func TestTotal(t *testing.T) {
	var sum Total
	sum.Add(Counts{confirmed: 3, "blackhole hit": 2})
	sum.Add(Counts{confirmed: 1})
	sc := harness.Scenario{
		Timeline: []harness.Event{{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slicer"}}, {Action: harness.SetLink}, {Action: harness.Blackhole}},
		Nemesis:  []harness.Nemesis{{Event: harness.Event{Action: harness.Blackhole}}},
	}
	got := sum.Reached([]harness.Scenario{sc})
	require.Equal(t, result.Reached{Name: confirmed, Times: 4, Runs: 2}, got[0])
	require.Equal(t, []result.Reached{
		{Name: "blackhole hit", Times: 2, Runs: 1},
		{Name: "toxic slicer hit"},
	}, got[len(Situations()):])
	names := slices.Collect(func(yield func(string) bool) {
		for _, r := range got {
			if !yield(r.Name) {
				return
			}
		}
	})
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(got))
}
