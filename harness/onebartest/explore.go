package onebartest

import (
	"cmp"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/onebartest/message"
	"github.com/onebar/onebar/harness/result"
)

// seeds is how many runs an exploration makes unless asked otherwise.
const seeds = 100

// Explore makes Seeds runs of the scenario, with one seed after the other and the random
// faults of its nemesis. A scenario without nemesis and timeline gets default faults:
// those of a phone's network, and crashes of the server. At the first failure Explore
// stops, shrinks the failing run, and fails the test.
//
// A fault may hit nothing, because each seed presses pay at other times. A few runs may
// be unknown, for example because the random loss was not as asked: one run, or one in a
// hundred if that is more. With more unknown runs, or if no run passed, the test fails.
func (x Trial) Explore(tb testing.TB) {
	tb.Helper()
	x.begin(tb, runtime.NumCPU(), func(r *runs) {
		tb.Helper()
		sc := r.scenario
		if len(sc.Nemesis)+len(sc.Timeline) == 0 {
			sc.Nemesis = nemesis(sc)
		}
		sc.Timeline = slices.Clone(sc.Timeline)
		for i := range sc.Timeline {
			sc.Timeline[i].MayMiss = true
		}
		found, err := explore.Explore(tb.Context(), r, []harness.Scenario{sc}, explore.Options{
			Seeds: cmp.Or(x.Seeds, seeds), First: x.seed(), Jobs: r.jobs, For: r.left() / 2,
		})
		switch {
		case err != nil:
			tb.Error(err)
		case found.Failure != nil:
			tb.Error(message.Explored(found) + r.smaller(tb.Context(), *found.Failure, failed(found), found.Report.Hash))
		case found.Broken > 0 || found.Passed == 0 || found.Unknown > max(1, found.Runs/100):
			tb.Error(message.Explored(found) + r.again(tb.Context(), cases.Case{Scenario: sc, Seed: oddest(found).Seed}))
		case found.Runs < found.Planned:
			tb.Error(message.Explored(found) + "\nthe time was over: raise -timeout, or make fewer Seeds")
		default:
			tb.Log(message.Explored(found) + message.Reached(found))
		}
	})
}

// failed returns the first check or threshold that the first failure fails.
func failed(found explore.Result) string {
	for _, o := range found.Odd {
		if o.Seed == found.Failure.Seed {
			return o.Check
		}
	}
	return "" // it is not among those named: the first that fails
}

// oddest returns the first run that could not be carried out, or else judged.
func oddest(found explore.Result) result.OddRun {
	broken := slices.IndexFunc(found.Odd, func(o result.OddRun) bool { return o.Check == result.Broken })
	return found.Odd[max(broken, 0)]
}

// nemesis is the random faults of a scenario that has none: a few of each in a run
// that draws them.
func nemesis(sc harness.Scenario) []harness.Nemesis {
	rate := 2 / max(sc.Duration().Seconds(), 1)
	short := harness.Durations{Min: 200 * time.Millisecond, Max: 15 * time.Second}
	entry := func(e harness.Event) harness.Nemesis { return harness.Nemesis{Rate: rate, Event: e} }
	lasting := func(e harness.Event) harness.Nemesis { return harness.Nemesis{Rate: rate, For: short, Event: e} }
	return []harness.Nemesis{
		lasting(harness.Event{Action: harness.Blackhole}),
		lasting(harness.Event{Action: harness.Blackhole, Direction: harness.Up}),
		lasting(harness.Event{Action: harness.Blackhole, Direction: harness.Down}),
		lasting(harness.Event{Action: harness.Refuse}),
		entry(harness.Event{Action: harness.Reset}),
		entry(harness.Event{Action: harness.Rebind}),
		{Rate: rate, Restart: short, Event: harness.Event{Action: harness.Crash, Side: harness.Server}},
	}
}

// left is how much time the test has, less what it takes to report; 0 is no end.
func (r *runs) left() time.Duration {
	t, ok := r.t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return 0
	}
	end, ok := t.Deadline()
	if !ok {
		return 0
	}
	return max(time.Until(end)-5*time.Second, time.Second)
}
