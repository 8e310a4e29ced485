package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/files"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
)

// conformance is that of an API that forgets a key after a crash.
func conformance() result.Conformance {
	return result.Conformance{
		Version: 1, Onebar: "v0.1.0", Scenario: "stripe", File: "scenarios/stripe.yaml",
		Probes: []result.Probe{
			{Name: "replay", Title: "the same request again", Expected: "the same answer", Seen: "HTTP 200, the same answer", Status: result.Pass},
			{Name: "crash", Title: "the same request after a restart", Expected: "the same answer", Seen: "HTTP 201 | another id; charged twice", Status: result.Fail},
			{Name: "late", Title: "the same request after 10s", Expected: "the same answer", Seen: "the server no longer answers", Status: result.StatusUnknown},
			{Name: "error", Title: "the same request after HTTP 500", Expected: "a charge", Seen: "no error could be caused", Status: result.NotApplicable},
		},
	}
}

func notStarted() outcome.Outcome {
	return outcome.Unmade("v0.1.0", []outcome.Trouble{
		{File: "scenarios/late.yaml", Line: 7, Text: "scenarios/late.yaml:7:4: at 20s is after the end\nscenarios/late.yaml:9:1: another mistake"},
		{File: "tunnel", Text: "not run: another scenario cannot be read"},
	})
}

func notFinished() outcome.Outcome {
	return outcome.Unfinished("onebar run", "v0.1.0", time.Date(2026, 11, 23, 7, 0, 33, 0, time.UTC), []string{"scenarios/"})
}

func TestOutcomeGolden(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]outcome.Outcome{
		"conform": outcome.Conformed(conformance()), "doctor": Examined(ailing()), "unmade": notStarted(), "unfinished": notFinished(),
	} {
		o.Began, o.Took = time.Date(2026, 11, 23, 7, 0, 33, 0, time.UTC), 2*s
		for i, ending := range []string{".xml", ".json", ".md"} {
			var b bytes.Buffer
			require.NoError(t, outcome.Formats()[i].Report(o)(&b))
			golden(t, name+ending, b.Bytes())
		}
	}
	var b bytes.Buffer
	require.NoError(t, Conform(conformance())(&b))
	golden(t, "conform.console", b.Bytes())
}

// Whatever a command has found, a CI that reads its JUnit report is green only if the
// command ends with 0. The name of no case occurs twice: GitLab would drop one.
func TestOutcomesAreGreenOnlyForAPass(t *testing.T) {
	t.Parallel()
	unreached := swept()
	unreached.Rows[0].Passed--
	unreached.Rows[0].Unreached++
	stopped := explored()
	stopped.Interrupted = true
	unfit := healthy()
	unfit.Unfit = true
	wrong := healthy()
	wrong.Result.Status = result.Fail
	good := conformance()
	good.Probes = good.Probes[:1]
	none := conformance()
	none.Probes = none.Probes[3:]
	for name, c := range map[string]struct {
		outcome outcome.Outcome
		exit    int
	}{
		"sweep":               {outcome.Swept(swept()), swept().Exit()},
		"failing sweep":       {outcome.Swept(failingSweep()), failingSweep().Exit()},
		"interrupted sweep":   {outcome.Swept(interruptedSweep()), interruptedSweep().Exit()},
		"unreached sweep":     {outcome.Swept(unreached), result.ExitUnknown},
		"empty sweep":         {outcome.Swept(result.Sweep{}), result.ExitUnknown},
		"exploration":         {outcome.Explored(explored(), ""), result.ExitPass},
		"odd exploration":     {outcome.Explored(oddExploration(), ""), oddExploration().Exit()},
		"stopped exploration": {outcome.Explored(stopped, ""), result.ExitInterrupted},
		"empty exploration":   {outcome.Explored(result.Exploration{}, ""), result.ExitUnknown},
		"compare":             {Compared(compared()), compared().Exit()},
		"equal runs":          {Compared(result.Comparison{Status: result.Pass}), result.ExitPass},
		"nothing compared":    {Compared(result.Comparison{}), result.ExitUnknown},
		"conform":             {outcome.Conformed(conformance()), result.ExitFail},
		"good conform":        {outcome.Conformed(good), result.ExitPass},
		"all n/a":             {outcome.Conformed(none), result.ExitUnknown},
		"no probe":            {outcome.Conformed(result.Conformance{}), result.ExitUnknown},
		"doctor":              {Examined(healthy()), result.ExitPass},
		"doctor, unknown":     {Examined(ailing()), result.ExitUnknown},
		"doctor, broken":      {Examined(dead()), result.ExitBroken},
		"doctor, unfit":       {Examined(unfit), result.ExitBroken},
		"doctor, fail":        {Examined(wrong), result.ExitFail},
		"not started":         {notStarted(), result.ExitBroken},
		"not finished":        {notFinished(), result.ExitBroken},
	} {
		doc := readOutcome(t, c.outcome)
		require.NotEmpty(t, doc.Suites, name)
		require.Equal(t, c.exit == result.ExitPass, doc.Failures+doc.Errors == 0, "%s: exit %d", name, c.exit)
		require.Equal(t, c.exit == result.ExitPass, func() bool {
			var b bytes.Buffer
			require.NoError(t, outcome.Annotations(c.outcome)(&b))
			return b.Len() == 0
		}(), name)
		seen := map[string]bool{}
		for _, suite := range doc.Suites {
			require.NotEmpty(t, suite.Cases, name)
			for _, one := range suite.Cases {
				require.False(t, seen[suite.Name+one.Name], "%s: two cases %s", name, one.Name)
				seen[suite.Name+one.Name] = true
			}
		}
		var text bytes.Buffer
		require.NoError(t, outcome.JSON(c.outcome)(&text))
		require.Equal(t, c.exit == result.ExitPass, strings.Contains(text.String(), `"status": "pass"`) && !regexp.MustCompile(`(?m)^  "status": "(fail|unknown|broken|not finished)"`).MatchString(text.String()), "%s: %s", name, text.String())
	}
}

