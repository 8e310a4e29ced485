package explore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/coverage"
	"github.com/onebar/onebar/harness/result"
)

// oracle is a Runner that knows what becomes of each case.
type oracle struct {
	of func(cases.Case) (cases.Report, error)

	mu   sync.Mutex
	made []string // name and seed of each case
}

func (o *oracle) Run(_ context.Context, c cases.Case) (cases.Report, error) {
	o.mu.Lock()
	o.made = append(o.made, fmt.Sprint(c.Scenario.Name, c.Seed))
	o.mu.Unlock()
	return o.of(c)
}

func became(statuses ...result.Status) cases.Report {
	var r cases.Report
	r.Result.Took = time.Minute
	for i, s := range statuses {
		r.Result.Verdicts = append(r.Result.Verdicts, result.Verdict{Check: fmt.Sprint("check", i), Status: s, Summary: "so it is"})
	}
	r.Coverage = coverage.Counts{confirmed(): 2}
	return r
}

// confirmed is the situation that a report shows first.
func confirmed() string { return coverage.Situations()[0].Name }

func named(names ...string) []harness.Scenario {
	var list []harness.Scenario
	for _, n := range names {
		list = append(list, harness.Scenario{Name: n})
	}
	return list
}

func TestExploreTakesTurns(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) { return became(result.Pass), nil }}
	var told []Progress
	got, err := Explore(t.Context(), o, named("a", "b"), Options{Seeds: 5, First: 7, Watch: func(p Progress) { told = append(told, p) }})
	require.NoError(t, err)
	require.Equal(t, []string{"a7", "b7", "a8", "b8", "a9"}, o.made)
	require.Equal(t, Progress{Runs: 5, Planned: 5}, told[4])
	require.Equal(t, 5, got.Passed)
	require.Equal(t, 5*time.Minute, got.Virtual)
	require.Equal(t, result.Reached{Name: confirmed(), Times: 10, Runs: 5}, got.Reached[0])
	require.Nil(t, got.Failure)
	require.Empty(t, got.ByCheck)
	require.Equal(t, result.ExitPass, got.Exit())
}

// The first failure is that of the lowest number, whoever finds one first.
func TestExploreEndsAtTheFirstFailure(t *testing.T) {
	met := make(chan struct{})
	o := &oracle{of: func(c cases.Case) (cases.Report, error) {
		switch c.Seed {
		case 3:
			<-met // seed 4 is faster
			return became(result.Pass, result.Fail), nil
		case 4:
			close(met)
			return became(result.Fail), nil
		}
		return became(result.Pass), nil
	}}
	sc := named("a")
	sc[0].Length = time.Hour
	sc[0].Nemesis = []harness.Nemesis{{Rate: 0.01, Event: harness.Event{Action: harness.Reset}}}
	var odd []result.OddRun
	got, err := Explore(t.Context(), o, sc, Options{Seeds: 1000, Jobs: 2, Watch: func(p Progress) {
		if p.Odd != nil {
			odd = append(odd, *p.Odd)
		}
	}})
	require.NoError(t, err)
	require.Less(t, got.Runs, 10)
	require.ElementsMatch(t, got.Odd, odd)
	require.Equal(t, 2, got.Failed)
	require.Equal(t, uint64(3), got.Failure.Seed)
	require.Empty(t, got.Failure.Scenario.Nemesis)
	require.NotEmpty(t, got.Failure.Scenario.Timeline)
	require.Equal(t, "check1", got.Odd[0].Check)
	require.Equal(t, uint64(3), got.Odd[0].Seed)
	require.Equal(t, result.ExitFail, got.Exit())
}

