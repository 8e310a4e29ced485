package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/sut"
)

// TestWrittenSubject shows how a subject of others is written.
func TestWrittenSubject(t *testing.T) {
	const text = `onebar: 1
name: t
subject:
  client:
    http:
      url: 'https://api.example.com/v1'
      headers: {Authorization: 'Bearer ${API_KEY}', X-Zero: 0}
      setup: [{for: wallet, method: PUT, path: '/accounts/{{ account }}', body: '{"balance": {{ balance }}}'}]
      pay:
        path: '/payments'
        body: |-
          {"payer": {{ json(payment.payer) }},
           "amount": {{ payment.amount }}}
      outcomes: [{when: status == 201, outcome: confirmed}, {when: status >= 500, outcome: retry}]
      retry: {attempts: 5, factor: 1.5, jitter: 0%}
  server: {address: '127.0.0.1:8443'}
  ledger: {none: true}
workload: {payments: 1, amount: 1 EUR}
`
	lib := bundled(t)
	sc, err := Parse("t.yaml", []byte(text), lib)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, Write(&b, sc, lib))
	require.Equal(t, text, b.String())
}

// TestWrittenSubjectElsewhere: what a subject names is found from another folder,
// and a secret is no more than its name.
func TestWrittenSubjectElsewhere(t *testing.T) {
	t.Setenv("API_KEY", "very-secret")
	dir := t.TempDir()
	file := filepath.Join(dir, "in", "a.yaml")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(`onebar: 1
name: a
subject:
  client: {exec: {command: [./app], dir: apps, env: {KEY: "${API_KEY}"}}}
  server: {container: {build: ../image, mounts: {/data: "{{dir}}", /conf: conf}, port: 80, beside: {db: {build: db, port: 1}}}}
  ledger: {exec: {command: [./audit]}}
workload: {payments: 1, amount: 1 EUR}
`), 0o600))
	sc, err := Load(file, Library{})
	require.NoError(t, err)
	out := filepath.Join(dir, "out", "deep", "b.yaml")
	require.NoError(t, WriteFile(out, sc, Library{}))
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(text), "${API_KEY}")
	require.NotContains(t, string(text), "very-secret")
	back, err := Load(out, Library{})
	require.NoError(t, err)
	require.Equal(t, "../../in/apps", back.Subject.Client.Exec.Dir)
	require.Equal(t, "../../in", back.Subject.Ledger.Exec.Dir, "a program runs where its scenario is, unless it says otherwise")
	require.Equal(t, "../../image", back.Subject.Server.Container.Build)
	require.Equal(t, "../../in/db", back.Subject.Server.Container.Beside["db"].Build)
	require.Equal(t, map[string]string{"/data": "{{dir}}", "/conf": "../../in/conf"}, back.Subject.Server.Container.Mounts)
	require.NoError(t, same(sc, back))
	back.Subject.Ledger.Exec.Dir = "elsewhere"
	require.ErrorContains(t, same(sc, back), "subject.ledger.exec.dir")
}

// TestPropertyWrittenSubject generates subjects whose texts are whatever YAML can
// hold.
func TestPropertyWrittenSubject(t *testing.T) {
	lib := bundled(t)
	rapid.Check(t, func(t *rapid.T) {
		sc, err := Parse("any.yaml", []byte("onebar: 1\nname: t\nworkload: {payments: 1, amount: 1 EUR}\n"), lib)
		require.NoError(t, err)
		sc.Subject = genSubject(t)
		var b bytes.Buffer
		require.NoError(t, Write(&b, sc, lib))
		back, err := Parse("any.yaml", b.Bytes(), lib)
		require.NoError(t, err)
		require.Equal(t, plain(sc), plain(back))
	})
}

