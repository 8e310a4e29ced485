package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/subject/netns"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/progress"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == netns.Command {
		main() // a client of a test begins in its namespace
	}
	testscript.Main(m, map[string]func(){"onebar": main})
}

// Each behaviour of the command line is one script.
func TestScripts(t *testing.T) {
	captures, err := filepath.Abs("../../harness/radio/testdata/energybox")
	require.NoError(t, err)
	docs, err := filepath.Abs("../../docs")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"maybe": func(ts *testscript.TestScript, _ bool, args []string) { // exec, whatever its exit code
				_ = ts.Exec(args[0], args[1:]...)
			},
			"fits": func(ts *testscript.TestScript, neg bool, args []string) { // fits FILE SCHEMA, a schema under docs/
				err := fits(ts.ReadFile(args[0]), filepath.Join(docs, args[1]))
				if neg == (err == nil) {
					ts.Fatalf("%s and %s: %v", args[0], args[1], err)
				}
			},
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("CAPTURES", captures)
			return nil
		},
	})
}

// fits says what the JSON Schema in a file has against a document.
func fits(document, schema string) error {
	compiled, err := jsonschema.NewCompiler().Compile(schema)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		return err
	}
	return compiled.Validate(v)
}

// carryOut runs onebar run in this process and returns the exit code, what it printed and the history's path.
func carryOut(t *testing.T, scenario string) (code int, out, history string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "scenario.yaml")
	require.NoError(t, os.WriteFile(file, []byte(scenario), 0o600))
	b := batch{engine: "packet", seed: 1, out: dir, jobs: 1}
	list, err := loadScenarios([]string{file}, selection.Filter{})
	require.NoError(t, err)
	results := b.runAll(t.Context(), casesOf(t, b, list...), progress.New(&bytes.Buffer{}, 1))
	var stdout bytes.Buffer
	require.NoError(t, reports.Console(results)(&stdout))
	return reports.Exit(results), stdout.String(), filepath.Join(dir, list[0].Name, run.HistoryFile)
}

// passes requires every check to pass; only the impairment may be unknown, as the
// machine may be busy with other tests.
func passes(t *testing.T, history, out string) result.Result {
	t.Helper()
	res, err := judge.File(history)
	require.NoError(t, err)
	for _, v := range res.Verdicts {
		if v.Check != "impairment" || !strings.HasPrefix(v.Summary, "machine too busy") {
			require.Equal(t, result.Pass, v.Status, "%s\n%s", v.Summary, out)
		}
	}
	return res
}

// A wallet that makes a new key for every attempt charges people twice as soon as an
// answer is lost, and onebar must say who.
func TestNewKeyPerAttemptIsReportedDuplicated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	code, out, history := carryOut(t, `
onebar: 1
name: late-answers
summary: The bank books, and answers when nobody listens any more.
subject: {broken: [new-key-per-attempt]}
workload: {wallets: 4, payments: 24, rate: 4/s, amount: 10..900 KES}
link: lte
timeline:
  - {at: 1s, slow: server, by: 5s, for: 3s}
settle: 40s
`)
	require.Equal(t, result.ExitFail, code, out)
	again, err := judge.File(history)
	require.NoError(t, err)
	duplicated := again.Verdict("duplicated")
	require.Equal(t, result.Fail, duplicated.Status)
	require.NotEmpty(t, duplicated.Findings)
	require.Contains(t, out, duplicated.Findings[0].Order, "the payment is named")
}

// A bank that answers before its commit and then loses it has lost payments,
// and told people early.
func TestAnswerBeforeCommitIsReportedLost(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	code, out, history := carryOut(t, `
onebar: 1
name: crash
summary: The bank dies between its answer and its commit.
subject: {broken: [answer-before-commit]}
workload: {wallets: 4, payments: 40, rate: 10/s, amount: 10..900 KES}
link: lte
timeline:
  - {at: 2s, crash: server, restart: 1s}
settle: 30s
`)
	require.Equal(t, result.ExitFail, code, out)
	again, err := judge.File(history)
	require.NoError(t, err)
	lost := again.Verdict("lost")
	require.Equal(t, result.Fail, lost.Status)
	require.Contains(t, out, lost.Findings[0].Payment, "the payment is named")
}

// The same two situations are survived by the pair as it is.
func TestThePairSurvives(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	_, out, history := carryOut(t, `
onebar: 1
name: both
summary: The answers come too late, and then the bank dies.
workload: {wallets: 4, payments: 40, rate: 5/s, amount: 10..900 KES}
link: lte
timeline:
  - {at: 1s, slow: server, by: 12s, for: 2s}
  - {at: 5s, crash: server, restart: 1s}
settle: 60s
`)
	res := passes(t, history, out)
	recovered, ok := res.Figures.Get("recovered")
	require.True(t, ok)
	require.Positive(t, recovered.Value, "the fault did its harm")
}

// A thousand phones, each with a link and a queue of its own, in one scenario. On sim
// this is testdata/script/wallets.txtar.
func TestThousandWallets(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	_, out, history := carryOut(t, `
onebar: 1
name: crowd
summary: A stadium pays for its drinks.
workload: {wallets: 1000, merchants: 10, payments: 1000, rate: 200/s, amount: 10..900 KES}
link: lte
settle: 40s
`)
	res := passes(t, history, out)
	payments, ok := res.Figures.Get("confirmed")
	require.True(t, ok)
	require.EqualValues(t, 1000, payments.Value)
}

// An interrupt ends a run within two seconds, keeps its history and exits 130.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	interrupted := make(chan time.Time, 1)
	time.AfterFunc(2*time.Second, func() { interrupted <- time.Now(); cancel() })
	code := execute(ctx, []string{"run", "tunnel", "--out", dir}, &stdout, &stderr)
	require.Less(t, time.Since(<-interrupted), 2*time.Second)
	require.Equal(t, result.ExitInterrupted, code)
	res, err := judge.File(filepath.Join(dir, "tunnel", run.HistoryFile))
	require.NoError(t, err)
	require.Equal(t, result.StatusUnknown, res.Status)
	require.NotContains(t, strings.ToLower(stdout.String()+stderr.String()), "goroutine")
}
