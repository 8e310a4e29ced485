package cases_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// TestOddUnknown runs scenarios that are legal but cannot be judged. Their first line is the
// check that is unknown, and what it says to change. Those of testdata/odd can be judged, and
// pass: make nightly explores them.
func TestOddUnknown(t *testing.T) {
	files, err := filepath.Glob("testdata/odd-unknown/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(text), "\n")
		check, says, ok := strings.Cut(strings.TrimPrefix(first, "# want "), ": ")
		require.True(t, ok, file)
		sc, err := spec.Load(file, bundled(t))
		require.NoError(t, err)
		report, err := casestest.Pair().Run(t.Context(), cases.Case{Scenario: sc, Seed: 1})
		require.NoError(t, err, file)
		require.Equal(t, result.StatusUnknown, report.Result.Status, "%s: %v", file, report.Result.Verdicts)
		require.Equal(t, result.StatusUnknown, report.Result.Verdict(check).Status, file)
		require.Contains(t, report.Result.Verdict(check).Summary, says, file)
	}
}

// bundled returns the profiles of the scenarios.
func bundled(t *testing.T) spec.Library {
	t.Helper()
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	return lib
}

// TestOddIsLegal: the scenarios that make nightly explores are read.
func TestOddIsLegal(t *testing.T) {
	files, err := filepath.Glob("testdata/odd/*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 40)
	for _, file := range files {
		_, err := spec.Load(file, bundled(t))
		require.NoError(t, err)
	}
}