func genSubject(t *rapid.T) sut.Config {
	free := rapid.OneOf(rapid.StringMatching(`([!-z|~é’]{1,6}( [!-z|~]{1,6}|\n [!-z|~]{1,6}){0,6})\n?`),
		rapid.SampledFrom([]string{"a\n\nb", "a \nb", " a\nb", "a\n", "#a\nb", "-\n-", "a\tb", "\\n\"'", "a: b", "null", ".inf", "1e3", "0x1f", "é\u00a0ü", "😀\n|", "---\n...", "a\n#b\n- c: d"}))
	text := func(what string) string { return free.Draw(t, what) }
	maybe := func(what string) string {
		if rapid.Bool().Draw(t, what+" given") {
			return text(what)
		}
		return ""
	}
	texts := func(what string) map[string]string {
		return rapid.MapOfN(rapid.StringMatching(`[A-Za-z0-9/][A-Za-z0-9_.-]{0,9}`), free, 0, 3).Draw(t, what)
	}
	program := func() sut.Program {
		return sut.Program{
			Command: rapid.SliceOfN(free, 1, 3).Draw(t, "command"), Env: texts("env"), Dir: maybe("folder"),
		}
	}
	ready := rapid.SampledFrom([]sut.Ready{
		{},
		{HTTP: "/health", Status: 204, Within: time.Second},
		{Line: "is ready: yes", Within: 30 * time.Second},
	})
	box := func() sut.Container {
		return sut.Container{
			Build: text("build"), Dockerfile: maybe("dockerfile"), Command: rapid.SliceOfN(free, 0, 2).Draw(t, "command"),
			Env: texts("env"), Mounts: texts("mounts"), Port: rapid.IntRange(1, 65535).Draw(t, "port"), Ready: ready.Draw(t, "ready"),
		}
	}
	container := box()
	container.Beside = map[string]sut.Container{"db": box()}
	jitter := rapid.SampledFrom([]float64{0, 0.25, 0.001}).Draw(t, "jitter")
	client := &sut.HTTPClient{
		URL: "https://api.example.com/${V}", TLS: &sut.HTTPTLS{CA: maybe("ca"), Insecure: true}, KeyHeader: maybe("key header"),
		Headers:  map[string]string{"X-One": "1", "x-two": "a\nb"},
		Setup:    []sut.HTTPSetup{{For: "wallet", HTTPRequest: sut.HTTPRequest{Path: "/a", Body: "{\n  \"a\": 1\n}"}, Line: 3}},
		Pay:      sut.HTTPRequest{Path: "/pay", Form: map[string]string{"a[b]": "{{ payment.amount }}"}, Capture: map[string]string{"id": "body.id"}},
		Outcomes: []sut.HTTPRule{{When: `body.state == "done"`, Outcome: "confirmed", Line: 7}},
		Retry:    sut.HTTPRetry{Factor: rapid.SampledFrom([]float64{1, 1.5, 99.25}).Draw(t, "factor"), Jitter: &jitter, On: []string{"timeout"}},
		Poll:     &sut.HTTPPoll{HTTPRequest: sut.HTTPRequest{Path: "/p"}, Every: time.Second, Outcomes: []sut.HTTPRule{{When: "status == 200", Outcome: "confirmed"}}},
		Callback: &sut.HTTPCallback{Payment: "body.id", Outcomes: []sut.HTTPRule{{When: "true", Outcome: "confirmed"}}},
	}
	return sut.Config{
		Client: rapid.SampledFrom([]*sut.Client{{HTTP: client}, {Exec: &sut.ExecClient{Program: program(), Kernel: true}}}).Draw(t, "client"),
		Server: rapid.SampledFrom([]*sut.Server{
			{Address: "[::1]:80"},
			{Exec: &sut.ExecServer{Program: program(), Address: "h:1", Ready: ready.Draw(t, "ready")}},
			{Container: &container},
		}).Draw(t, "server"),
		Ledger: rapid.SampledFrom([]*sut.Ledger{
			{None: true},
			{SQL: &sut.SQL{Driver: "sqlite", DSN: text("dsn"), Query: text("query"), Balances: maybe("balances")}},
			{HTTP: &sut.HTTPLedger{Path: "/list", Fields: sut.HTTPFields{ID: "item.id", Amount: "item.amount"}, Balances: &sut.HTTPBalances{Path: "/b", Account: "item.a", Amount: "item.b"}}},
			{Exec: func() *sut.Program { p := program(); return &p }()},
		}).Draw(t, "ledger"),
	}
}
