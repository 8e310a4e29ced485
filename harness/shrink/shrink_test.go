package shrink_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/nemesis"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/shrink"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// made is a Runner whose runs fail by a rule.
type made struct {
	fails func(harness.Scenario) bool
	runs  atomic.Int64
}

// Run implements cases.Runner. Every tenth packet of a run is a point, and was
// lost if the link loses any.
func (m *made) Run(_ context.Context, c cases.Case) (cases.Report, error) {
	m.runs.Add(1)
	v := result.Verdict{Check: "duplicated", Status: result.Pass}
	if m.fails(played(c)) {
		v.Status = result.Fail
	}
	r := cases.Report{Result: result.Result{Scenario: c.Scenario, Verdicts: []result.Verdict{v}}}
	if c.Survey {
		r.Survey = &cases.Survey{Began: make([]time.Duration, len(c.Scenario.Timeline))}
		for n := range int64(10) {
			r.Survey.Points = append(r.Survey.Points, cases.Point{
				Trigger: harness.Trigger{Packet: n + 1, Direction: harness.Down}, At: time.Duration(n) * time.Second,
				Lost: c.Scenario.Link.Down.Loss.P > 0,
			})
		}
	}
	return r, nil
}

// played returns what a run of the case plays.
func played(c cases.Case) harness.Scenario {
	return run.Unroll(nemesis.Expand(c.Scenario, c.Seed), c.Seed)
}

func events(sc harness.Scenario, a harness.Action) (found []harness.Event) {
	for _, e := range sc.Timeline {
		if e.Action == a {
			found = append(found, e)
		}
	}
	return found
}

// big is a scenario with everything in it.
func big() harness.Scenario {
	link := harness.Profile{Name: "bad"}
	link.Up = harness.Path{Delay: 90 * time.Millisecond, Jitter: 9 * time.Millisecond, Rate: 64_000, Limit: 9000, Corrupt: 0.01}
	link.Down = link.Up
	link.Down.Loss.P, link.Down.Reorder = 0.02, 0.01
	other := harness.Profile{Up: harness.Path{Delay: time.Second}, Down: harness.Path{Delay: time.Second, MTU: 600}}
	return harness.Scenario{
		Name: "big", Tags: []string{"large"}, Radio: &harness.Radio{Name: "energybox-3g"},
		Workload: harness.Workload{
			Wallets: 20, Merchants: 7, Payments: 300, Rate: 5, AmountMin: 13, AmountMax: 999, Currency: "EUR",
			Balance: 5000, Impatient: 5 * time.Second, Presses: 4, Deadline: time.Minute, Attempts: 30,
		},
		Link: link, Settle: 3 * time.Minute,
		Timeline: []harness.Event{
			{At: 3 * time.Second, Every: 5 * time.Second, Jitter: time.Second, Action: harness.Reset, Phase: "resets"},
			{At: 7 * time.Second, Action: harness.SetLink, Link: &other, For: 20 * time.Second},
			{At: 9123456789, Action: harness.Blackhole, For: 7123456789},
			{At: 30 * time.Second, Action: harness.Crash, Side: harness.Server, Restart: 3 * time.Second, Vanish: true},
			{At: 40 * time.Second, Every: 10 * time.Second, Action: harness.Rebind, NewAddress: true},
		},
		Nemesis: []harness.Nemesis{{Rate: 0.1, For: harness.Durations{Min: time.Second, Max: 2 * time.Second}, Event: harness.Event{Action: harness.Refuse}}},
		Expect:  []harness.Expectation{{Text: "confirmed >= 300"}},
	}
}

