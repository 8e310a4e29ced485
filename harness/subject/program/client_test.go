package program

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// polite says ready, and keeps what it is told in a file.
const polite = `read -r start; echo "$start" >>$ONEBAR_DIR/heard; echo '{"event":"ready","onebar":1}'; `

func scripted(script string) sut.ExecClient {
	return sut.ExecClient{Program: sut.Program{Command: []string{"/bin/sh", "-c", script}, Env: map[string]string{"A": "b"}}}
}

func payment(id string, wallet int) harness.Payment {
	return harness.Payment{ID: id, Order: "o-" + id, Wallet: wallet, Payer: "w0", Payee: "m0", Amount: 250, Currency: "KES"}
}

// heard returns the commands that a program has written to its file.
func heard(t *testing.T, dir, folder string) (all []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, folder, "heard"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var c map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &c))
		all = append(all, c)
	}
	return all
}

func TestClient(t *testing.T) {
	answer := polite + `while read -r line; do echo "$line" >>$ONEBAR_DIR/heard; case "$line" in
		*'"command":"pay"'*)
			echo '{"event":"told","payment":"p1","outcome":"queued"}'
			echo '{"event":"told","payment":"p1","outcome":"unknown","given_up":true}'
			echo '{"event":"called","payment":"p1","key":"key-1"}'
			echo '{"event":"account","account":"w1","remote":"acct_1"}'
			echo '{"event":"attempt","payment":"p1","took_ms":1.5,"dialed":true,"error":"timed out"}'
			echo '{"event":"attempt","payment":"p1","took_ms":2,"answer":"HTTP 503  {}"}'
			echo '{"event":"attempt","payment":"p1","took_ms":3,"dialed":true,"no_connection":true,"error":"refused"}'
			echo '{"event":"attempt","payment":"p1","took_ms":0,"n":9,"status":true,"retry_after_ms":250}'
			echo '{"event":"attempt","payment":"p1","took_ms":0,"answer":"HTTP 425"}'
			echo '{"event":"told","payment":"p1","outcome":"declined","reason":"no money"}';;
		*held*) echo '{"event":"held","payments":["p7"]}';;
		*quit*) exit 0;;
	esac; done`
	config := scripted(answer)
	config.Holds = true
	c := NewClient(config, t.TempDir())
	require.True(t, c.Holds())
	env, r := newEnv(t, 2)
	require.NoError(t, c.Start(t.Context(), env))
	p := payment("p1", 1)
	p.Deadline = time.Since(env.Start) + time.Minute
	require.NoError(t, c.Payer(1).Pay(t.Context(), p))
	require.Eventually(t, func() bool { return len(r.all()) == 3 }, waitLimit, time.Millisecond)
	require.Equal(t, []harness.Told{
		{Payment: "p1", Outcome: harness.Queued}, {Payment: "p1", GivenUp: true}, {Payment: "p1", Outcome: harness.Declined, Reason: "no money"},
	}, r.all())
	require.Equal(t, []harness.Attempt{
		{Payment: "p1", N: 1, Dialed: true, Took: 1500 * time.Microsecond, Error: "timed out"},
		{Payment: "p1", N: 2, Took: 2 * time.Millisecond, Answer: "HTTP 503 {}"},
		{Payment: "p1", N: 3, Dialed: true, NoConnection: true, Took: 3 * time.Millisecond, Error: "refused"},
		{Payment: "p1", N: 9, Status: true, After: 250 * time.Millisecond},
		{Payment: "p1", N: 5, Answer: "HTTP 425"},
	}, r.attempts)
	id, ok := env.Asked.Payment("key-1")
	require.True(t, ok)
	require.Equal(t, "p1", id)
	require.Equal(t, "acct_1", env.Accounts.Remote("w1"))
	held, err := c.Held(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"p7", "p7"}, held, "of each wallet")
	require.NoError(t, c.Close())
	require.NoError(t, c.Broke(), "it ended when it was asked to")

	got := heard(t, env.Dir, "client-1")
	require.Len(t, got, 4)
	require.Equal(t, map[string]any{
		"onebar": 1.0, "command": "start", "currency": "KES", "balance": 300.0, "server": "127.0.0.1:9", "seed": 7.0, "merchants": []any{"m0"},
		"wallets": []any{map[string]any{"wallet": 1.0, "account": "w1", "address": "door-1"}},
	}, got[0])
	left := got[1]["deadline_ms"].(float64)
	require.True(t, left > 30e3 && left <= 60e3, "%v ms", left)
	delete(got[1], "deadline_ms")
	require.Equal(t, map[string]any{
		"onebar": 1.0, "command": "pay", "id": "p1", "order": "o-p1", "wallet": 1.0, "payer": "w0", "payee": "m0",
		"amount": 250.0, "currency": "KES", "address": "door-1",
	}, got[1])
	require.Equal(t, "quit", got[3]["command"])
}

