package baseline_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/baseline"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
)

// simulated returns the results of the reference pair on sim for 20 seeds of a lossy link. change
// plants something that the scenario does not say.
func simulated(t *testing.T, change func(*harness.Scenario)) []result.Result {
	t.Helper()
	var all []result.Result
	for seed := range uint64(20) {
		c := casestest.OnePayment()
		c.Scenario.Workload.Payments, c.Scenario.Workload.InTurn = 3, true
		c.Scenario.Link.Up.Loss.P, c.Scenario.Link.Down.Loss.P = 0.05, 0.05
		asked := c.Scenario
		change(&c.Scenario)
		c.Seed = seed + 1
		report, err := casestest.Pair().Run(t.Context(), c)
		require.NoError(t, err)
		require.Empty(t, report.Result.Error)
		report.Result.Scenario = asked
		report.Result.Rerun = fmt.Sprintf("onebar run one --engine sim --seed %d", c.Seed)
		all = append(all, report.Result)
	}
	return all
}

// measured returns results in real time: n runs with one figure each.
func measured(n int, figure string, value func(i int) float64) []result.Result {
	var all []result.Result
	for i := range n {
		all = append(all, result.Result{
			Scenario: harness.Scenario{Name: "one"}, Engine: "packet", Seed: 1, Machine: "linux/amd64, 2 × Model",
			Figures: result.Figures{{Name: figure, Unit: result.Seconds, Value: value(i)}},
		})
	}
	return all
}

// changed returns a change of a comparison.
func changed(t *testing.T, c result.Comparison, figure string) result.Change {
	t.Helper()
	for _, change := range c.Changes {
		if change.Figure == figure {
			return change
		}
	}
	require.Fail(t, "no such change", "%s in %+v", figure, c.Changes)
	return result.Change{}
}

func compare(before, after []result.Result) result.Comparison {
	return baseline.Compare(baseline.Collect(before), baseline.Collect(after))
}

func TestVirtualTimeFindsEveryPlantedRegression(t *testing.T) {
	nothing := func(*harness.Scenario) {}
	before := simulated(t, nothing)
	again := compare(before, simulated(t, nothing))
	require.Equal(t, result.Pass, again.Status)
	require.Empty(t, again.Changes, "the same build")
	require.Greater(t, again.Figures, 40)

	t.Run("longer requests", func(t *testing.T) {
		after := simulated(t, func(sc *harness.Scenario) {
			sc.Workload.AmountMin, sc.Workload.AmountMax = 1<<35, 1<<35+890 // 4 bytes more in a varint
		})
		c := compare(before, after)
		require.Equal(t, result.ExitFail, c.Exit())
		got := changed(t, c, "bytes_up_per_payment")
		require.Equal(t, result.Worse, got.Kind)
		require.Equal(t, 20, got.Paired.Worse, "each seed")
		require.Contains(t, got.Paired.Again, fmt.Sprintf("--seed %d", got.Paired.Seed))
		require.Equal(t, result.Better, changed(t, compare(after, before), "bytes_up_per_payment").Kind)
	})
	t.Run("slower commits", func(t *testing.T) {
		c := compare(before, simulated(t, func(sc *harness.Scenario) {
			sc.Commit = harness.Durations{Min: 70 * time.Millisecond, Max: 70 * time.Millisecond}
		}))
		got := changed(t, c, "p50(confirm)")
		require.Equal(t, result.Worse, got.Kind)
		require.InDelta(t, 0.15, *got.New / *got.Old - 1, 0.1)
	})
	t.Run("a server that is slow once", func(t *testing.T) {
		c := compare(before, simulated(t, func(sc *harness.Scenario) {
			sc.Timeline = []harness.Event{{Action: harness.Slow, By: 8 * time.Second, For: 3 * time.Second}}
		}))
		require.Equal(t, result.Worse, changed(t, c, "attempts_per_payment").Kind, "the wallet attempts once more")
	})
}

