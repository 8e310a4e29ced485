package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/reports/progress"
)

// TestMoments breaks something at each moment of the first three requests to the
// shop, through both engines. The shop is none the worse for it; a client that makes
// a key for each attempt charges twice whenever the answer is lost.
func TestMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	dir := filepath.Join(examples(t), "shop")
	scenario := func(name, event, key string) string {
		return change(t, filepath.Join(dir, "cut.yaml"), name+".yaml",
			"name: shop-cut", "name: "+name+"\nduration: 6s", "key: order", "key: "+key, "-receipt, 300ms", "-receipt, 20ms",
			"wallets: 10, payments: 40, rate: 20/s", "wallets: 2, payments: 6, rate: 6/s",
			"{every: 400ms, disconnect: reset}", event)
	}
	var files []string
	for request := 1; request <= 3; request++ {
		for _, moment := range []string{"complete", "answered", "inside"} {
			for name, action := range map[string]string{
				"reset": "disconnect: reset", "blackhole": "disconnect: blackhole, for: 600ms", "crash": "crash: server, restart: 100ms",
			} {
				event := fmt.Sprintf("{when: {request: %d, moment: %s}, %s}", request, moment, action)
				files = append(files, scenario(fmt.Sprintf("%s-%s-%d", name, moment, request), event, "order"))
			}
		}
	}
	for _, moment := range []string{"answered", "inside"} {
		files = append(files, scenario("keyless-"+moment, "{when: {request: 2, moment: "+moment+"}, disconnect: reset}", "attempt"))
	}
	for _, engine := range []string{"packet", "toxiproxy"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := batch{engine: engine, seed: 1, out: t.TempDir(), jobs: len(files)}
			list, err := loadScenarios(files, selection.Filter{})
			require.NoError(t, err)
			for _, r := range b.runAll(t.Context(), casesOf(t, b, list...), progress.New(&bytes.Buffer{}, 1)) {
				name := r.Scenario.Name
				require.Empty(t, r.Error, name)
				require.Len(t, r.Faults, 1, name)
				require.Equal(t, 1, r.Faults[0].Times, "%s: the moment came", name)
				if strings.HasPrefix(name, "keyless") {
					require.Equal(t, result.Fail, r.Verdict("duplicated").Status, name)
				} else {
					good(t, r)
				}
			}
		})
	}
}

// TestSweepMoments sweeps the shop, which is right, and with two mistakes that need
// something to happen between the charge and its answer.
func TestSweepMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	dir := filepath.Join(examples(t), "shop")
	for mistake, faults := range map[string][]string{
		"none":          nil,
		"key-after":     {"reset", "crash server"},
		"key-forgotten": {"reset"},
	} {
		t.Run(mistake, func(t *testing.T) {
			t.Parallel()
			flag := strings.TrimPrefix(mistake, "none")
			file := change(t, filepath.Join(dir, "cut.yaml"), mistake+".yaml", "name: shop-cut", "name: "+mistake, "[./shop,", "[./shop, '-mistake="+flag+"',")
			out := t.TempDir()
			var stdout, stderr bytes.Buffer
			code := execute(t.Context(), []string{"sweep", file, "--engine", "packet", "--out", out}, &stdout, &stderr)
			text := stdout.String() + stderr.String()
			require.Contains(t, text, "payments 2, connections 1, requests 2, moments of them 12")
			if faults == nil {
				require.Equal(t, result.ExitPass, code, text)
				return
			}
			require.Equal(t, result.ExitFail, code, text)
			for _, fault := range faults {
				require.Regexp(t, "FAIL +"+fault+" +duplicated in ([1-9]|1[0-2]) runs?", text)
			}
			kept := filepath.Join(out, mistake+"-sweep", "duplicated.yaml")
			written, err := os.ReadFile(kept)
			require.NoError(t, err)
			require.Regexp(t, `when: \{request: 1, moment: complete, wait: [0-9.]+ms\}`, string(written))
			res, said := on(t, "packet", kept)
			require.Equal(t, result.Fail, res.Verdict("duplicated").Status, said)
		})
	}
}
