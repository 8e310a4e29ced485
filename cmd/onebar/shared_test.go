package main

import (
	"bytes"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/reports/progress"
)

// What two runs of a system would share.
func TestSharedBy(t *testing.T) {
	t.Setenv("LEDGER", "postgres://u:secret@h/one")
	t.Setenv("SERVER_DB", "postgres://u:secret@h/one")
	program := func(env map[string]string) *sut.Server {
		return &sut.Server{Exec: &sut.ExecServer{Program: sut.Program{Command: []string{"./s", "{{port}}"}, Env: env}}}
	}
	sql := func(dsn string) *sut.Ledger { return &sut.Ledger{SQL: &sut.SQL{Driver: "postgres", DSN: dsn}} }
	list := func(path string) *sut.Ledger { return &sut.Ledger{HTTP: &sut.HTTPLedger{Path: path}} }
	pays := func(setup ...sut.HTTPSetup) *sut.Client { return &sut.Client{HTTP: &sut.HTTPClient{Setup: setup}} }
	balances := list("/p?run={{ run.id }}")
	balances.HTTP.Balances = &sut.HTTPBalances{Path: "/accounts"}
	for name, tc := range map[string]struct {
		c    sut.Config
		want []string
	}{
		"the pair":                      {},
		"a database":                    {sut.Config{Server: program(nil), Ledger: sql("${LEDGER}")}, []string{"the postgres database of the ledger"}},
		"the database of the server":    {sut.Config{Server: program(map[string]string{"DB": "${SERVER_DB}"}), Ledger: list("/p")}, []string{"the database in DB of the server"}},
		"a file of the run":             {sut.Config{Server: program(nil), Ledger: sql("{{dir}}/bank.db")}, nil},
		"a database beside the server":  {sut.Config{Server: &sut.Server{Container: &sut.Container{Env: map[string]string{"DB": "postgres://db/x"}, Beside: map[string]sut.Container{"db": {}}}}, Ledger: sql("postgres://{{db}}/x")}, nil},
		"a database outside":            {sut.Config{Server: &sut.Server{Container: &sut.Container{Env: map[string]string{"DB": "postgres://host.docker.internal/x"}}}, Ledger: list("/p")}, []string{"the database in DB of the server"}},
		"no database":                   {sut.Config{Server: program(map[string]string{"TRACES": "http://127.0.0.1:4317", "MODE": "test", "DIR": "{{dir}}", "KEY": "${NOT_SET}"}), Ledger: list("/p")}, nil},
		"a port":                        {sut.Config{Server: &sut.Server{Exec: &sut.ExecServer{Address: "127.0.0.1:80"}}, Ledger: list("/p")}, []string{"the address 127.0.0.1:80"}},
		"a server":                      {sut.Config{Client: pays(), Server: &sut.Server{Address: "h:1"}, Ledger: list("/p")}, []string{"the server at h:1"}},
		"a list of the run":             {sut.Config{Client: pays(), Server: &sut.Server{Address: "h:1"}, Ledger: list("/p?run={{ run.id }}")}, nil},
		"balances of all runs":          {sut.Config{Client: pays(sut.HTTPSetup{}), Server: &sut.Server{Address: "h:1"}, Ledger: balances}, []string{"the server at h:1"}},
		"balances of the run":           {sut.Config{Client: pays(sut.HTTPSetup{HTTPRequest: sut.HTTPRequest{Path: "/a/{{ account }}-{{ run.id }}"}}), Server: &sut.Server{Address: "h:1"}, Ledger: balances}, nil},
		"accounts that the server made": {sut.Config{Client: pays(sut.HTTPSetup{Account: "body.id"}), Server: &sut.Server{Address: "h:1"}, Ledger: balances}, nil},
		"a program":                     {sut.Config{Server: program(nil), Ledger: &sut.Ledger{Exec: &sut.Program{Command: []string{"./audit"}}}}, []string{"what the ledger program reads"}},
		"a program of the run":          {sut.Config{Server: program(nil), Ledger: &sut.Ledger{Exec: &sut.Program{Command: []string{"./audit"}, Env: map[string]string{"AT": "{{server}}"}}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			shared := sharedBy(tc.c)
			require.ElementsMatch(t, tc.want, slices.Collect(maps.Values(shared)))
			for _, words := range shared {
				require.NotContains(t, words, "secret")
			}
		})
	}
}

// Runs that share a database are made one at a time, whatever --jobs says; others are not.
func TestRunsThatShareTakeTurns(t *testing.T) {
	of := func(name, dsn string) harness.Scenario {
		return harness.Scenario{Name: name, Subject: sut.Config{Server: &sut.Server{}, Ledger: &sut.Ledger{SQL: &sut.SQL{Driver: "mysql", DSN: dsn}}}}
	}
	list := []harness.Scenario{of("a", "one"), of("b", "one"), of("c", "{{dir}}/x"), of("d", "{{dir}}/x"), of("e", "two")}
	require.Equal(t, []string{"a, b share the mysql database of the ledger: they run one at a time"}, together(list))
	var mu sync.Mutex
	underWay, most := map[string]int{}, map[string]int{}
	var all, peak atomic.Int32
	b := batch{jobs: 5, carryOut: func(_ context.Context, c cases.Case, _ progress.Display) (result.Result, error) {
		dsn := c.Scenario.Subject.Ledger.SQL.DSN
		mu.Lock()
		underWay[dsn]++
		most[dsn] = max(most[dsn], underWay[dsn])
		mu.Unlock()
		peak.Store(max(peak.Load(), all.Add(1)))
		time.Sleep(20 * time.Millisecond)
		all.Add(-1)
		mu.Lock()
		underWay[dsn]--
		mu.Unlock()
		return result.Result{Version: 1, Scenario: c.Scenario}, nil
	}}
	display := progress.New(&bytes.Buffer{}, len(list))
	b.runAll(t.Context(), casesOf(t, b, list...), display)
	display.Close()
	require.Equal(t, 1, most["one"])
	require.Greater(t, peak.Load(), int32(1), "the others are made beside")
}

func TestASweepOfWhatIsSharedIsOneAtATime(t *testing.T) {
	s := sweeping{}
	s.jobs = 8
	require.Empty(t, s.oneAtATime(sut.Config{}))
	require.Equal(t, 8, s.jobs)
	require.Equal(t, "the server at h:1", s.oneAtATime(sut.Config{Server: &sut.Server{Address: "h:1"}}))
	require.Equal(t, 1, s.jobs)
}

// Two runs with one database, as in the case "two runs, one database": side by side each
// finds the bookings of the other, and fails phantom and unbalanced.
func TestTwoRunsOneDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	dir := filepath.Join(examples(t), "shop")
	t.Setenv("ONEBAR_TEST_SHOP_DB", filepath.Join(dir, "both.db"))
	var files []string
	for _, name := range []string{"par-a", "par-b"} {
		files = append(files, change(t, filepath.Join(dir, "cut.yaml"), name+".yaml",
			"name: shop-cut", "name: "+name, "file:{{dir}}/shop.db", "file:${ONEBAR_TEST_SHOP_DB}",
			"payments: 40", "payments: 12", "settle: 20s", "settle: 5s"))
	}
	for name, r := range runFiles(t, files...) {
		require.Empty(t, r.Error, name)
		for _, check := range []string{"lost", "duplicated", "phantom", "unbalanced", "altered"} {
			require.Equal(t, result.Pass, r.Verdict(check).Status, "%s: %s: %s", name, check, r.Verdict(check).Summary)
		}
	}
}