func readOutcome(t *testing.T, o outcome.Outcome) (doc ciSuites) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, outcome.JUnit(o)(&b))
	require.NoError(t, xml.Unmarshal(b.Bytes(), &doc))
	return doc
}

// A run in virtual time has the time by the clock of the machine, and the other as a
// property. A bundled scenario has no file.
func TestJUnitHasTheTimeOfTheMachine(t *testing.T) {
	t.Parallel()
	r := passing()
	r.Engine, r.Started = "sim", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	r.Wall = &result.Wall{Started: time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC), Took: 1500 * ms}
	r.Scenario.File = "tunnel"
	var b bytes.Buffer
	require.NoError(t, outcome.JUnit(Runs([]result.Result{r}))(&b))
	require.Contains(t, b.String(), `<testsuite name="tunnel" tests="8" failures="0" errors="0" skipped="0" time="1.500" timestamp="2026-11-29T13:00:00">`)
	require.Contains(t, b.String(), `<property name="engine time" value="61.25 seconds">`)
	require.NotContains(t, b.String(), ` file=`)
	require.NotContains(t, b.String(), "2000-01-01")
}

// wide has one phase for each second of three hours, as nine lines of a scenario can ask for.
func wide() result.Result {
	r := failing()
	r.Phases = nil
	for i := range 10_800 {
		r.Phases = append(r.Phases, result.PhaseStat{Phase: history.Phase{Name: fmt.Sprint("link ", i)}})
	}
	return r
}

func TestMarkdownStaysSmall(t *testing.T) {
	t.Parallel()
	many := []result.Result{passing(), wide()}
	for i := range 2000 {
		r := failing()
		r.Scenario.Name = fmt.Sprint("scenario ", i)
		r.Verdicts[0].Summary = strings.Repeat("<", 1000)
		r.Again = "the machine was busy"
		many = append(many, r)
	}
	var b bytes.Buffer
	o := Runs([]result.Result{wide()})
	o.See = "out/result.json"
	require.NoError(t, outcome.Markdown(o)(&b))
	require.Contains(t, b.String(), "… and 21,560 more, see out/result.json")
	require.Less(t, b.Len(), 20_000)
	b.Reset()
	require.NoError(t, outcome.Markdown(Runs(many))(&b))
	require.Less(t, b.Len(), files.SummaryLimit)
	require.Greater(t, b.Len(), files.SummaryLimit/2)
	require.Contains(t, b.String(), "… and 1,962 more, see the JSON report")
	require.Regexp(t, `\d+ parts left out, because the report would be too long: see the JSON report\n$`, b.String())
	require.Contains(t, b.String(), "2002 scenarios: 1 pass, 2001 fail")
	require.NotContains(t, b.String(), "| PASS |", "the failures come first")
	b.Reset()
	o.Room = 2000
	require.NoError(t, outcome.Markdown(o)(&b))
	require.LessOrEqual(t, b.Len(), 2000)
	require.Contains(t, b.String(), "1 fail")
}

