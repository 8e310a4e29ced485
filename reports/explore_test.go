package reports

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
)

func explored() result.Exploration {
	return result.Exploration{
		Version: result.ExplorationVersion,
		Onebar:  "dev", Scenarios: []string{"bad-day", "tunnel"}, First: 7, Planned: 2000, Runs: 2000, Passed: 2000,
		Virtual: 51 * time.Hour, Took: 10 * time.Second,
		Reached: []result.Reached{
			{Name: "confirmed", Times: 199_000, Runs: 2000},
			{Name: "answer lost: the attempt failed, but was booked", Times: 412, Runs: 298},
			{Name: "declined"},
			{Name: "blackhole hit", Times: 3000, Runs: 1700},
		},
	}
}

func oddExploration() result.Exploration {
	x := explored()
	x.Passed, x.Failed, x.Unknown, x.Broken, x.Interrupted = 1974, 2, 23, 1, true
	lost := result.OddRun{Scenario: "bad-day", Seed: 12, Check: "lost", Status: result.Fail, Text: "1 payment lost: p1 (order o1)", Again: "onebar run bad-day --engine sim --seed 12"}
	broken := result.OddRun{Scenario: "tunnel", Seed: 9, Check: result.Broken, Text: "panic: at the disco"}
	doubt := result.OddRun{Scenario: "tunnel", Seed: 14, Check: "impairment", Text: "the reset of line 9 hit nothing"}
	x.ByCheck = []result.CheckCount{
		{Check: result.Broken, Runs: 1, First: broken},
		{Check: "lost", Status: result.Fail, Runs: 2, First: lost},
		{Check: "impairment", Runs: 23, First: doubt},
	}
	x.Odd = []result.OddRun{broken, lost}
	for range outcome.MaxFindings {
		x.Odd = append(x.Odd, doubt)
	}
	return x
}

func TestExploreGolden(t *testing.T) {
	t.Parallel()
	for file, report := range map[string]Report{
		"explore.console":        Explore(explored(), false),
		"explore-odd.console":    Explore(oddExploration(), false),
		"explore-all.console":    Explore(oddExploration(), true),
		"explore-odd-60.console": inStyle(exploration(format.Style{Colour: true, Width: 60}, oddExploration(), false)),
		"explore.xml":            outcome.JUnit(outcome.Explored(oddExploration(), "")),
		"explore.md":             outcome.Markdown(outcome.Explored(oddExploration(), "")),
		"explore-pass.xml":       outcome.JUnit(outcome.Explored(explored(), "")),
		"explore.json":           outcome.JSON(outcome.Explored(oddExploration(), "")),
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			require.NoError(t, report(&got))
			golden(t, file, got.Bytes())
		})
	}
}

func TestExploreJSONReadsBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, outcome.JSON(outcome.Explored(oddExploration(), ""))(&b))
	var back result.Exploration
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, oddExploration(), back)
	require.Error(t, outcome.JSON(outcome.Explored(explored(), ""))(full{}))
	require.Error(t, Explore(explored(), false)(full{}))
}