// One seed of 20 is enough, whatever the others do.
func TestOneWorseSeedIsWorse(t *testing.T) {
	before := simulated(t, func(*harness.Scenario) {})
	after := simulated(t, func(*harness.Scenario) {})
	add := func(seed int, by float64) {
		for i, f := range after[seed-1].Figures {
			if f.Name == "bytes_per_payment" {
				after[seed-1].Figures[i].Value += by
			}
		}
	}
	add(3, 24)
	c := compare(before, after)
	require.Equal(t, result.Fail, c.Status)
	require.Equal(t, &result.SeedChange{Differ: 1, Worse: 1, Median: 24, Seed: 3, By: 24, Again: "onebar run one --engine sim --seed 3"}, c.Changes[0].Paired)
	add(5, -400)
	add(7, -200)
	c = compare(before, after)
	require.Equal(t, result.Fail, c.Status)
	require.Equal(t, &result.SeedChange{Differ: 3, Worse: 1, Median: -200, Seed: 3, By: 24, Again: "onebar run one --engine sim --seed 3"}, c.Changes[0].Paired)
	add(3, -24)
	c = compare(before, after)
	require.Equal(t, result.Pass, c.Status, "an improvement is no failure")
	require.Equal(t, result.Better, c.Changes[0].Kind)
	require.EqualValues(t, 5, c.Changes[0].Paired.Seed)

	after[8].Figures = after[8].Figures[1:]
	c = compare(before, after)
	require.Equal(t, result.StatusUnknown, c.Status)
	require.Equal(t, result.Vanished, c.Changes[0].Kind)
	require.Equal(t, 1, c.Changes[0].Paired.Gone)
}

func TestRealTimeNeedsAChangeThatIsLargeAndNoChance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noisy := func(n int, mean, spread float64) []result.Result {
		return measured(n, "p95(confirm)", func(int) float64 { return mean * (1 + spread*(2*random.Float64()-1)) })
	}
	for _, c := range []struct {
		name          string
		before, after []result.Result
		want          result.Status
		kind          result.ChangeKind
	}{
		{"15 % slower", noisy(6, 2, 0.02), noisy(6, 2.3, 0.02), result.Fail, result.Worse},
		{"15 % faster", noisy(6, 2, 0.02), noisy(6, 1.7, 0.02), result.Pass, result.Better},
		{"8 % slower", noisy(10, 2, 0.01), noisy(10, 2.16, 0.01), result.Pass, result.ChangeUnknown},
		{"15 % slower, noise of 50 %", noisy(6, 2, 0.5), noisy(6, 2.3, 0.5), result.Pass, result.ChangeUnknown},
		{"the same, noise of 50 %", noisy(10, 2, 0.5), noisy(10, 2, 0.5), result.Pass, result.ChangeUnknown},
		{"a busier machine: 12 ms later", noisy(10, 0.002, 0.02), noisy(10, 0.014, 0.02), result.Pass, result.ChangeUnknown},
		{"15 % slower, too few runs", noisy(6, 2, 0.02), noisy(5, 2.3, 0.02), result.StatusUnknown, result.ChangeUnknown},
	} {
		got := compare(c.before, c.after)
		require.Equal(t, c.want, got.Status, c.name)
		if c.kind == result.ChangeUnknown {
			require.Empty(t, got.Changes, c.name)
		} else {
			require.Equal(t, c.kind, got.Changes[0].Kind, c.name)
			require.Less(t, got.Changes[0].P, 0.01, c.name)
		}
	}
	got := compare(noisy(6, 2, 0.02), noisy(5, 2.3, 0.02))
	require.Contains(t, got.Unjudged[0].Text, "6 before and 5 now: make 6 on each side")
	require.Zero(t, got.Figures, "what was not compared is not unchanged")
	require.Equal(t, 3, got.Exit())
}

// Six runs can show a change of one figure, and not one of many.
func TestManyFiguresNeedMoreRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	runs := func(n int, factor float64) []result.Result {
		all := measured(n, "p95(confirm)", func(int) float64 { return factor * (2 + 0.01*random.Float64()) })
		for i := range all {
			for k := range 99 {
				all[i].Figures = append(all[i].Figures, result.Figure{Name: fmt.Sprintf("other %d", k), Value: 1 + 0.01*random.Float64()})
			}
		}
		return all
	}
	got := compare(runs(6, 1), runs(6, 1.2))
	require.Equal(t, result.StatusUnknown, got.Status)
	require.Contains(t, got.Unjudged[0].Text, "too few runs to show a change of 100 figures")
	require.Contains(t, got.Unjudged[0].Text, "make 9 on each side")
	got = compare(runs(9, 1), runs(9, 1.2))
	require.Equal(t, result.Fail, got.Status)
	require.Len(t, got.Changes, 1)
}

