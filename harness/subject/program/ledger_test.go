package program

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/sut"
)

func TestLedger(t *testing.T) {
	env, _ := newEnv(t, 1)
	env.Beside = map[string]string{"db": "127.0.0.1:5432"}
	env.Accounts.Name("w0", "alice")
	env.Asked.Called("p1", "key-1")
	base := t.TempDir()
	script := `echo "reading $1" >&2
		echo '{"posting":{"id":"1","payment":"key-1","order":"'$2'","payer":"alice","payee":"m0","amount":250,"currency":"KES"}}'
		echo
		echo '{"account":{"account":"alice","currency":"KES","balance":750}}'
		pwd >&2`
	got, err := NewLedger(sut.Program{Command: []string{"/bin/sh", "-c", script, "sh", "{{server}}", "{{db}}"}, Env: map[string]string{"D": "{{dir}}"}}, base).Read(t.Context(), env)
	require.NoError(t, err)
	require.Equal(t, harness.Ledger{
		Postings: []harness.Posting{{ID: "1", Payment: "p1", Order: "127.0.0.1:5432", Payer: "w0", Payee: "m0", Amount: 250, Currency: "KES"}},
		Balances: []harness.Balance{{Account: "w0", Currency: "KES", Closing: 750}},
	}, got)
	log, err := os.ReadFile(filepath.Join(env.Dir, "ledger.log"))
	require.NoError(t, err)
	require.Equal(t, "reading 127.0.0.1:9\n"+base+"\n", string(log))
}

func TestLedgerBad(t *testing.T) {
	for name, tc := range map[string]struct{ script, want string }{
		"fails":          {`echo '{}'; echo no such table >&2; exit 4`, "the ledger program failed: exit status 4; its last lines: no such table"},
		"prints garbage": {`echo; echo 12 rows`, `line 2 of what the ledger program printed is no posting and no account: json: cannot unmarshal number`},
		"is no object":   {`echo rows: 12`, `it is "rows: 12"`},
		"says nothing":   {`echo '{}'`, "line 1 of what the ledger program printed needs one of the keys posting and account"},
		"says both":      {`echo '{"posting":{},"account":{}}'`, "needs one of the keys posting and account"},
		"major units":    {`echo '{"posting":{"amount":2.5}}'`, "cannot unmarshal number 2.5"},
		"an unknown key": {`echo '{"posting":{"id":"1","sum":5}}'`, `unknown field "sum"`},
	} {
		t.Run(name, func(t *testing.T) {
			env, _ := newEnv(t, 1)
			got, err := NewLedger(sut.Program{Command: []string{"/bin/sh", "-c", tc.script}}, "").Read(t.Context(), env)
			require.ErrorContains(t, err, tc.want)
			require.Zero(t, got)
		})
	}
	env, _ := newEnv(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := NewLedger(sut.Program{Command: []string{"/bin/sh", "-c", "echo thinking >&2; sleep 100"}}, "").Read(ctx, env)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "its last lines: thinking")
}

func FuzzParseLedger(f *testing.F) {
	f.Add([]byte("{\"posting\":{\"id\":\"1\",\"amount\":5}}\n\n{\"account\":{\"account\":\"a\"}}"))
	f.Add([]byte("{}\n"))
	f.Add([]byte("12 rows"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLedger(text)
		if err != nil {
			require.Zero(t, l)
		}
	})
}
