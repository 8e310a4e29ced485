package mutants_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/mutants"
	"github.com/onebar/onebar/harness/result"
)

// outcomes are one of each kind.
func outcomes() map[string]mutants.Outcome {
	missed := mutants.Found{By: "catalogue", Runs: 35, Fails: map[string]int{}}
	other := mutants.Found{By: "catalogue", Runs: 35, Fails: map[string]int{"storm": 2}}
	named := mutants.Found{By: "explore bad-day", Runs: 40, Needed: 7, Fails: map[string]int{"lost": 3, "storm": 1}}
	of := func(name, equivalent string, found ...mutants.Found) mutants.Outcome {
		m := mutants.Mutant{Name: name, Class: "time", Loses: "The user pays | twice.", Check: []string{"lost", "overdue"}, Equivalent: equivalent, Patch: []byte(name)}
		return mutants.Outcome{Mutant: m, Found: found}
	}
	broken := of("broken", "")
	broken.Error = "build: exit status 1"
	return map[string]mutants.Outcome{
		"found": of("found", "", missed, named), "missed": of("missed", "", missed, missed), "misnamed": of("misnamed", "", other),
		"same": of("same", "nobody can tell", missed), "not the same": of("not the same", "nobody can tell", other), "broken": broken,
	}
}

func TestVerdict(t *testing.T) {
	all := outcomes()
	for name, want := range map[string]struct {
		status result.Status
		text   string
	}{
		"found":        {result.Pass, "explore bad-day (run 7)"},
		"missed":       {result.Fail, "expected lost or overdue, but nothing failed"},
		"misnamed":     {result.Fail, "expected lost or overdue, but only these checks failed: storm"},
		"same":         {result.Pass, "equivalent: nobody can tell"},
		"not the same": {result.Fail, "it is marked equivalent, but checks failed: storm"},
		"broken":       {result.StatusUnknown, "build: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want.status, all[name].Verdict())
			require.Equal(t, want.text, all[name].String())
		})
	}
}

func TestRecord(t *testing.T) {
	all := outcomes()
	var list []mutants.Outcome
	for _, name := range []string{"found", "missed", "misnamed", "same", "not the same", "broken"} {
		list = append(list, all[name])
	}
	var text strings.Builder
	require.NoError(t, mutants.Record(&text, list, true))
	require.Contains(t, text.String(), "Of 6 bugs 2 are judged right, 3 are missed, 1 could not be tried.")
	require.Contains(t, text.String(), "only that one is named.")
	require.Contains(t, text.String(), "\n## time\n\n| bug |")
	require.Contains(t, text.String(), "\n| found | The user pays \\| twice. | pass | explore bad-day (run 7) | lost, storm |\n")
	require.Contains(t, text.String(), "\n| missed | The user pays \\| twice. | fail | expected lost or overdue, but nothing failed |  |\n")
	require.NotContains(t, text.String(), "## money", "a class without a bug")
}

// Outcomes that were kept are read again, and belong to the mutant only while it is the same.
func TestKeptOutcomes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outcomes.json")
	all, err := mutants.ReadOutcomes(path)
	require.NoError(t, err)
	require.Empty(t, all)
	var text strings.Builder
	for _, name := range []string{"found", "missed"} {
		require.NoError(t, json.NewEncoder(&text).Encode(outcomes()[name]))
	}
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	all, err = mutants.ReadOutcomes(path)
	require.NoError(t, err)
	require.Equal(t, []mutants.Outcome{outcomes()["found"], outcomes()["missed"]}, all)

	m := outcomes()["found"].Mutant
	require.True(t, all[0].Of(m))
	require.False(t, all[1].Of(m))
	m.Patch = []byte("another")
	require.False(t, all[0].Of(m))

	require.NoError(t, os.WriteFile(path, []byte(text.String()[:40]), 0o600))
	_, err = mutants.ReadOutcomes(path)
	require.ErrorContains(t, err, "read the outcomes in "+path)
}