func TestShrinkFindsWhatMatters(t *testing.T) {
	tests := map[string]struct {
		fails func(harness.Scenario) bool
		check func(*testing.T, harness.Scenario)
	}{
		"nothing": {
			func(harness.Scenario) bool { return true },
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Empty(t, sc.Timeline)
				require.Equal(t, harness.Profile{}, sc.Link)
			},
		},
		"one event of many": {
			func(sc harness.Scenario) bool { return len(events(sc, harness.Reset)) > 0 },
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Len(t, sc.Timeline, 1)
				require.NotNil(t, sc.Timeline[0].When, "it begins at a packet")
				require.Zero(t, sc.Timeline[0].Phase)
			},
		},
		"two of a kind and a third": {
			func(sc harness.Scenario) bool {
				return len(events(sc, harness.Rebind)) > 1 && len(events(sc, harness.Crash)) > 0
			},
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Len(t, sc.Timeline, 3)
				require.False(t, events(sc, harness.Crash)[0].Vanish)
				require.Equal(t, time.Second, events(sc, harness.Crash)[0].Restart)
				require.False(t, events(sc, harness.Rebind)[0].NewAddress)
			},
		},
		"a pair at two packets": {
			func(sc harness.Scenario) bool {
				if sc.Workload.Payments > 1 {
					return len(events(sc, harness.Reset)) > 0 && len(events(sc, harness.Rebind)) > 0
				}
				one, two := events(sc, harness.Reset), events(sc, harness.Rebind)
				return len(one) == 1 && len(two) == 1 && one[0].When != nil && two[0].When != nil &&
					one[0].When.Packet == 3 && two[0].When.Packet == 8
			},
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Len(t, sc.Timeline, 2)
			},
		},
		"an outage long enough": {
			func(sc harness.Scenario) bool {
				return slices.ContainsFunc(events(sc, harness.Blackhole), func(e harness.Event) bool {
					return e.For > 1500*time.Millisecond && e.Direction != harness.Down
				})
			},
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Len(t, sc.Timeline, 1)
				require.Equal(t, 2*time.Second, sc.Timeline[0].For)
				require.Equal(t, harness.Up, sc.Timeline[0].Direction)
			},
		},
		"loss of one packet": {
			func(sc harness.Scenario) bool {
				return sc.Link.Down.Loss.P > 0 || slices.ContainsFunc(events(sc, harness.Drop), func(e harness.Event) bool { return e.When.Packet == 7 })
			},
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Zero(t, sc.Link.Down.Loss)
				require.Equal(t, []harness.Event{{Action: harness.Drop, When: &harness.Trigger{Packet: 7, Direction: harness.Down}}}, sc.Timeline)
			},
		},
		"a crowd": {
			func(sc harness.Scenario) bool { return sc.Workload.Payments >= 7 && sc.Workload.Wallets >= 3 },
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Equal(t, 8, sc.Workload.Payments, "the next size that is tried")
				require.LessOrEqual(t, sc.Workload.Wallets, 4)
			},
		},
		"a rate and its queue": {
			func(sc harness.Scenario) bool { return sc.Link.Up.Rate > 0 && sc.Link.Up.Limit > 0 },
			func(t *testing.T, sc harness.Scenario) {
				t.Helper()
				require.Equal(t, harness.Profile{Up: harness.Path{Rate: 64_000, Limit: 9000}}, sc.Link)
			},
		},
	}
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := cases.Case{Scenario: big(), Seed: 5}
			one, err := shrink.Shrink(t.Context(), &made{fails: tt.fails}, c, shrink.Options{})
			require.NoError(t, err)
			require.Equal(t, "duplicated", one.Check)
			require.Empty(t, one.Ended)
			require.True(t, tt.fails(one.Case.Scenario))
			tt.check(t, one.Case.Scenario)
			require.Equal(t, uint64(5), one.Case.Seed)
			require.Nil(t, one.Case.Scenario.Radio)
			require.Empty(t, one.Case.Scenario.Expect)
			require.Empty(t, one.Case.Scenario.Nemesis)
			require.LessOrEqual(t, one.Case.Scenario.Settle, time.Minute)
			if name != "a crowd" {
				require.Equal(t, harness.Workload{
					Wallets: 1, Merchants: 1, Payments: 1, Rate: 1, AmountMin: 100, AmountMax: 100, Currency: "EUR",
					Deadline: time.Minute, Attempts: 30,
				}, one.Case.Scenario.Workload)
			}
			require.NoError(t, spec.Write(discard{}, one.Case.Scenario, lib), "it can be written as a file")

			many, err := shrink.Shrink(t.Context(), &made{fails: tt.fails}, c, shrink.Options{Jobs: 4})
			require.NoError(t, err)
			require.Equal(t, one.Case, many.Case, "how many run at a time makes no difference")
			require.Equal(t, one.Tried, many.Tried)

			again, err := shrink.Shrink(t.Context(), &made{fails: tt.fails}, one.Case, shrink.Options{})
			require.NoError(t, err)
			require.Equal(t, one.Case.Scenario, again.Case.Scenario, "nothing is left to be done")
		})
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// judged is a Runner with given reports.
type judged func(cases.Case) (cases.Report, error)

