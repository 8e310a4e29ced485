package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/simnet"
)

// Every bundled scenario that the engine can do has one history for a seed: in
// this process, on however many processors it has.
func TestEveryScenarioRepeats(t *testing.T) {
	lib, err := library()
	require.NoError(t, err)
	for _, file := range bundled() {
		name := strings.TrimSuffix(file, ".yaml")
		sc, err := loadBundled(name, lib)
		require.NoError(t, err)
		t.Run(name, func(t *testing.T) {
			if simnet.Engine.Supports(simnet.Engine{}, sc) != nil {
				t.Skip("asks for what the engine cannot do")
			}
			if testing.Short() && name != "tunnel" && name != "crash" {
				t.Skip("two of them will do")
			}
			s := simulation{Case: explore.Case{Scenario: sc, Seed: 3, Dir: filepath.Join(t.TempDir(), name)}}
			report, err := simulator(nil).Run(t.Context(), s.Case)
			require.NoError(t, err)
			res := report.Result
			require.Empty(t, res.Error)
			for _, v := range res.Verdicts {
				require.Equal(t, result.Pass, v.Status, v.Summary)
			}
			v, err := verify(t.Context(), s, res)
			require.NoError(t, err)
			require.Equal(t, result.Pass, v.Status, "%v", v.Findings)
		})
	}
}

// A pair that is wrong is found in virtual time, too, and by the same seed at the
// same place.
func TestFaultyPairIsFoundInVirtualTime(t *testing.T) {
	lib, err := library()
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		scenario, check, broken string
	}{
		"a new key for each attempt":  {"answers-lost", "duplicated", "new-key-per-attempt"},
		"an answer before the commit": {"crash", "early", "answer-before-commit"},
	} {
		t.Run(name, func(t *testing.T) {
			sc, err := loadBundled(tc.scenario, lib)
			require.NoError(t, err)
			sc.Subject.Broken = []string{tc.broken}
			report, err := simulator(nil).Run(t.Context(), explore.Case{Scenario: sc, Seed: 1})
			require.NoError(t, err)
			require.Equal(t, result.Fail, report.Result.Verdict(tc.check).Status)
		})
	}
}

func TestFirstDifference(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	long := strings.Repeat("é", 200)
	a := write("a", "one\ntwo\n"+long+"\n")
	for name, tc := range map[string]struct {
		text     string
		line     int
		inA, inB string
	}{
		"another line": {"one\nzwei\n", 2, "two", "zwei"},
		"cut short":    {"one\n", 2, "two", "nothing"},
		"a long line":  {"one\ntwo\nthree\n", 3, long[:160] + "…", "three"},
	} {
		line, inA, inB, err := firstDifference(a, write("b", tc.text))
		require.NoError(t, err, name)
		require.Equal(t, tc.line, line, name)
		require.Equal(t, tc.inA, inA, name)
		require.Equal(t, tc.inB, inB, name)
	}
	_, _, _, err := firstDifference(a, a)
	require.Error(t, err, "they are the same")
	_, _, _, err = firstDifference(a, filepath.Join(dir, "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
