package canary

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// recorded returns the path of a recorded history of package check.
func recorded(name string) string { return filepath.Join("../check/testdata", name+".jsonl") }

func TestBugsInALedger(t *testing.T) {
	for name, c := range map[string]struct {
		status result.Status
		text   string
	}{
		"pass-lost":                    {result.Pass, "found when planted: the posting of p1 lost, doubled, altered"},
		"pass-lost-no-holder":          {result.Pass, "found when planted"},
		"pass-duplicated":              {result.Pass, "found when planted"},
		"pass-contradicted-order-only": {result.Pass, "found when planted"},
		"fail-early":                   {result.Pass, "found when planted"},

		// The checks cannot say of a ledger that still changed whether a payment is lost.
		"unknown-lost-moving": {result.StatusUnknown, "not found when planted: the posting of p1 lost (check lost)"},

		"na-lost-no-ledger":  {result.StatusUnknown, "no bug could be planted: no payment that was confirmed is in a ledger that was read"},
		"na-phantom-nothing": {result.StatusUnknown, "no bug could be planted"},
	} {
		t.Run(name, func(t *testing.T) {
			v := File(recorded(name))
			require.Contains(t, v.Summary, c.text)
			require.Equal(t, c.status, v.Status)
			require.Equal(t, Check, v.Check)
			require.True(t, v.Weak)
		})
	}
}

// A bug is hidden by one of the same kind that is there already.
func TestBugsThatAreHidden(t *testing.T) {
	for name, want := range map[string]string{
		"fail-duplicated-payment": "not found when planted: the posting of p2 lost (check lost), doubled (check duplicated); that no other such bug was found means nothing",
		"fail-altered-amount":     "not found when planted: the posting of p2 altered (check altered); that no other such bug was found means nothing",
	} {
		text, err := os.ReadFile(recorded(name))
		require.NoError(t, err)
		var lines []string // without the first posting, which is of p1
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, `"posting":{"id":"b1"`) {
				lines = append(lines, line)
			}
		}
		v := History(strings.NewReader(strings.Join(lines, "")))
		require.Equal(t, want, v.Summary)
		require.Equal(t, result.StatusUnknown, v.Status)
	}
}

func TestHistoriesThatCannotBeRead(t *testing.T) {
	whole, err := os.ReadFile(recorded("pass-lost"))
	require.NoError(t, err)
	for name, text := range map[string]string{
		"truncated": string(whole[:len(whole)-20]),
		"empty":     "",
		"no JSON":   strings.Replace(string(whole), "{", "", 1),
	} {
		v := History(strings.NewReader(text))
		require.Equal(t, result.StatusUnknown, v.Status, name)
		require.Contains(t, v.Summary, "no bug could be planted", name)
	}
	v := File(filepath.Join(t.TempDir(), "history.jsonl"))
	require.Equal(t, result.StatusUnknown, v.Status)
	require.Contains(t, v.Summary, "no bug could be planted: open")
}

func TestSearched(t *testing.T) {
	v := searched("forget-keys", "", 40)
	require.Equal(t, result.Verdict{Check: Check, Weak: true, Summary: "the planted bug forget-keys was not found in 40 runs: that no other bug was found means nothing"}, v)
	v = searched("forget-keys", "bad-day, seed 7: duplicated: 1 payment", 7)
	require.Equal(t, result.Pass, v.Status)
	require.Equal(t, "the planted bug forget-keys was found: bad-day, seed 7: duplicated: 1 payment", v.Summary)
}
