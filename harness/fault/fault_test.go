package fault_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// actions returns every action that has a name.
func actions() []harness.Action {
	var all []harness.Action
	for a := harness.ActionUnknown + 1; ; a++ {
		var back harness.Action
		if back.UnmarshalText([]byte(a.String())) != nil {
			return all
		}
		all = append(all, a)
	}
}

// Every action has a fault, and one only. Vanish is a part of a crash.
func TestEveryActionIsAFault(t *testing.T) {
	seen := map[harness.Action]int{}
	for _, f := range fault.All() {
		seen[f.Action]++
	}
	require.Greater(t, len(actions()), 12)
	for _, a := range actions() {
		want := 1
		if a == harness.Vanish {
			want = 0
		}
		require.Equal(t, want, seen[a], "%s: write harness/fault/%s.go and add it to All", a, a)
		_, ok := fault.Of(a)
		require.Equal(t, want == 1, ok)
	}
	_, ok := fault.Of(harness.ActionUnknown)
	require.False(t, ok)
}

// What is said of a fault holds together.
func TestFaultsAreSound(t *testing.T) {
	for _, f := range fault.All() {
		t.Run(f.Action.String(), func(t *testing.T) {
			require.NotEqual(t, fault.LengthUnknown, f.Length)
			require.Equal(t, f.Length != fault.Lasting, f.Ends != "", "why it has no for")
			if f.Length == fault.Lasting {
				require.Contains(t, f.Keys, "for")
			} else {
				require.NotContains(t, f.Keys, "for")
			}
			require.NotZero(t, f.Starts&fault.AtPacket)
			if f.Starts&fault.AtCommit != 0 {
				require.True(t, f.Stops, "a commit is of the side that it stops")
			}
			if f.Sweep == nil {
				return
			}
			for _, way := range f.Sweep(fault.Spans{Short: time.Second, Long: time.Minute, Restart: 2 * time.Second}) {
				require.Equal(t, f.Action, way.Event.Action)
				require.NotZero(t, way.Points)
				require.Equal(t, f.Length == fault.Lasting, way.Event.For > 0)
				require.Equal(t, f.Stops, way.Event.Side != harness.SideUnknown)
			}
		})
	}
}

// A sweep does what the subject can, in an order that does not change.
func TestForSweep(t *testing.T) {
	spans := fault.Spans{Short: 5 * time.Second, Long: time.Minute, Restart: 2 * time.Second}
	network := []string{"drop", "blackhole 5s", "blackhole 1m", "reset", "refuse 5s", "rebind"}
	server := []string{"crash server", "vanish server", "crash server before commit", "crash server after commit"}
	for name, tc := range map[string]struct {
		can  harness.Abilities
		want []string
	}{
		"nothing of the subject": {0, nil},
		"a server to kill":       {harness.CrashServer | harness.SlowServer, server},
		"a server to freeze":     {harness.FreezeServer, []string{"freeze server 1m"}},
		"both sides to freeze":   {harness.FreezeServer | harness.FreezeClient, []string{"freeze client 1m", "freeze server 1m"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, way := range fault.ForSweep(spans, tc.can) {
				got = append(got, way.Name)
			}
			require.Equal(t, append(slices.Clip(network), tc.want...), got)
		})
	}
}

// An event is refused for each thing that the subject cannot do.
func TestRefuse(t *testing.T) {
	commit := &harness.Trigger{Commit: 1, Side: harness.Server}
	bank := harness.Topology{Hosts: []string{"bank"}, Links: []harness.Link{{Near: "server", Far: "bank"}}}
	for name, tc := range map[string]struct {
		event harness.Event
		can   harness.Abilities
		want  string
	}{
		"a network's fault":    {harness.Event{Action: harness.Reset}, 0, ""},
		"slow says which side": {harness.Event{Action: harness.Slow, Line: 3}, harness.CrashServer, "line 3: the subject has no way to slow the server: remove the event"},
		"a crash":              {harness.Event{Action: harness.Crash, Side: harness.Client}, harness.CrashClient, ""},
		"of the other side":    {harness.Event{Action: harness.Crash, Side: harness.Server}, harness.CrashClient, "line 0: the subject has no way to crash the server: remove the event"},
		"a crash of no side":   {harness.Event{Action: harness.Crash}, harness.CrashClient | harness.CrashServer, "line 0: the crash names no side: expected client or server"},
		"of a further host":    {harness.Event{Action: harness.Crash, Side: "bank"}, harness.CrashHost, ""},
		"no way to":            {harness.Event{Action: harness.Crash, Side: "bank"}, harness.CrashServer, "line 0: the subject has no way to crash a further host: remove the event"},
		"of no host":           {harness.Event{Action: harness.Crash, Side: "bnak"}, harness.CrashHost, `line 0: crash: there is no host "bnak": expected server, a client or one of the network's topology: bank`},
		"on a link":            {harness.Event{Action: harness.Blackhole, On: "server-bank"}, 0, ""},
		"on no link":           {harness.Event{Action: harness.Blackhole, On: "bank-server", Line: 2}, 0, `line 2: blackhole: there is no link "bank-server": expected one of the network's topology: server-bank`},
		"not on a link":        {harness.Event{Action: harness.Rebind, On: "server-bank"}, 0, "line 0: the rebind cannot be on a link between hosts (server-bank): remove Event.On"},
		"a drop elsewhere":     {harness.Event{Action: harness.Drop, When: &harness.Trigger{Packet: 1, Link: "server-bank"}}, 0, `line 0: the drop is on "" and its packet on "server-bank": expected the same link`},
		"two reasons": {
			harness.Event{Action: harness.Crash, Side: harness.Server, When: commit, Line: 4},
			0,
			"line 4: the subject has no way to crash the server: remove the event\nline 4: the subject's commits cannot be counted here: use --engine sim",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := fault.Refuse(tc.event, tc.can, bank)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
}
