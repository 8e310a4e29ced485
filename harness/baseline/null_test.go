package baseline_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/baseline"
	"github.com/onebar/onebar/harness/result"
)

// noise returns 40 runs of one build with 60 figures, which vary by up to spread.
func noise(spread float64) []result.Result {
	random := rand.New(rand.NewPCG(7, 7))
	all := measured(40, "p95(confirm)", func(int) float64 { return 2 * math.Exp(spread*random.NormFloat64()) })
	for i := range all {
		all[i].Seed = uint64(i)
		for k := range 59 {
			all[i].Figures = append(all[i].Figures, result.Figure{Name: fmt.Sprintf("other %d", k), Value: math.Exp(spread * random.NormFloat64())})
		}
	}
	return all
}

// Without Holm's correction the comparisons of 60 noisy figures would alarm again and again.
func TestNoiseOfManyFiguresRaisesNoAlarm(t *testing.T) {
	got, err := baseline.Null(baseline.Collect(noise(0.5)), 100, 1)
	require.NoError(t, err)
	require.Equal(t, 20, got.Runs)
	require.LessOrEqual(t, got.Alarms, 1, "%+v", got)
	require.Equal(t, result.ExitPass, got.Exit())
}

// A null test that cannot fail would show nothing: half of this pool is of another build.
func TestANullTestNoticesFiguresThatAreNoNoise(t *testing.T) {
	twice := append(simulated(t, func(*harness.Scenario) {}), simulated(t, func(*harness.Scenario) {})...)
	got, err := baseline.Null(baseline.Collect(twice), 100, 1)
	require.NoError(t, err)
	require.Equal(t, result.NullTest{Comparisons: 100, Runs: 20, Rows: map[string]int{}}, got)

	twice[33].Figures[0].Value++ // one run does not repeat
	got, err = baseline.Null(baseline.Collect(twice), 100, 1)
	require.NoError(t, err)
	require.Equal(t, 100, got.Alarms)
	require.Equal(t, result.ExitFail, got.Exit())
}

func TestANullTestNeedsEnoughRuns(t *testing.T) {
	_, err := baseline.Null(baseline.Collect(simulated(t, func(*harness.Scenario) {})), 10, 1)
	require.ErrorContains(t, err, "one on sim: the pool needs at least two runs of each seed")
	_, err = baseline.Null(baseline.Collect(noise(0.3)[:8]), 10, 1)
	require.ErrorContains(t, err, "with 4 before and 4 now: make 8 on each side")
	_, err = baseline.Null(baseline.Set{}, 10, 1)
	require.EqualError(t, err, "there are no runs in the pool")
}

// The files have 40 runs each of a scenario of 7.4 s on the packet engine, made one after
// the other by one build on a machine with a load of 35 to 55.
func TestRecordedRunsRaiseNoAlarm(t *testing.T) {
	before, after := recorded(t, "packet", 1), recorded(t, "packet-again", 1)
	for _, pool := range []baseline.Set{before, after} {
		got, err := baseline.Null(pool, 100, 1)
		require.NoError(t, err)
		require.LessOrEqual(t, got.Alarms, 1, "%+v", got)
	}
	got := baseline.Compare(before, after)
	require.Equal(t, result.Pass, got.Status)
	require.Empty(t, got.Changes)
}

// The same runs, but each payment takes 15 % longer, and one attempt more.
func TestRecordedRunsThatAreSlowerRaiseAnAlarm(t *testing.T) {
	got := baseline.Compare(recorded(t, "packet", 1), recorded(t, "packet-again", 1.15))
	require.Equal(t, result.Fail, got.Status)
	require.Equal(t, result.Worse, changed(t, got, "mean(confirm)").Kind)
	require.Equal(t, result.Worse, changed(t, got, "attempts_per_payment").Kind)
	for _, c := range got.Changes {
		require.Regexp(t, `\(confirm\)$|^attempts_per_payment$`, c.Figure, "nothing else has changed")
	}
}

// recorded reads recorded runs, and multiplies their times until a payment was confirmed by
// slower. If that is above 1, they have twice the attempts.
func recorded(t *testing.T, name string, slower float64) baseline.Set {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
	require.NoError(t, err)
	number := regexp.MustCompile(`[0-9.e-]+[,\]]`)
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		times := 1.0
		switch {
		case slower > 1 && strings.Contains(line, `"attempts_per_payment"`):
			times = 2
		case strings.Contains(line, `(confirm)"`):
			times = slower
		}
		head, values, _ := strings.Cut(line, `"values":`)
		values = number.ReplaceAllStringFunc(values, func(word string) string {
			v, err := strconv.ParseFloat(word[:len(word)-1], 64)
			require.NoError(t, err)
			return strconv.FormatFloat(v*times, 'g', -1, 64) + word[len(word)-1:]
		})
		if times > 1 {
			lines[i] = head + `"values":` + values
		}
	}
	set, err := baseline.Read([]byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
	return set
}
