package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// compared is a comparison with a change of each kind.
func compared() result.Comparison {
	value := func(v float64) *float64 { return &v }
	return result.Comparison{
		Version: result.ComparisonVersion, Onebar: "v1.2", Old: "v1.1", New: "v1.2", Status: result.Fail,
		Figures: 305, Scenarios: 4, Moved: 3,
		Changes: []result.Change{
			{
				Scenario: "tunnel", Engine: "sim", Figure: "bytes_per_payment", Unit: result.Bytes, Kind: result.Worse,
				Old: value(1200), New: value(1200), Runs: 200,
				Paired: &result.SeedChange{Differ: 17, Worse: 16, Median: 24, Seed: 12, By: 96, Again: "onebar run tunnel --engine sim --seed 12"},
			},
			{Scenario: "edge", Engine: "packet", Figure: "p95(confirm)", Unit: result.Seconds, Kind: result.Worse, Old: value(2), New: value(2.31), Runs: 10, P: 0.0012},
			{Scenario: "edge", Engine: "packet", Figure: "lost", Unit: result.Count, Kind: result.Worse, Old: value(0), New: value(1), Runs: 10, P: 0.002},
			{Scenario: "lift", Engine: "sim", Kind: result.Vanished},
			{Scenario: "tunnel", Engine: "sim", Figure: "joules", Unit: result.Joules, Kind: result.Vanished, Old: value(3), New: value(3), Runs: 200, Paired: &result.SeedChange{Gone: 2}},
			{Scenario: "edge", Engine: "packet", Figure: "max(attempt)", Unit: result.Seconds, Kind: result.Vanished, Old: value(3)},
			{Scenario: "lone", Engine: "sim", Figure: "presses", Unit: result.Count, Kind: result.Better, Old: value(3), New: value(2), Runs: 1, Paired: &result.SeedChange{Differ: 1, Median: -1, Seed: 1, By: -1}},
			{Scenario: "lone|x", Engine: "sim", Kind: result.New},
			{Scenario: "lone", Engine: "sim", Figure: "p50(confirm)", Unit: result.Seconds, Kind: result.New, New: value(3)},
		},
		Unjudged: []result.Unjudged{{Scenario: "metro", Engine: "packet", Text: `the machine was "a" and is "b": compare elsewhere`}},
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()
	var console, markdown bytes.Buffer
	require.NoError(t, Comparison(compared())(&console))
	golden(t, "comparison.console", console.Bytes())
	require.NoError(t, ComparisonMarkdown(compared())(&markdown))
	golden(t, "comparison.md", markdown.Bytes())
}

// A report for people stays readable, and says what it leaves out.
func TestAComparisonShowsTheWorstOnly(t *testing.T) {
	t.Parallel()
	c := compared()
	for range 10_000 {
		c.Changes = append(c.Changes, c.Changes[0])
	}
	var b bytes.Buffer
	require.NoError(t, ComparisonMarkdown(c)(&b))
	require.Less(t, strings.Count(b.String(), "\n"), 60)
	require.Contains(t, b.String(), "the 9969 least are only in the JSON report")
}

func TestNullTest(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, NullTest(result.NullTest{Comparisons: 100, Runs: 20, Alarms: 3, Allowed: 1, Rows: map[string]int{"lost": 1, "p95(confirm)": 2, "p99(confirm)": 2}})(&b))
	require.Equal(t, "FAIL  3 of 100 comparisons of 20 runs with 20 of the same pool raised an alarm; 1 allowed\n"+
		"     2  p95(confirm)\n     2  p99(confirm)\n     1  lost\n", b.String())
	require.Equal(t, 0, result.NullTest{Alarms: 1, Allowed: 1}.Exit())
	require.Equal(t, "-50 %", relative(-2, -3))
	require.Equal(t, "from 0", relative(0, math.Pi))
}
