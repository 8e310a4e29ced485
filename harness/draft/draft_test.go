package draft

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// parse reads a draft as onebar run would.
func parse(t *testing.T, e Endpoint) harness.Scenario {
	t.Helper()
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, e.Write(&out))
	sc, err := spec.Parse("draft.yaml", out.Bytes(), lib)
	require.NoError(t, err, out.String())
	return sc
}

// Whatever was answered, the draft is a scenario.
func TestDraftIsAScenario(t *testing.T) {
	base := Endpoint{
		Name: "shop", Server: "127.0.0.1:8080", Preset: "ietf", Path: "/pay",
		Body: Names{Amount: "amount", Currency: "currency", Payee: "payee", Reference: "reference"}.Body(), Currency: "EUR", Amount: "1..50", Confirmed: Booked,
	}
	for name, change := range map[string]func(*Endpoint){
		"the least":       func(*Endpoint) {},
		"a command":       func(e *Endpoint) { e.Command = "./shop -listen 127.0.0.1:{{port}} -dir {{dir}}" },
		"a base":          func(e *Endpoint) { e.URL = "https://api.example.com/v1" },
		"a secret":        func(e *Endpoint) { e.Secret = "API_KEY" },
		"a key header":    func(e *Endpoint) { e.KeyHeader = "X-Key" },
		"a form":          func(e *Endpoint) { e.Form = []Field{{"amount", "{{ payment.amount }}"}} },
		"a rule":          func(e *Endpoint) { e.Confirmed = `status == 201 and body.state == "done" and body.n < 3` },
		"quotes in texts": func(e *Endpoint) { e.Path = `/pay/"x"`; e.Command = `serve --port {{port}} "it's"` },
		"a ledger": func(e *Endpoint) {
			e.Ledger = &List{Path: "/pay", Items: "body.data", Fields: []Field{{"id", "item.id"}, {"amount", "item.amount"}, {"payment", "item.reference"}}}
		},
		"the preset's rule": func(e *Endpoint) { e.Preset, e.Confirmed = "stripe", "" },
		"few fields":        func(e *Endpoint) { e.Body = Names{Amount: "value"}.Body() },
		"major units": func(e *Endpoint) {
			n := Names{Major: "value", Payer: "from", Payee: "to", Reference: "memo"}
			e.Body, e.Ledger = n.Body(), &List{Path: "/pay", Fields: n.Booking()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := base
			change(&e)
			sc := parse(t, e)
			require.Equal(t, "shop", sc.Name)
			require.NotNil(t, sc.Subject.Client.HTTP)
			require.Equal(t, e.Path, sc.Subject.Client.HTTP.Pay.Path)
			require.Equal(t, e.Ledger == nil, sc.Subject.Ledger.None)
			require.Equal(t, e.Command == "", sc.Subject.Server.Address != "")
		})
	}
}

// An OpenAPI document gives what it says, and what was guessed is told.
func TestFromOpenAPI(t *testing.T) {
	files, err := fs.Glob(os.DirFS("testdata"), "*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file))
			require.NoError(t, err)
			e, guessed, err := FromOpenAPI(data, "")
			require.NoError(t, err)
			parse(t, e)
			var got bytes.Buffer
			require.NoError(t, e.Write(&got))
			for _, g := range guessed {
				got.WriteString("# guessed: " + g + "\n")
			}
			want := filepath.Join("testdata", strings.TrimSuffix(file, ".yaml")+".want")
			if os.Getenv("UPDATE") != "" {
				require.NoError(t, os.WriteFile(want, got.Bytes(), 0o600))
			}
			text, err := os.ReadFile(want)
			require.NoError(t, err)
			require.Equal(t, string(text), got.String())
		})
	}
}

func TestFromOpenAPIRefuses(t *testing.T) {
	const head = "openapi: 3.0.3\ninfo: {title: x, version: '1'}\n"
	const ok = "{responses: {'200': {description: ok}}}"
	for name, tc := range map[string]struct{ text, pay, want string }{
		"garbage":       {"\x00", "", "read the OpenAPI document"},
		"nothing":       {head + "paths: {}\n", "", "has no paths"},
		"no POST":       {head + "paths: {/a: {get: " + ok + "}}\n", "", "no POST"},
		"nothing pays":  {head + "paths: {/a: {post: " + ok + "}, /b: {post: " + ok + "}}\n", "", "give one with --pay, of /a, /b"},
		"no such path":  {head + "paths: {/payments: {post: " + ok + "}}\n", "/b", "give one with --pay, of /payments"},
		"one is likely": {head + "paths: {/users: {post: " + ok + "}, /payments: {post: " + ok + "}}\n", "", ""},
		"one is given":  {head + "paths: {/users: {post: " + ok + "}, /payments: {post: " + ok + "}}\n", "/users", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, err := FromOpenAPI([]byte(tc.text), tc.pay)
			if tc.want == "" {
				require.NoError(t, err)
				parse(t, e)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzFromOpenAPI(f *testing.F) {
	data, err := os.ReadFile("testdata/wallet.yaml")
	require.NoError(f, err)
	f.Add(data, "")
	f.Fuzz(func(_ *testing.T, data []byte, pay string) {
		_, _, _ = FromOpenAPI(data, pay) // it returns
	})
}