func TestRunsThatCannotBeComparedAreRefused(t *testing.T) {
	edit := func(of []result.Result, change func(i int, r *result.Result)) []result.Result {
		for i := range of {
			change(i, &of[i])
		}
		return of
	}
	some := func() []result.Result {
		return measured(6, "p95(confirm)", func(i int) float64 { return 2 + float64(i)/100 })
	}
	for want, after := range map[string][]result.Result{
		`the machine was "linux/amd64, 2 × Model" and is "linux/arm64, 4 × Other"`:            edit(some(), func(_ int, r *result.Result) { r.Machine = "linux/arm64, 4 × Other" }),
		"the machine of the runs is not recorded":                                             edit(some(), func(_ int, r *result.Result) { r.Machine = "" }),
		"the runs are of several machines":                                                    edit(some(), func(i int, r *result.Result) { r.Machine = fmt.Sprint(i) }),
		"before: 6 runs of seed 1; now: 6 runs of seeds 1 to 6: run the same seeds as before": edit(some(), func(i int, r *result.Result) { r.Seed = uint64(i + 1) }),
		"the scenario was edited since":                                                       edit(some(), func(_ int, r *result.Result) { r.Scenario.Settle++ }),
		"the run of seed 1 was not carried out (disk full)":                                   edit(some(), func(i int, r *result.Result) { r.Error = "disk full" }),
		"the run of seed 1 has no figures: repeat it":                                         edit(some(), func(_ int, r *result.Result) { r.Figures, r.Machine = nil, "" }),
		"make 6 on each side":                                                                 edit(some(), func(i int, r *result.Result) { r.Busy = strings.Repeat("late", i) }),
	} {
		got := compare(some(), after)
		require.Equal(t, result.ExitUnknown, got.Exit(), want)
		require.Empty(t, got.Changes)
		require.Len(t, got.Unjudged, 1, want)
		require.Contains(t, got.Unjudged[0].Text, want)
	}
	got := compare(some(), edit(some(), func(_ int, r *result.Result) {
		r.Scenario.Summary, r.Scenario.File, r.Scenario.Subject.Broken = "another", "x.yaml", []string{"forget-keys"}
	}))
	require.Equal(t, result.Pass, got.Status, "none of this is the experiment")

	twice := append(simulated(t, func(*harness.Scenario) {}), simulated(t, func(*harness.Scenario) {})...)
	require.Equal(t, result.Pass, compare(twice, twice[:20]).Status, "a seed may be run twice")
	twice[30].Figures = append(result.Figures{{Name: "presses", Value: 99}}, twice[30].Figures[2:]...)
	require.Contains(t, compare(twice, twice[:20]).Unjudged[0].Text, "two runs of seed 11 differ in")
}

func TestNewAndVanishedScenariosAreTold(t *testing.T) {
	one := measured(6, "p95(confirm)", func(int) float64 { return 2 })
	both := append(measured(6, "p95(confirm)", func(int) float64 { return 2 }), result.Result{Scenario: harness.Scenario{Name: "other"}, Engine: "sim"})
	got := compare(both, one)
	require.Equal(t, result.StatusUnknown, got.Status)
	require.Equal(t, []result.Change{{Scenario: "other", Engine: "sim", Kind: result.Vanished}}, got.Changes)
	got = compare(one, both)
	require.Equal(t, result.Pass, got.Status)
	require.Equal(t, []result.Change{{Scenario: "other", Engine: "sim", Kind: result.New}}, got.Changes)
}

func TestTheWorstIsFirst(t *testing.T) {
	runs := func(sign float64) []result.Result {
		r := result.Result{Scenario: harness.Scenario{Name: "one"}, Engine: "sim"}
		for _, f := range []struct {
			name    string
			old, by float64
		}{{"attempts_per_payment", 10, 1}, {"bytes_per_payment", 100, 50}, {"confirmed", 10, -3}, {"loss_up", 1, 9}, {"lost", 0, 1}, {"presses", 10, -9}} {
			r.Figures = append(r.Figures, result.Figure{Name: f.name, Value: f.old + sign*f.by})
		}
		return []result.Result{r}
	}
	var order []string
	for _, c := range compare(runs(0), runs(1)).Changes {
		order = append(order, c.Figure+" "+c.Kind.String())
	}
	require.Equal(t, []string{"lost worse", "bytes_per_payment worse", "confirmed worse", "attempts_per_payment worse", "loss_up changed", "presses better"}, order)
}

