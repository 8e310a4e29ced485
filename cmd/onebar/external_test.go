package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/subject/database/postgrestest"
	"github.com/onebar/onebar/harness/subject/netns"
	"github.com/onebar/onebar/harness/testneeds"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/progress"
)

// examples copies the folders of docs/examples, and builds what is to be built.
func examples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../docs/examples")))
	for _, program := range []string{"shop/shop", "client-go/client"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, program), "../../docs/examples/"+filepath.Dir(program))
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	return dir
}

// runFiles runs scenario files, all at once, and returns their results by name.
func runFiles(t *testing.T, files ...string) map[string]result.Result {
	t.Helper()
	b := batch{engine: "packet", seed: 1, out: t.TempDir(), jobs: len(files)}
	list, err := loadScenarios(files, selection.Filter{})
	require.NoError(t, err)
	results := map[string]result.Result{}
	all := b.runAll(t.Context(), casesOf(t, b, list...), progress.New(&bytes.Buffer{}, 1))
	for _, r := range all {
		results[r.Scenario.Name] = r
	}
	var out bytes.Buffer
	require.NoError(t, reports.Console(all)(&out))
	t.Log(out.String())
	return results
}

// good requires every check to pass, but for what a busy machine or the endpoint
// leaves open.
func good(t *testing.T, r result.Result) {
	t.Helper()
	require.Empty(t, r.Error)
	for _, v := range r.Verdicts {
		if !slices.Contains([]string{"impairment", "early", "overdue"}, v.Check) {
			require.Equal(t, result.Pass, v.Status, "%s: %s: %s", r.Scenario.Name, v.Check, v.Summary)
		}
	}
	require.NotZero(t, r.Verdict("lost").Summary)
}

// change writes a file beside another with something replaced.
func change(t *testing.T, file, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := strings.NewReplacer(replace...).Replace(string(text))
	require.NotEqual(t, string(text), changed)
	path := filepath.Join(filepath.Dir(file), name)
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
	return path
}

// TestShop runs the scenarios of the example shop, which is right, and with each of
// its mistakes.
func TestShop(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	dir := filepath.Join(examples(t), "shop")
	found := map[string][]string{ // what finds a mistake
		"none":          {},
		"key-outside":   {"impatient"},
		"key-after":     {"cut", "impatient", "jammed"},
		"key-forgotten": {"cut", "jammed"},
	}
	var files []string
	for mistake := range found {
		flag := mistake
		if mistake == "none" {
			flag = ""
		}
		for _, name := range []string{"impatient", "cut", "jammed", "rush"} {
			files = append(files, change(t, filepath.Join(dir, name+".yaml"), name+"-"+mistake+".yaml",
				"name: shop-"+name, "name: "+name+"-"+mistake, "[./shop,", "[./shop, '-mistake="+flag+"',"))
		}
	}
	results := runFiles(t, files...)
	for mistake, by := range found {
		for _, name := range []string{"impatient", "cut", "jammed", "rush"} {
			r := results[name+"-"+mistake]
			require.Empty(t, r.Error)
			status := r.Verdict("duplicated").Status
			if mistake == "none" {
				good(t, r)
			} else if contains(by, name) {
				require.Equal(t, result.Fail, status, "%s finds %s", name, mistake)
			}
		}
	}
}

func contains(list []string, s string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
}

// TestShopInAContainer has the shop in a container with PostgreSQL outside of it.
func TestShopInAContainer(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		testneeds.Missing(t, "Docker does not answer (%s)", out)
	}
	server := postgrestest.Start(t, bridge(t))
	db, err := sql.Open("pgx", server.DSN("127.0.0.1"))
	require.NoError(t, err)
	defer db.Close()
	dir := filepath.Join(examples(t), "shop")
	t.Cleanup(func() { // the image of a folder is kept for its next run
		sum := sha256.Sum256([]byte(dir + "\n"))
		out, err := exec.Command("docker", "rmi", "--force", "onebar-"+hex.EncodeToString(sum[:6])+":latest").CombinedOutput()
		require.NoError(t, err, string(out))
	})
	var files []string
	mistakes := []string{"none", "key-outside", "key-after", "key-forgotten"}
	for _, mistake := range mistakes {
		name := strings.ReplaceAll(mistake, "-", "_")
		_, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name)
		require.NoError(t, err)
		dsn := func(host string) string { return strings.Replace(server.DSN(host), "/postgres?", "/"+name+"?", 1) }
		files = append(files, change(t, filepath.Join(dir, "container.yaml"), "container-"+mistake+".yaml",
			"name: shop-container", "name: "+mistake, `"${SHOP_MISTAKE}"`, strings.Replace(fmt.Sprintf("%q", mistake), "none", "", 1),
			"${SHOP_DB}", dsn("host.docker.internal"), "${LEDGER_DB}", dsn("127.0.0.1")))
	}
	results := runFiles(t, files...)
	good(t, results["none"])
	for _, mistake := range mistakes[1:] {
		require.Equal(t, result.Fail, results[mistake].Verdict("duplicated").Status, mistake)
	}
}

// bridge returns the address of this machine that containers find as
// host.docker.internal.
func bridge(t *testing.T) string {
	t.Helper()
	docker, err := net.InterfaceByName("docker0")
	require.NoError(t, err)
	addresses, err := docker.Addrs()
	require.NoError(t, err)
	return addresses[0].(*net.IPNet).IP.String()
}

// TestExternalClients runs the example clients.
func TestExternalClients(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	needsPython(t)
	dir := examples(t)
	bus := filepath.Join(dir, "client-go", "bus.yaml")
	kernel := change(t, bus, "kernel.yaml", "name: shop-by-go-client", "name: shop-by-kernel",
		"{command: [./client]}", "{command: [./client], kernel: true}")
	results := runFiles(t, bus, kernel, filepath.Join(dir, "client-python", "bus.yaml"))
	for _, name := range []string{"shop-by-go-client", "shop-by-kernel", "shop-by-python-client"} {
		good(t, results[name])
	}
	note := strings.Join(results["shop-by-kernel"].Notes, "; ")
	if !testneeds.CI() && strings.Contains(note, netns.ErrNotHere.Error()) {
		t.Skip(note)
	}
	require.Contains(t, note, "a network namespace of its own")
}