func TestClientIsKilledAndComesBack(t *testing.T) {
	c := NewClient(scripted(polite+`read -r line; echo "$line" >>$ONEBAR_DIR/heard; echo '{"event":"told","payment":"p1","outcome":"queued"}'; sleep 100`), t.TempDir())
	env, r := newEnv(t, 1)
	require.NoError(t, c.Start(t.Context(), env))
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Payer(0).Pay(t.Context(), payment("p1", 0)))
	require.Eventually(t, func() bool { return len(r.all()) == 1 }, waitLimit, time.Millisecond)
	require.NoError(t, c.Crash())
	require.Equal(t, harness.Told{Payment: "p1", Outcome: harness.OutcomeUnknown, Reason: "the app was killed"}, r.all()[1])
	require.ErrorContains(t, c.Payer(0).Pay(t.Context(), payment("p2", 0)), "the client of wallet 0 is not running")
	_, err := c.Restart(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Payer(0).Pay(t.Context(), payment("p3", 0)))
	require.Eventually(t, func() bool { return len(heard(t, env.Dir, "client-0")) == 4 }, waitLimit, time.Millisecond)
	got := heard(t, env.Dir, "client-0")
	require.Nil(t, got[0]["restarted"])
	require.Equal(t, true, got[2]["restarted"])
	require.NoError(t, c.Broke(), "it was told to")
}

// The program of one wallet is killed and frozen alone: the other goes on.
func TestClientOfOneWallet(t *testing.T) {
	c := NewClient(scripted(polite+`while read -r line; do echo "$line" >>$ONEBAR_DIR/heard; done`), t.TempDir())
	env, r := newEnv(t, 2)
	require.NoError(t, c.Start(t.Context(), env))
	defer func() { require.NoError(t, c.Close()) }()
	one := c.Wallet(1).(interface {
		subject.Crasher
		subject.Freezer
	})
	told := func(wallet, n int) {
		require.NoError(t, c.Payer(wallet).Pay(t.Context(), payment("p1", wallet)))
		require.Eventually(t, func() bool { return len(heard(t, env.Dir, fmt.Sprint("client-", wallet))) == n }, waitLimit, time.Millisecond)
	}
	require.NoError(t, one.Freeze())
	require.NoError(t, c.Payer(1).Pay(t.Context(), payment("p1", 1)))
	told(0, 2)
	require.Len(t, heard(t, env.Dir, "client-1"), 1, "it does not read")
	require.NoError(t, one.Thaw())
	require.Eventually(t, func() bool { return len(heard(t, env.Dir, "client-1")) == 2 }, waitLimit, time.Millisecond)
	require.NoError(t, one.Crash())
	require.Equal(t, []harness.Told{{Payment: "p1", Reason: "the app was killed"}}, r.all())
	require.ErrorContains(t, c.Payer(1).Pay(t.Context(), payment("p2", 1)), "the client of wallet 1 is not running")
	told(0, 3)
	_, err := one.Restart(t.Context())
	require.NoError(t, err)
	told(1, 4)
	require.Equal(t, true, heard(t, env.Dir, "client-1")[2]["restarted"])
	require.NoError(t, c.Broke())
	config := scripted("")
	config.Shared = true
	alone := harness.CrashWallet | harness.FreezeWallet
	require.True(t, subject.New(subject.Parts{Client: c}).Abilities().Has(alone))
	shared := subject.New(subject.Parts{Client: NewClient(config, "")}).Abilities()
	require.Zero(t, shared&alone, "one program is all wallets")
	require.True(t, shared.Has(harness.CrashClient|harness.FreezeClient))
}

func TestClientShared(t *testing.T) {
	config := scripted(polite + `while read -r line; do echo "$line" >>$ONEBAR_DIR/heard; done`)
	config.Shared = true
	c := NewClient(config, t.TempDir())
	env, _ := newEnv(t, 3)
	require.NoError(t, c.Start(t.Context(), env))
	require.NoError(t, c.Payer(2).Pay(t.Context(), payment("p1", 2)))
	require.NoError(t, c.Close())
	got := heard(t, env.Dir, "client")
	require.Len(t, got[0]["wallets"], 3)
	require.Equal(t, "door-2", got[1]["address"])
}