// A file has all that a comparison needs, and its lines change only with their figures.
func TestAFileReadsBackAndIsStable(t *testing.T) {
	before := append(simulated(t, func(*harness.Scenario) {}), measured(7, "p95(confirm)", func(i int) float64 { return 2 + float64(i)/7 })...)
	before[4].Figures = before[4].Figures[3:]
	write := func(of []result.Result) string {
		set := baseline.Collect(of)
		set.Reason = "first"
		var b bytes.Buffer
		require.NoError(t, set.Write(&b))
		return b.String()
	}
	text := write(before)
	rand.New(rand.NewPCG(1, 1)).Shuffle(20, func(i, j int) { before[i], before[j] = before[j], before[i] })
	require.Equal(t, text, write(before), "in any order")
	read, err := baseline.Read([]byte(text))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, read.Write(&b))
	require.Equal(t, text, b.String())
	c := baseline.Compare(read, baseline.Collect(before))
	require.Equal(t, result.Pass, c.Status)
	require.Empty(t, c.Changes)

	for i, f := range before[0].Figures {
		if f.Name == "bytes_per_payment" {
			before[0].Figures[i].Value += 24
		}
	}
	was, is := strings.Split(text, "\n"), strings.Split(write(before), "\n")
	require.Len(t, is, len(was))
	var differ []string
	for i := range was {
		if was[i] != is[i] {
			differ = append(differ, is[i])
		}
	}
	require.Len(t, differ, 1)
	require.Contains(t, differ[0], `"figure":"bytes_per_payment"`)
}

func TestAFileThatIsDamagedNamesItsLine(t *testing.T) {
	const head = `{"onebar_baseline":1,"build":"dev"}` + "\n"
	const runs = `{"scenario":"a","engine":"sim","seeds":[1,2,5,5,5],"hash":"x"}` + "\n"
	figure := func(values string) string {
		return `{"scenario":"a","engine":"sim","figure":"lost","unit":"count","values":[` + values + `]}` + "\n"
	}
	for _, values := range []string{"0", "0,0,0,0,null"} {
		_, err := baseline.Read([]byte(head + runs + figure(values)))
		require.NoError(t, err)
	}
	for text, want := range map[string]string{
		"":                                      "there are no runs",
		head:                                    "there are no runs",
		`{"version": 1}`:                        "line 1: not the first line of a baseline",
		`{"onebar_baseline":2}`:                 "format 2, and this onebar reads format 1",
		head + "<<<<<<< ours\n":                 "line 2: invalid character",
		head + figure("0"):                      "line 2: figure \"lost\" of a on sim: the line with its seeds is missing",
		head + runs + figure("0,1"):             "line 3: figure lost has 2 values: expected one for each of the 5 seeds",
		head + runs + figure(""):                "line 3: figure lost has 0 values",
		head + runs + figure("NaN"):             "line 3: invalid character",
		head + runs + figure("1e999"):           "line 3: json",
		head + runs + runs:                      "line 3: a on sim comes after a: expected each once, and sorted",
		head + runs + figure("0") + figure("0"): "line 4: figure lost comes after lost",
		head + `{"scenario":"a","seeds":[2,1]}`: "line 2: a on : expected ascending seeds",
		head + runs + strings.Replace(figure("0"), "count", "pounds", 1): "line 3: unit",
	} {
		_, err := baseline.Read([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestWriteRefusesRunsThatCannotBeCompared(t *testing.T) {
	broken := measured(6, "p95(confirm)", func(int) float64 { return 1 })
	broken[2].Error = "disk full"
	var b bytes.Buffer
	require.EqualError(t, baseline.Collect(broken).Write(&b), "one on packet: the run of seed 1 was not carried out (disk full): repeat it")
	require.EqualError(t, baseline.Collect(nil).Write(&b), "there are no runs")
	require.Zero(t, b.Len())
}

// FuzzRead reads any file: it is an error, or it can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"onebar_baseline":1}` + "\n" + `{"scenario":"a","engine":"sim","seeds":[1,2,5,5,5]}` + "\n" +
		`{"scenario":"a","engine":"sim","figure":"lost","unit":"count","values":[0,0,0,null,1e-9]}`))
	f.Add([]byte(`{"onebar_baseline":1}` + "\n" + `{"scenario":"a","engine":"packet","seeds":[1,1,18446744073709551615]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := baseline.Read(data)
		if err != nil {
			require.Zero(t, set)
			return
		}
		var first, second bytes.Buffer
		if set.Write(&first) != nil {
			return // its runs do not repeat
		}
		again, err := baseline.Read(first.Bytes())
		require.NoError(t, err)
		require.NoError(t, again.Write(&second))
		require.Equal(t, first.String(), second.String())
		c := baseline.Compare(set, again)
		require.Empty(t, c.Changes)
	})
}