func (j judged) Run(_ context.Context, c cases.Case) (cases.Report, error) { return j(c) }

func TestShrinkOfWhatDoesNotFail(t *testing.T) {
	passes := func(cases.Case) (cases.Report, error) {
		return cases.Report{Result: result.Result{Status: result.StatusUnknown, Verdicts: []result.Verdict{{Check: "lost", Status: result.Pass}}}}, nil
	}
	_, err := shrink.Shrink(t.Context(), judged(passes), cases.Case{}, shrink.Options{})
	require.ErrorIs(t, err, shrink.ErrPasses)
	require.EqualError(t, err, "the case does not fail: its status is unknown")

	fails := func(cases.Case) (cases.Report, error) {
		return cases.Report{Result: result.Result{
			Verdicts:   []result.Verdict{{Check: "lost", Status: result.Fail}, {Check: "storm", Status: result.Fail}},
			Thresholds: []result.Threshold{{Text: "confirmed >= 4", Status: result.Fail}},
		}}, nil
	}
	_, err = shrink.Shrink(t.Context(), judged(fails), cases.Case{}, shrink.Options{Check: "duplicated"})
	require.ErrorIs(t, err, shrink.ErrPasses)
	require.EqualError(t, err, "the case does not fail in duplicated: it fails in lost, storm, confirmed >= 4")

	broken := errors.New("no workers")
	_, err = shrink.Shrink(t.Context(), judged(func(cases.Case) (cases.Report, error) { return cases.Report{}, broken }), cases.Case{}, shrink.Options{})
	require.ErrorIs(t, err, broken)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	_, err = shrink.Shrink(ctx, judged(fails), cases.Case{}, shrink.Options{})
	require.ErrorIs(t, err, broken)
}

// A failure of the run itself is shrunk, too.
func TestShrinkOfAPanic(t *testing.T) {
	panics := func(c cases.Case) (cases.Report, error) {
		switch {
		case len(events(c.Scenario, harness.Reset)) > 0:
			return cases.Report{}, &bubble.Failure{Kind: bubble.Panic, Text: "boom"}
		case len(events(c.Scenario, harness.Crash)) > 0:
			return cases.Report{}, &bubble.Failure{Kind: bubble.Leak, Text: "another"}
		}
		return cases.Report{}, nil
	}
	found, err := shrink.Shrink(t.Context(), judged(panics), cases.Case{Scenario: big()}, shrink.Options{})
	require.NoError(t, err)
	require.Equal(t, "panic", found.Check)
	require.Equal(t, &bubble.Failure{Kind: bubble.Panic, Text: "boom"}, found.Failure)
	require.Len(t, found.Case.Scenario.Timeline, 1)
	require.Equal(t, 1, found.Case.Scenario.Workload.Payments)
}

// A threshold is about its workload, which stays.
func TestShrinkOfAThreshold(t *testing.T) {
	slow := func(c cases.Case) (cases.Report, error) {
		status := result.Pass
		if len(events(c.Scenario, harness.Blackhole)) > 0 || c.Scenario.Workload.Payments < 300 {
			status = result.Fail
		}
		return cases.Report{Result: result.Result{Thresholds: []result.Threshold{{Text: "confirmed >= 300", Status: status}}}}, nil
	}
	found, err := shrink.Shrink(t.Context(), judged(slow), cases.Case{Scenario: big()}, shrink.Options{})
	require.NoError(t, err)
	require.Equal(t, "confirmed >= 300", found.Check)
	require.Equal(t, big().Workload, found.Case.Scenario.Workload)
	require.Equal(t, big().Expect, found.Case.Scenario.Expect)
	require.Len(t, found.Case.Scenario.Timeline, 1)
}