func TestClientBad(t *testing.T) {
	after := func(line string) string {
		return polite + "read -r line; echo '" + line + "'; sleep 100"
	}
	for name, tc := range map[string]struct {
		script string
		want   string // of the run
		start  string // of the start
	}{
		"ends at once":         {script: "echo no config >&2; exit 2", start: "the client of wallet 0 died by itself: exit status 2; its last lines: no config"},
		"prints for people":    {script: "echo Starting up...; sleep 100", start: `the client of wallet 0 printed what is no event in line 1: invalid character 'S' looking for beginning of value; the line is "Starting up..." (what is for people goes to standard error)`},
		"another version":      {script: `echo '{"event":"ready","onebar":2}'; sleep 100`, start: "it speaks version 2 of the protocol, and this onebar speaks version 1"},
		"garbage":              {script: after("DEBUG paying"), want: `printed what is no event in line 2`},
		"no object":            {script: after("[]"), want: `the line is "[]"`},
		"two objects":          {script: after(`{"event":"told","payment":"p1","outcome":"queued"} {}`), want: "something stands after the object"},
		"an unknown event":     {script: after(`{"event":"tell"}`), want: `the event "tell" is not known; expected one of ready, told, attempt`},
		"an unknown key":       {script: after(`{"event":"told","payment":"p1","outcome":"queued","resaon":""}`), want: `unknown field "resaon"`},
		"an unknown outcome":   {script: after(`{"event":"told","payment":"p1","outcome":"done"}`), want: `"done"`},
		"no payment":           {script: after(`{"event":"told","outcome":"queued"}`), want: "the event told has no payment"},
		"no outcome":           {script: after(`{"event":"told","payment":"p1"}`), want: "the event told has no outcome"},
		"time runs backwards":  {script: after(`{"event":"attempt","payment":"p1","took_ms":-1}`), want: "took_ms -1 is out of range"},
		"dies under a payment": {script: polite + "read -r line; echo out of memory >&2; exit 9", want: "the client of wallet 0 died by itself: exit status 9; its last lines: out of memory"},
		"leaves":               {script: polite + "read -r line; exit 0", want: "the client of wallet 0 died by itself: exit status 0"},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewClient(scripted(tc.script), t.TempDir())
			env, r := newEnv(t, 1)
			err := c.Start(t.Context(), env)
			defer func() { require.NoError(t, c.Close()) }()
			if tc.start != "" {
				require.ErrorContains(t, err, tc.start)
				return
			}
			require.NoError(t, err)
			require.NoError(t, c.Payer(0).Pay(t.Context(), payment("p1", 0)))
			require.Eventually(t, func() bool { return c.Broke() != nil }, waitLimit, time.Millisecond)
			require.ErrorContains(t, c.Broke(), tc.want)
			require.Eventually(t, func() bool { return len(r.all()) > 0 }, waitLimit, time.Millisecond)
			require.Equal(t, harness.Told{Payment: "p1", Outcome: harness.OutcomeUnknown, Reason: r.all()[0].Reason}, r.all()[0])
			require.Eventually(t, func() bool { return c.Payer(0).Pay(t.Context(), payment("p2", 0)) != nil }, waitLimit, time.Millisecond)
			_, err = c.Held(t.Context())
			require.ErrorContains(t, err, "is not running")
		})
	}
}

// TestClientDoesNotRead has a program that takes no commands: who pays must not
// hang longer than the run.
func TestClientDoesNotRead(t *testing.T) {
	c := NewClient(scripted(`echo '{"event":"ready","onebar":1}'; sleep 100`), t.TempDir())
	env, _ := newEnv(t, 1)
	require.NoError(t, c.Start(t.Context(), env))
	p := payment("p1", 0)
	p.Payer = strings.Repeat("x", 1<<20) // more than a pipe holds
	paid := make(chan error)
	go func() { paid <- c.Payer(0).Pay(t.Context(), p) }()
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, c.Crash())
	require.Error(t, <-paid)
	require.NoError(t, c.Close())
}

func FuzzParseEvent(f *testing.F) {
	for _, s := range []string{
		`{"event":"ready","onebar":1}`, `{"event":"told","payment":"p1","outcome":"confirmed","reason":"x"}`,
		`{"event":"attempt","payment":"p1","took_ms":1e3,"n":2}`, `{"event":"held","payments":[]}`, `{"event":"called","payment":"p","key":"k"}`, `{}`, `x`, `{"event":"told"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parseEvent(line)
		if err != nil {
			require.Zero(t, e)
			return
		}
		switch e.Event {
		case "told":
			require.NotEmpty(t, e.told().Payment)
		case "attempt":
			require.GreaterOrEqual(t, e.attempt(1).Took, time.Duration(0))
		}
	})
}

func TestClientsSaySoOnce(t *testing.T) {
	c := NewClient(scripted("exit 2"), t.TempDir())
	env, _ := newEnv(t, 9)
	err := c.Start(t.Context(), env)
	require.Equal(t, 1, strings.Count(err.Error(), "died by itself"))
	require.ErrorContains(t, err, "and 8 more clients ended in error")
	require.NoError(t, c.Close())
}
