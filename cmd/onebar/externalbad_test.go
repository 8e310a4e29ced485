package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/testneeds"
)

// TestBadExternalSystems runs external systems that are broken or wrongly configured.
func TestBadExternalSystems(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	needsPython(t)
	there, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer there.Close()
	const (
		client = `exec: {command: [./client]}`
		server = `exec: {command: [../shop/shop, -listen, "127.0.0.1:{{port}}", -db, "file:{{dir}}/shop.db"], ready: {http: /health}}`
		ledger = `sql: {driver: sqlite, dsn: "{{dir}}/shop.db", query: "SELECT id, key AS payment, payer, payee, amount, currency FROM payments"}`
		ready  = `read -r start; echo '{\"event\":\"ready\",\"onebar\":1}'; `
		refuse = `import json, sys
print('{"event":"ready","onebar":1}', flush=True)
for line in sys.stdin:
    command = json.loads(line)
    if command["command"] == "pay":
        print(json.dumps({"event": "told", "payment": command["id"], "outcome": "failed"}), flush=True)
`
	)
	tests := map[string]struct {
		client, server, ledger, timeline string
		want                             string // of Result.Error
	}{
		"prints-garbage":     {client: `exec: {command: [sh, -c, "` + ready + `read -r pay; echo paying; sleep 60"]}`, want: `printed what is no event in line 2: invalid character 'p' looking for beginning of value; the line is "paying"`},
		"client-dies":        {client: `exec: {command: [sh, -c, "` + ready + `read -r pay; echo no card >&2; exit 9"]}`, want: "died by itself: exit status 9; its last lines: no card"},
		"client-is-not-here": {client: `exec: {command: [./klient]}`, want: "start the client: start the client of wallet 0: fork/exec ./klient: no such file or directory"},
		"server-dies":        {server: `exec: {command: [sh, -c, "../shop/shop -listen 127.0.0.1:$0 -db file:$1/shop.db & sleep 0.5; kill -9 $!; echo disk full; exit 7", "{{port}}", "{{dir}}"], ready: {http: /health}}`, want: "the server died by itself: exit status 7; its last lines: "},
		"server-never-ready": {server: `exec: {command: [sleep, 60], address: "127.0.0.1:1", ready: {within: 200ms}}`, want: "start the server: "},
		"no-variable":        {server: `exec: {command: [./x, "{{port}}"], env: {KEY: "${ONEBAR_TEST_NONE}"}}`, want: "start the subject: start the server: the server: the environment has no variable ONEBAR_TEST_NONE"},
		"nobody-there":       {server: `address: "127.0.0.1:1"`, want: "nobody answers at 127.0.0.1:1: "},
		"cannot-crash":       {server: `address: "` + there.Addr().String() + `"`, timeline: "timeline: [{at: 500ms, crash: server}]", want: "the subject has no way to crash the server: remove the event"},
		"cannot-freeze":      {server: `address: "` + there.Addr().String() + `"`, timeline: "timeline: [{at: 500ms, freeze: server}]", want: "the subject has no way to freeze the server: remove the event"},
		"no-columns":         {ledger: `sql: {driver: sqlite, dsn: "{{dir}}/shop.db", query: "SELECT id, amount FROM payments"}`, want: "open the ledger: sqlite: query: it gives the columns id, amount, and payer, payee and currency are missing: name them with AS"},
		"ledger-fails":       {ledger: `exec: {command: [sh, -c, "echo no access >&2; exit 5"]}`, want: "open the ledger: the ledger program failed: exit status 5; its last lines: no access"},
		"no-ledger":          {ledger: `none: true`},
		"refuses-all":        {client: `exec: {command: [python3, refuse.py]}`},
	}
	dir := filepath.Join(examples(t), "client-go")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "refuse.py"), []byte(refuse), 0o644))
	var files []string
	for name, tc := range tests {
		text := "onebar: 1\nname: " + name + "\nsubject:\n"
		for _, part := range [][3]string{{"client", tc.client, client}, {"server", tc.server, server}, {"ledger", tc.ledger, ledger}} {
			value := part[1]
			if value == "" {
				value = part[2]
			}
			text += "  " + part[0] + ": {" + value + "}\n"
		}
		text += "workload: {wallets: 2, payments: 5, rate: 5/s, amount: 10..900 KES}\nsettle: 1s\n" + tc.timeline + "\n"
		file := filepath.Join(dir, name+".yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		files = append(files, file)
	}
	results := runFiles(t, files...)
	for name, tc := range tests {
		if tc.want != "" {
			require.Contains(t, results[name].Error, tc.want, name)
			continue
		}
		require.Empty(t, results[name].Error, name)
	}
	blind := results["no-ledger"]
	for _, v := range blind.Verdicts {
		needs := slices.Contains([]string{"lost", "duplicated", "contradicted", "altered", "phantom", "unbalanced", "unfounded", "early", "overdue"}, v.Check)
		require.Equal(t, needs, v.Status == result.NotApplicable, v.Check)
	}
	require.NotEqual(t, result.Pass, results["refuses-all"].Status, "nothing was confirmed")
}

// needsPython skips a test without Python, and fails it in CI.
func needsPython(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("python3", "--version").CombinedOutput(); err != nil {
		testneeds.Missing(t, "Python is not installed (%s)", out)
	}
}