func TestExploreKeepsGoing(t *testing.T) {
	o := &oracle{of: func(c cases.Case) (cases.Report, error) {
		switch c.Seed % 10 {
		case 1:
			return cases.Report{}, &bubble.Failure{Kind: bubble.Panic, Text: "panic: at the disco"}
		case 2:
			return became(result.StatusUnknown, result.Fail), nil
		case 3:
			return became(result.StatusUnknown), nil
		case 4:
			r := became(result.Pass)
			r.Result.Thresholds = []result.Threshold{{Text: "payments > 9", Status: result.Fail, Got: result.Figure{Name: "payments", Unit: result.Count, Value: 8}}}
			return r, nil
		}
		return became(result.Pass), nil
	}}
	got, err := Explore(t.Context(), o, named("a"), Options{Seeds: 10_000, Jobs: 4, KeepGoing: true})
	require.NoError(t, err)
	require.Equal(t, []int{10_000, 6000, 2000, 1000, 1000}, []int{got.Runs, got.Passed, got.Failed, got.Unknown, got.Broken})
	require.Equal(t, uint64(2), got.Failure.Seed)
	require.Len(t, got.Odd, result.MaxOdd)
	for i, o := range got.Odd {
		require.Equal(t, uint64(i/4*10+i%4+1), o.Seed)
	}
	var rows []string
	for _, c := range got.ByCheck {
		rows = append(rows, fmt.Sprint(c.Check, " ", c.Status, " ", c.Runs, " ", c.First.Seed, " ", c.First.Text))
	}
	require.Equal(t, []string{
		"broken unknown 1000 1 panic: at the disco",
		"check1 fail 1000 2 so it is",
		"payments > 9 fail 1000 4 payments was 8 count",
		"check0 unknown 2000 2 so it is",
	}, rows)
	require.Equal(t, result.ExitBroken, got.Exit())
}

// Which run a check is said to have spoken against first does not depend on which
// one ended first.
func TestExploreNamesTheFirst(t *testing.T) {
	met := make(chan struct{})
	o := &oracle{of: func(c cases.Case) (cases.Report, error) {
		if c.Scenario.Name == "a" {
			<-met
		} else {
			defer close(met)
		}
		return became(result.StatusUnknown), nil
	}}
	got, err := Explore(t.Context(), o, named("a", "b"), Options{Seeds: 2, First: 1, Jobs: 2})
	require.NoError(t, err)
	require.Len(t, got.ByCheck, 1)
	require.Equal(t, 2, got.ByCheck[0].Runs)
	require.Equal(t, "a", got.ByCheck[0].First.Scenario)
}

// Of a run without a verdict nothing is known, so it has not passed.
func TestExploreWithoutVerdict(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) { return cases.Report{}, nil }}
	got, err := Explore(t.Context(), o, named("a"), Options{Seeds: 1})
	require.NoError(t, err)
	require.Equal(t, 1, got.Broken)
	require.Equal(t, result.ExitBroken, got.Exit())
}

func TestExploreRefused(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) { return cases.Report{}, errors.New("no such engine") }}
	_, err := Explore(t.Context(), o, named("a"), Options{Seeds: 1000, First: 1})
	require.EqualError(t, err, "a, seed 1: no such engine")
	require.Len(t, o.made, 1)
	_, err = Explore(t.Context(), o, nil, Options{})
	require.ErrorContains(t, err, "no scenario")

	o = &oracle{of: func(c cases.Case) (cases.Report, error) {
		if c.Seed == 5 {
			return cases.Report{}, errors.New("no space left on device")
		}
		return became(result.Pass), nil
	}}
	got, err := Explore(t.Context(), o, named("a"), Options{First: 1})
	require.EqualError(t, err, "a, seed 5: no space left on device")
	require.Equal(t, 4, got.Passed, "what was found by then is not lost")
}

func TestExploreInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := &oracle{of: func(c cases.Case) (cases.Report, error) {
		if c.Seed == 20 {
			cancel()
			return cases.Report{}, ctx.Err()
		}
		return became(result.Pass), nil
	}}
	got, err := Explore(ctx, o, named("a"), Options{})
	require.NoError(t, err)
	require.True(t, got.Interrupted)
	require.Equal(t, 20, got.Passed)
	require.Equal(t, 20, got.Runs)
	require.Equal(t, result.ExitInterrupted, got.Exit())
}

func TestExploreFor(t *testing.T) {
	o := &oracle{of: func(cases.Case) (cases.Report, error) { time.Sleep(time.Millisecond); return became(result.Pass), nil }}
	got, err := Explore(t.Context(), o, named("a"), Options{For: 20 * time.Millisecond})
	require.NoError(t, err)
	require.GreaterOrEqual(t, got.Took, 20*time.Millisecond)
	require.Positive(t, got.Runs)
	require.False(t, got.Interrupted)
}
