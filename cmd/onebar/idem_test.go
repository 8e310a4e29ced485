package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// idem copies testdata/idem to a folder of its own.
func idem(t *testing.T) string {
	t.Helper()
	needsPython(t)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/idem")))
	return dir
}

// bankOf writes a scenario for the mode of bank.py, with more keys at its end.
func bankOf(t *testing.T, dir, name, mode, more string) string {
	t.Helper()
	n := "1"
	if mode == "hash-all" {
		n = "attempt"
	}
	file := change(t, filepath.Join(dir, "base.yaml"), name+".yaml",
		"NAME", name, "{{ N }}", "{{ "+n+" }}", "MODE", mode, "give_up: 15s", "give_up: 4s", "settle: 20s", "settle: 6s", "ready: {http: /}", "ready: {http: /, within: 2m}")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(string(text)+more), 0o600))
	return file
}

// TestConformIdem tests the keys of servers with one mistake in them, and of one that is
// right but for taking a key with another amount.
func TestConformIdem(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	dir := idem(t)
	tests := map[string]string{ // what fails
		"good":             "other-request",
		"worker-cache":     "replay other-request concurrent cut-request-sent cut-before-answer", // and late, if it meets the other worker
		"hash-all":         "replay late other-request cut-request-sent cut-before-answer",
		"empty-replay":     "replay late other-request",
		"store-after-send": "other-request",
		"ttl":              "late other-request",
		"check-then-act":   "other-request concurrent cut-request-sent",
	}
	said := map[string]*bytes.Buffer{}
	var all sync.WaitGroup
	for mode := range tests {
		var out bytes.Buffer
		said[mode] = &out
		file := bankOf(t, dir, "conform-"+mode, mode, "")
		all.Go(func() {
			execute(t.Context(), []string{"conform", file, "--late", "1s", "--json", file + ".json", "--junit", file + ".xml"}, &out, &out)
		})
	}
	all.Wait()
	for mode, fails := range tests {
		var got []string
		for line := range strings.Lines(said[mode].String()) {
			name, failed := strings.CutPrefix(line, "FAIL ")
			if failed && (mode != "worker-cache" || strings.Fields(name)[0] != "late") {
				got = append(got, strings.Fields(name)[0])
			}
		}
		require.Equal(t, strings.Fields(fails), got, said[mode].String())
		require.NotContains(t, said[mode].String(), "LOST")
		text, err := os.ReadFile(filepath.Join(dir, "conform-"+mode+".yaml.json"))
		require.NoError(t, err)
		require.NoError(t, fits(string(text), "../../docs/conformance.schema.json"))
		require.Contains(t, string(text), `"status": "fail"`)
		text, err = os.ReadFile(filepath.Join(dir, "conform-"+mode+".yaml.xml"))
		require.NoError(t, err)
		require.Equal(t, strings.Count("\n"+said[mode].String(), "\nFAIL "), strings.Count(string(text), "<failure "))
	}
}

// TestIdem runs payments against servers with one mistake in their idempotency keys. The
// fault comes at the answer to the first payment.
func TestIdem(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	dir := idem(t)
	reset := "{when: {request: 1, moment: answered}, disconnect: reset}"
	crash := "{when: {request: 1, moment: answered}, crash: server, restart: 300ms}"
	tests := map[string]struct{ mode, event, fails string }{
		"good-reset":       {"good", reset, ""},
		"good-crash":       {"good", crash, ""},
		"after-send-reset": {"store-after-send", reset, ""},
		"worker-cache":     {"worker-cache", reset, "duplicated"},
		"hash-all":         {"hash-all", reset, "duplicated"},
		"empty-replay":     {"empty-replay", reset, "unresolved"},
		"cache-error":      {"cache-error", "{at: 1s, disconnect: reset, may_miss: true}", "unresolved"},
		"memory-crash":     {"memory", crash, "duplicated"},
		"memory-inside":    {"memory", strings.Replace(crash, "answered", "inside", 1), "duplicated"},
	}
	var files []string
	for name, tc := range tests {
		file := bankOf(t, dir, name, tc.mode, fmt.Sprintf("duration: 6s\ntimeline: [%s]\n", tc.event))
		files = append(files, change(t, file, name+"-one.yaml", "payments: 6, rate: 2/s", "payments: 1"))
	}
	for name, r := range runFiles(t, files...) {
		fails := tests[name].fails
		require.Empty(t, r.Error, name)
		if fails == "" {
			require.NotEqual(t, result.Fail, r.Status, "%s: %v", name, r.Verdicts) // a busy machine makes impairment unknown
			require.Equal(t, result.Pass, r.Verdict("duplicated").Status, "%s: %v", name, r.Verdicts)
			continue
		}
		// A check that depends on time is unknown if the machine stalled (docs/metrics.md); it finds the same.
		v, want := r.Verdict(fails), result.Fail
		if machine := r.Verdict("impairment"); fails == "unresolved" && strings.HasPrefix(machine.Summary, "machine too busy") {
			want = result.StatusUnknown
		}
		require.Equal(t, want, v.Status, "%s: %v", name, r.Verdicts)
		require.Equal(t, 1, v.Count, "%s: %v", name, r.Verdicts)
	}
}

// TestSweepKeptConnection sweeps a client whose HTTP library sends a POST again by itself
// when a kept connection breaks. Its first payment is on a new connection, and is not sent
// again.
func TestSweepKeptConnection(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	var out bytes.Buffer
	file := filepath.Join(idem(t), "resend.yaml")
	code := execute(t.Context(), []string{"sweep", file, "--engine", "packet", "-j", "84", "--out", t.TempDir()}, &out, &out)
	require.Equal(t, result.ExitFail, code, out.String())
	require.Contains(t, out.String(), "payments 2, connections 1, requests 2, moments of them 12")
	require.Regexp(t, `FAIL +reset +duplicated in [2-6] runs
.*
  at       .*request 2
`, out.String())
	require.NotRegexp(t, `duplicated in .*
.*
(  at .*
)*  at .*request 1\n`, out.String())
}
