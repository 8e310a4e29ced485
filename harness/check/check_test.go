package check_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/threshold"
)

var update = flag.Bool("update", false, "write testdata/*.jsonl")

// Each history in testdata is judged from its file, as onebar check would. Its
// name says what the check it names must say; no check may fail that is not
// meant to, and none of the others' findings may be hidden.
func TestSamples(t *testing.T) {
	var files []string
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			file := filepath.Join("testdata", s.name+".jsonl")
			files = append(files, file)
			want := s.write().records()
			if *update {
				require.NoError(t, os.WriteFile(file, encode(t, want), 0o644))
			}
			got := decode(t, file)
			require.Equal(t, want, got, "write it with go test ./harness/check -update")
			judgeSample(t, s, got)
		})
	}
	onDisk, err := filepath.Glob("testdata/*.jsonl")
	require.NoError(t, err)
	require.ElementsMatch(t, files, onDisk, "every file in testdata has a case")
}

func judgeSample(t *testing.T, s sample, records []history.Record) {
	t.Helper()
	verdicts := judge(slices.Values(records))
	word, name, _ := strings.Cut(s.name, "-")
	name, _, _ = strings.Cut(name, "-")
	v := verdict(verdicts, name)
	require.Equal(t, word, strings.ReplaceAll(v.Status.String(), "/", ""), v.Summary)
	require.Equal(t, s.summary, v.Summary)
	require.Equal(t, v.Count, len(v.Findings))
	if s.lines != nil {
		require.Equal(t, s.lines, v.Findings[0].Lines)
	}
	if s.text != "" {
		require.Equal(t, s.text, v.Findings[0].Text)
	}
	wantFailing := s.also
	if word == "fail" {
		wantFailing = append([]string{name}, wantFailing...)
	}
	require.ElementsMatch(t, wantFailing, failing(verdicts))
	if word == "fail" || word == "pass" {
		for _, v := range verdicts {
			unjudged := v.Status == result.StatusUnknown
			partial := strings.HasSuffix(s.name, "-killed") || strings.HasSuffix(s.name, "-interrupted") || v.Check == "early"
			require.False(t, unjudged && !partial, "%s is unknown: %s", v.Check, v.Summary)
		}
	}
}

// What a ledger proves stays proven while it still changes, and beside a booking of
// another run.
func TestProvenAlthoughTheLedgerIsDisturbed(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*script)
		want   []string
	}{
		"two bookings of one payment, and the ledger still changes": {func(s *script) {
			s.book("p2")
			s.end.LedgerMoving = true
		}, []string{"duplicated"}},
		"a booking that nobody asked for, and one of another run": {func(s *script) {
			late(s)
			s.posting(harness.Posting{Payment: "p9", Payer: "w1", Payee: "m0", Amount: 5, Currency: "KES"})
		}, []string{"phantom"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, failing(judge(slices.Values(good(tc.change)().records()))))
		})
	}
}

func encode(t *testing.T, records []history.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, r := range records {
		line, err := json.Marshal(r)
		require.NoError(t, err)
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

// decode reads a history. Its lines are numbered as the records are.
func decode(t *testing.T, file string) []history.Record {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	var all []history.Record
	for r, err := range history.Read(f) {
		require.NoError(t, err)
		r.Line = 0
		all = append(all, r)
	}
	return all
}

// Every verdict that can come has a history that shows it.
func TestEveryVerdictHasASample(t *testing.T) {
	have := map[string]bool{}
	for _, s := range samples() {
		parts := strings.SplitN(s.name, "-", 3)
		have[parts[0]+"-"+parts[1]] = true
	}
	for _, c := range check.Checks() {
		require.True(t, have["pass-"+c.Name], "pass-%s", c.Name)
		require.True(t, have["unknown-"+c.Name], "unknown-%s", c.Name)
		require.Equal(t, !c.Weak, have["fail-"+c.Name], "fail-%s", c.Name)
	}
}

func TestNames(t *testing.T) {
	require.Equal(t, []string{
		"lost", "duplicated", "contradicted", "unfounded", "unrefused", "altered", "phantom", "unresolved",
		"flipped", "unbalanced", "early", "overdue", "storm", "unexplained_failures", "load", "impairment",
	}, check.Names())
	var verdicts []string
	for _, v := range check.New().Verdicts() {
		verdicts = append(verdicts, v.Check)
	}
	require.Equal(t, check.Names(), verdicts)
}

// An expectation may name the findings of any check that can fail.
func TestEveryCheckIsAMetric(t *testing.T) {
	for _, c := range check.Checks() {
		_, err := threshold.Parse(c.Name + " == 0")
		require.Equal(t, c.Weak, err != nil, c.Name)
	}
}

// Nothing was proven by nothing.
func TestAnEmptyHistoryIsUnknown(t *testing.T) {
	for _, v := range check.New().Verdicts() {
		require.Equal(t, result.StatusUnknown, v.Status, v.Check)
		require.Equal(t, "the history has no header: its first line is missing", v.Summary, v.Check)
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	s := newScript(100)
	for i := range 100 {
		id := "p" + strings.Repeat("1", i+1)
		s.press(id, "o"+id)
		s.told(id, confirmed)
	}
	v := verdict(judge(slices.Values(s.records())), "lost")
	require.Equal(t, 100, v.Count)
	require.Len(t, v.Findings, result.MaxFindings)
	require.Equal(t, "100 payments lost: p1 (order op1), p11 (order op11), p111 (order op111) and 97 more", v.Summary)
	require.Equal(t, "p1", v.Findings[0].Payment)
	require.Equal(t, "op1", v.Findings[0].Order)
}
