package reports

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	t.Parallel()
	onTerminal := func(width int, colour bool) func([]result.Result) Report {
		return func(results []result.Result) Report {
			return inStyle(console(format.Style{Colour: colour, Width: width}, results))
		}
	}
	cases := []struct {
		file    string
		write   func([]result.Result) Report
		results []result.Result
	}{
		{"batch.console", Console, batch()},
		{"batch-80.console", onTerminal(80, false), batch()},
		{"batch-colour.console", onTerminal(120, true), batch()},
		{"pass.console", Console, []result.Result{passing()}},
		{"fail-80.console", onTerminal(80, false), []result.Result{failing()}},
		{"unknown.console", Console, []result.Result{unjudgeable()}},
		{"broken.console", Console, []result.Result{broken()}},
		{"ledgerless.console", Console, []result.Result{ledgerless()}},
		{"ledgerless-batch.console", Console, []result.Result{ledgerless(), passing()}},
		{"ledgerless.md", ofRuns(outcome.Markdown), []result.Result{ledgerless(), ledgerless()}},
		{"none.console", Console, nil},
		{"batch.json", ofRuns(outcome.JSON), batch()},
		{"none.json", ofRuns(outcome.JSON), nil},
		{"batch.xml", ofRuns(outcome.JUnit), batch()},
		{"batch.md", ofRuns(outcome.Markdown), batch()},
		{"none.md", ofRuns(outcome.Markdown), nil},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			require.NoError(t, c.write(c.results)(&got))
			golden(t, c.file, got.Bytes())
		})
	}
}

// inStyle is a report that was drawn for another writer than its own.
func inStyle(text string) Report {
	return func(w io.Writer) error { return send(w, "console", text) }
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestWriteErrorsAreReported(t *testing.T) {
	t.Parallel()
	require.EqualError(t, Console(batch())(full{}), "write console report: no space left on device")
	for _, f := range outcome.Formats() {
		name, _, _ := strings.Cut(f.Title, " ")
		require.EqualError(t, f.Report(Runs(batch()))(full{}), "write "+name+" report: no space left on device")
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		results []result.Result
		want    int
	}{
		{"nothing was judged", nil, result.ExitUnknown},
		{"all pass", []result.Result{passing(), passing()}, result.ExitPass},
		{"unknown is not a pass", []result.Result{passing(), unjudgeable()}, result.ExitUnknown},
		{"fail is worse than unknown", []result.Result{unjudgeable(), failing(), passing()}, result.ExitFail},
		{"broken is worst", batch(), result.ExitBroken},
		{"no verdict at all", []result.Result{{}}, result.ExitUnknown},
	}
	for _, c := range cases {
		require.Equal(t, c.want, Exit(c.results), c.name)
	}
}

// golden compares a report with its file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run go test ./reports -update")
	require.Equal(t, string(want), string(got))
}