// No text from outside breaks a report, whatever a command has found.
func TestOutcomesHoldHostileText(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{"</details>|`x`<script>\n# heading", "]]></testcase>\x00\xff", "\u202e&lt;script>\r\n| a |", "![x](http://x)\n```\n"} {
		sw := failingSweep()
		sw.Scenario.Name, sw.Findings[0].Text, sw.Findings[0].Check, sw.Findings[1].Fault, sw.Notes = hostile, hostile, hostile, hostile, []string{hostile}
		x := oddExploration()
		x.ByCheck[0].Check, x.Odd[0].Text, x.Scenarios, x.Reached[0].Name, x.Reached[2].Name = hostile, hostile, []string{hostile}, hostile, hostile
		c := conformance()
		c.Scenario, c.Probes[0].Seen, c.Probes[1].Title = hostile, hostile, hostile
		d := ailing()
		d.Result.Scenario.Name, d.Advice[0].Text, d.Result.Error = hostile, hostile, hostile
		for name, o := range map[string]outcome.Outcome{
			"sweep": outcome.Swept(sw), "explore": outcome.Explored(x, hostile), "conform": outcome.Conformed(c), "doctor": Examined(d),
			"unmade": outcome.Unmade("dev", []outcome.Trouble{{File: hostile, Text: hostile}}),
		} {
			require.NotEmpty(t, readOutcome(t, o).Suites, name)
			var b bytes.Buffer
			require.NoError(t, outcome.Markdown(o)(&b))
			for _, bad := range []string{"<script", "\n# heading", "](http", "\u202e", "\x00"} {
				require.NotContains(t, unfenced(b.String()), bad, name)
			}
			require.Equal(t, strings.Count(b.String(), "<details>"), strings.Count(b.String(), "</details>"), name)
			var text bytes.Buffer
			require.NoError(t, outcome.JSON(o)(&text))
			require.True(t, json.Valid(text.Bytes()), name)
			var notes bytes.Buffer
			require.NoError(t, outcome.Annotations(o)(&notes))
			for line := range strings.Lines(notes.String()) {
				require.True(t, strings.HasPrefix(line, "::error "), "%s: %q", name, line)
			}
		}
	}
}

// The statement about the rate of failures is made only if it is true.
func TestRateBelow(t *testing.T) {
	t.Parallel()
	x := result.Exploration{Runs: 1000, Planned: 1000, Passed: 1000}
	require.Equal(t, "0 failures in 1000 seeds: the failure rate is below 3/1000 = 0.003 at 95 % confidence", outcome.RateBelow(x))
	x.Runs, x.Planned, x.Passed = 10, 10, 10
	require.Equal(t, "0 failures in 10 seeds: the failure rate is below 0.259 at 95 % confidence", outcome.RateBelow(x))
	x.Passed, x.Failed = 9, 1
	require.Equal(t, "1 failure in 10 seeds: the failure rate is below 0.394 at 95 % confidence", outcome.RateBelow(x))
	x.Planned = 100
	require.Empty(t, outcome.RateBelow(x), "it ended because a run failed")
	require.Empty(t, outcome.RateBelow(result.Exploration{Runs: 5, Planned: 5, Unknown: 5}), "nothing was judged")
	require.Contains(t, outcome.RateBelow(result.Exploration{Runs: 50, Planned: 50, Passed: 40, Unknown: 10}), "0 failures in 40 seeds: the failure rate is below 3/40 ")
	require.Contains(t, slices.Collect(strings.Lines(exploration(format.Style{}, explored(), false))), outcome.RateBelow(explored())+"\n")
}
