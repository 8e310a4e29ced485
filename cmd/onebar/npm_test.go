package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/testneeds"
)

// installed skips a test unless node finds a package: NODE_PATH names the folder
// that npm has installed it in.
func installed(t *testing.T, name string) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs in real time")
	}
	if out, err := exec.CommandContext(t.Context(), "node", "-e", "require.resolve('"+name+"')").CombinedOutput(); err != nil {
		testneeds.Missing(t, "node does not find the package %s (%v %s)", name, err, out)
	}
}

// TestStripeMock tests an external API: it passes what it
// should, its keys are as documented, and when it is killed it has lost what it had
// confirmed, because it stores nothing.
func TestStripeMock(t *testing.T) {
	installed(t, "stripe-stateful-mock")
	const secret = "sk_test_of_this_run"
	t.Setenv("STRIPE_KEY", secret)
	folder := "../../docs/examples/stripe-mock/"
	res, out := on(t, "packet", folder+"stripe.yaml")
	for _, v := range res.Verdicts {
		if v.Check != "impairment" && v.Status != result.NotApplicable {
			require.Equal(t, result.Pass, v.Status, out)
		}
	}
	require.NotContains(t, out, secret)
	res, out = on(t, "toxiproxy", folder+"killed.yaml")
	require.Equal(t, result.Fail, res.Verdict("lost").Status, out)
	require.Equal(t, result.Pass, res.Verdict("duplicated").Status, out)
	require.Equal(t, result.ExitFail, res.Exit())
	require.NotContains(t, out, secret)
	require.Equal(t, map[string]string{
		"replay": "PASS", "late": "PASS", "other-request": "PASS", "concurrent": "PASS", "after-5xx": "N/A",
		"cut-in-request": "PASS", "cut-request-sent": "PASS", "cut-before-answer": "PASS",
	}, conformance(t, folder+"stripe.yaml", result.ExitPass))
}

// TestExpressWallet tests a wallet whose idempotency keys an external middleware handles.
func TestExpressWallet(t *testing.T) {
	installed(t, "express-idempotency")
	file := "../../docs/examples/express-wallet/wallet.yaml"
	for _, engine := range []string{"packet", "toxiproxy"} {
		res, out := on(t, engine, file)
		for _, check := range []string{"lost", "duplicated", "altered", "phantom", "unresolved"} {
			require.Equal(t, result.Pass, res.Verdict(check).Status, out)
		}
	}
	require.Equal(t, map[string]string{
		"replay": "PASS", "late": "PASS", "other-request": "PASS", "concurrent": "PASS", "after-5xx": "N/A",
		"cut-in-request": "PASS", "cut-request-sent": "PASS", "cut-before-answer": "PASS",
	}, conformance(t, file, result.ExitPass))
}

// conformance returns what onebar conform says of each probe.
func conformance(t *testing.T, file string, exit int) map[string]string {
	t.Helper()
	var out, errs bytes.Buffer
	require.Equal(t, exit, execute(t.Context(), []string{"conform", file}, &out, &errs), out.String()+errs.String())
	said := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if words := strings.Fields(line); line[0] != ' ' {
			said[words[1]] = words[0]
		}
	}
	return said
}