// An experiment that was carried out as asked is not given up for one that was not.
func TestShrinkStaysClean(t *testing.T) {
	var doubtful int
	r := judged(func(c cases.Case) (cases.Report, error) {
		v := []result.Verdict{{Check: "duplicated", Status: result.Fail}, {Check: "impairment", Weak: true, Status: result.Pass}}
		if len(events(c.Scenario, harness.Reset)) == 0 {
			v[1].Status = result.StatusUnknown
			doubtful++
		}
		return cases.Report{Result: result.Result{Verdicts: v}}, nil
	})
	found, err := shrink.Shrink(t.Context(), r, cases.Case{Scenario: big()}, shrink.Options{})
	require.NoError(t, err)
	require.Positive(t, doubtful)
	require.Len(t, found.Case.Scenario.Timeline, 1)
	require.Equal(t, result.Pass, found.Report.Result.Verdict("impairment").Status)
}

func TestShrinkKeepsToItsBudget(t *testing.T) {
	m := &made{fails: func(sc harness.Scenario) bool { return len(sc.Timeline) > 5 }}
	found, err := shrink.Shrink(t.Context(), m, cases.Case{Scenario: big()}, shrink.Options{Runs: 20})
	require.NoError(t, err)
	require.Equal(t, 20, found.Tried)
	require.LessOrEqual(t, m.runs.Load(), int64(21+4*found.Kept), "and the first, and those that confirm what is kept")
	require.Equal(t, "20 cases have been tried", found.Ended)
	require.True(t, m.fails(found.Case.Scenario))

	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	found, err = shrink.Shrink(ctx, judged(func(c cases.Case) (cases.Report, error) {
		if n++; n == 10 {
			cancel()
		}
		return m.Run(ctx, c)
	}), cases.Case{Scenario: big()}, shrink.Options{})
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, m.fails(found.Case.Scenario), "what was found by then")

	found, err = shrink.Shrink(t.Context(), judged(func(c cases.Case) (cases.Report, error) {
		time.Sleep(time.Millisecond)
		return m.Run(t.Context(), c)
	}), cases.Case{Scenario: big()}, shrink.Options{For: 5 * time.Millisecond})
	require.NoError(t, err)
	require.Equal(t, "the time is over", found.Ended)
}

// What fails now and then is not kept.
func TestShrinkKeepsWhatFailsEachTime(t *testing.T) {
	seen := map[int]int{} // runs by the number of events
	moody := judged(func(c cases.Case) (cases.Report, error) {
		n := len(c.Scenario.Timeline)
		seen[n]++
		v := result.Verdict{Check: "lost", Status: result.Fail}
		if n < 2 && seen[n]%3 == 0 {
			v.Status = result.Pass
		}
		return cases.Report{Result: result.Result{Verdicts: []result.Verdict{v}}}, nil
	})
	found, err := shrink.Shrink(t.Context(), moody, cases.Case{Scenario: big()}, shrink.Options{})
	require.NoError(t, err)
	require.Len(t, found.Case.Scenario.Timeline, 2)
}

func TestShrinkTellsHowFarItIs(t *testing.T) {
	m := &made{fails: func(sc harness.Scenario) bool { return len(events(sc, harness.Reset)) > 0 }}
	var told []shrink.Progress
	found, err := shrink.Shrink(t.Context(), m, cases.Case{Scenario: big()}, shrink.Options{
		Progress: func(p shrink.Progress) { told = append(told, p) },
	})
	require.NoError(t, err)
	last := told[len(told)-1]
	require.Equal(t, found.Tried, last.Tried)
	require.Equal(t, found.Kept, last.Kept)
	require.Equal(t, found.Case.Scenario, last.Case.Scenario)
	for i := 1; i < len(told); i++ {
		require.GreaterOrEqual(t, told[i].Tried, told[i-1].Tried)
	}
	require.Equal(t, m.runs.Load()-1, int64(last.Runs), "the first run is not counted")
	for runs := range last.Runs {
		require.True(t, slices.ContainsFunc(told, func(p shrink.Progress) bool { return p.Runs == runs+1 }), "run %d is told", runs+1)
	}
}
