package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

// Every bundled scenario has one history for a seed: in
// this process, on however many processors it has.
func TestEveryScenarioRepeats(t *testing.T) {
	lib := library()
	for _, file := range bundled() {
		name := strings.TrimSuffix(file, ".yaml")
		sc, err := loadBundled(name, lib)
		require.NoError(t, err)
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "tunnel" && name != "crash" {
				t.Skip("two of them will do")
			}
			report, err := simulator().Run(t.Context(), cases.Case{Scenario: sc, Seed: 3, Dir: filepath.Join(t.TempDir(), name), Verify: true})
			require.NoError(t, err)
			res := report.Result
			require.Empty(t, res.Error)
			for _, v := range res.Verdicts {
				require.Equal(t, result.Pass, v.Status, "%s: %v", v.Summary, v.Findings)
			}
			require.Equal(t, result.Pass, res.Verdict("repeat").Status)
		})
	}
}

// A pair that is wrong is found in virtual time, too, and by the same seed at the
// same place.
func TestFaultyPairIsFoundInVirtualTime(t *testing.T) {
	lib := library()
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
			report, err := simulator().Run(t.Context(), cases.Case{Scenario: sc, Seed: 1})
			require.NoError(t, err)
			require.Equal(t, result.Fail, report.Result.Verdict(tc.check).Status)
		})
	}
}
