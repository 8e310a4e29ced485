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
			if f.Stops {
				require.True(t, f.OnSide, "what stops a side acts on it")
			}
			if f.Starts&fault.AtCommit != 0 {
				require.True(t, f.Stops, "a commit is of the side that it stops")
			}
			if f.Sweep == nil {
				return
			}
			for _, way := range f.Sweep(fault.Spans{Short: time.Second, Long: time.Minute, Outage: time.Hour, Restart: 2 * time.Second}) {
				require.Equal(t, f.Action, way.Event.Action)
				require.NotZero(t, way.Points)
				require.Equal(t, f.Length == fault.Lasting, way.Event.For > 0)
				require.Equal(t, f.OnSide, way.Event.Side != harness.SideUnknown)
			}
		})
	}
}

// engine is what an engine that can do everything can do.
const engine = harness.CarryPackets | harness.CountPackets | harness.RebindClients | harness.CutPower | harness.SendCrossTraffic |
	harness.PutToxics | harness.PutToxicsOnLinks | harness.JoinHosts

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
			for _, way := range fault.ForSweep(spans, tc.can|engine) {
				got = append(got, way.Name)
			}
			require.Equal(t, append(slices.Clip(network), tc.want...), got)
		})
	}
}

// An event is refused for each thing that the subject cannot do.
func TestRefuse(t *testing.T) {
	one, five := 1, 5
	commit := &harness.Trigger{Commit: 1, Side: harness.Server}
	bank := harness.Topology{Hosts: []string{"bank"}, Links: []harness.Link{{Near: "server", Far: "bank"}}}
	for name, tc := range map[string]struct {
		event harness.Event
		can   harness.Abilities
		want  string
	}{
		"a network's fault":     {harness.Event{Action: harness.Reset}, 0, ""},
		"slow says which side":  {harness.Event{Action: harness.Slow, Line: 3}, harness.CrashServer, "line 3: the subject has no way to slow the server: remove the event"},
		"a crash":               {harness.Event{Action: harness.Crash, Side: harness.Client}, harness.CrashClient, ""},
		"of the other side":     {harness.Event{Action: harness.Crash, Side: harness.Server}, harness.CrashClient, "event 1 of the timeline: the subject has no way to crash the server: remove the event"},
		"a crash of no side":    {harness.Event{Action: harness.Crash}, harness.CrashClient | harness.CrashServer, "event 1 of the timeline: the crash names no side: expected client or server"},
		"of a further host":     {harness.Event{Action: harness.Crash, Side: "bank"}, harness.CrashHost, ""},
		"no way to":             {harness.Event{Action: harness.Crash, Side: "bank"}, harness.CrashServer, "event 1 of the timeline: the subject has no way to crash a further host: remove the event"},
		"of no host":            {harness.Event{Action: harness.Crash, Side: "bnak"}, harness.CrashHost, `event 1 of the timeline: crash: there is no host "bnak": expected server, a client or one of the network's topology: bank`},
		"on a link":             {harness.Event{Action: harness.Blackhole, On: "server-bank"}, 0, ""},
		"on no link":            {harness.Event{Action: harness.Blackhole, On: "bank-server", Line: 2}, 0, `line 2: blackhole: there is no link "bank-server": expected one of the network's topology: server-bank`},
		"not on a link":         {harness.Event{Action: harness.Rebind, On: "server-bank"}, 0, "event 1 of the timeline: the rebind cannot be on a link between hosts (server-bank): remove Event.On"},
		"a drop elsewhere":      {harness.Event{Action: harness.Drop, When: &harness.Trigger{Packet: 1, Link: "server-bank"}}, 0, `event 1 of the timeline: the drop is on "" and its packet on "server-bank": expected the same link`},
		"a clock":               {harness.Event{Action: harness.Clock, Side: harness.Server, By: -1}, harness.SetServerClock, ""},
		"a clock out of reach":  {harness.Event{Action: harness.Clock, Side: harness.Client, Drift: 1}, harness.SetServerClock, "event 1 of the timeline: the subject has no way to change the clock of the client (the reference wallet has one, and a Go System with ClientClock): remove the event"},
		"a clock that is right": {harness.Event{Action: harness.Clock, Side: harness.Server}, harness.SetServerClock, "event 1 of the timeline: the clock is not changed: give it by or drift"},
		"one wallet":            {harness.Event{Action: harness.Blackhole, Wallet: &one}, harness.ChooseClients, ""},
		"some wallets":          {harness.Event{Action: harness.Crash, Side: harness.Client, Wallets: 0.1}, harness.CrashWallet, ""},
		"all wallets alike":     {harness.Event{Action: harness.SetLink, Link: &harness.Profile{}, Wallets: 0.1}, 0, "event 1 of the timeline: the bench engine treats all wallets alike: use --engine packet or sim, or remove wallet and wallets"},
		"no way to crash one":   {harness.Event{Action: harness.Crash, Side: harness.Client, Wallet: &one}, harness.CrashClient, "event 1 of the timeline: the subject has no way to crash one wallet alone: remove the event"},
		"no way to freeze one":  {harness.Event{Action: harness.Freeze, Side: harness.Client, Wallet: &one}, harness.FreezeClient, "event 1 of the timeline: the subject has no way to freeze one wallet alone: remove the event"},
		"no such wallet":        {harness.Event{Action: harness.Reset, Wallet: &five}, harness.ChooseClients, "event 1 of the timeline: there is no wallet 5: the workload has 5, from 0"},
		"wallets of a server":   {harness.Event{Action: harness.Crash, Side: harness.Server, Wallet: &one}, harness.CrashServer, "event 1 of the timeline: the crash of the server cannot be on some of the wallets: remove Event.Wallet and Event.Wallets"},
		"wallets of a heal":     {harness.Event{Action: harness.Heal, Wallets: 0.1}, 0, "event 1 of the timeline: the heal cannot be on some of the wallets: remove Event.Wallet and Event.Wallets"},
		"wallets and a commit": {
			harness.Event{Action: harness.Crash, Side: harness.Client, Wallet: &one, When: &harness.Trigger{Commit: 1, Side: harness.Client}},
			harness.CrashWallet | harness.CommitsOf(harness.Client),
			"event 1 of the timeline: commits are counted over all wallets: remove Event.Wallet and Event.Wallets",
		},
		"two reasons": {
			harness.Event{Action: harness.Crash, Side: harness.Server, When: commit, Line: 4},
			0,
			"line 4: the subject has no way to crash the server: remove the event\nline 4: commits of the server cannot be counted here: use --engine sim with a subject that counts them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setup := fault.Setup{Engine: "bench", Can: tc.can | engine, Topology: bank, Wallets: 5}
			err := setup.Refuse(harness.Scenario{Timeline: []harness.Event{tc.event}})
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
}

// A scenario is refused for each thing that the engine cannot do.
func TestRefuseByEngine(t *testing.T) {
	const crash = harness.CrashClient | harness.CrashServer
	const streams = harness.PutToxics | crash
	noise := &harness.Toxic{Type: "slow_close", Stream: "upstream"}
	lossy := harness.Profile{Up: harness.Path{Loss: harness.Loss{P: 0.05}}, Down: harness.Path{MTU: 700}}
	bank := harness.Topology{Hosts: []string{"bank"}, Links: []harness.Link{{Near: "server", Far: "bank"}}}
	event := func(e harness.Event) harness.Scenario {
		e.Line = 7
		return harness.Scenario{Timeline: []harness.Event{e}}
	}
	const noPackets = " cannot be done by the bench engine: a byte stream has no packets to lose, and bytes dropped from it would be a hole that TCP never leaves; use --engine packet"
	for name, tc := range map[string]struct {
		scenario harness.Scenario
		without  harness.Abilities // of the engine
		topology harness.Topology
		want     string
	}{
		"a lossy link":             {harness.Scenario{Link: lossy}, harness.CarryPackets, harness.Topology{}, "the scenario's link: loss of 5% up and an MTU of 700 down" + noPackets},
		"a change to one":          {event(harness.Event{Action: harness.SetLink, Link: &lossy}), harness.CarryPackets, harness.Topology{}, "line 7: loss of 5% up and an MTU of 700 down" + noPackets},
		"a packet":                 {event(harness.Event{Action: harness.Reset, When: &harness.Trigger{Packet: 2}}), harness.CountPackets, harness.Topology{}, "line 7: in real time no packet has the same number in each run; use --engine sim"},
		"a packet of a stream":     {event(harness.Event{Action: harness.Reset, When: &harness.Trigger{Packet: 2}}), engine &^ streams, harness.Topology{}, "line 7: the bench engine has no packets to begin an event at; use --engine sim"},
		"a NAT":                    {event(harness.Event{Action: harness.Rebind}), harness.RebindClients, harness.Topology{}, "line 7: rebind cannot be done by the bench engine, which has no network between its sockets; use --engine packet"},
		"cross traffic":            {event(harness.Event{Action: harness.CrossTraffic}), harness.SendCrossTraffic, harness.Topology{}, "line 7: cross_traffic cannot be done by the bench engine, which has no network between its sockets; use --engine packet"},
		"a power failure":          {event(harness.Event{Action: harness.Crash, Side: harness.Server, Vanish: true}), harness.CutPower, harness.Topology{}, "line 7: a side cannot vanish without a word in the bench engine: the kernel ends its sockets; use --engine packet"},
		"a crash":                  {event(harness.Event{Action: harness.Crash, Side: harness.Server}), harness.CutPower, harness.Topology{}, ""},
		"a toxic":                  {event(harness.Event{Action: harness.StreamToxic, Toxic: noise}), harness.PutToxics, harness.Topology{}, "line 7: the bench engine has no toxics: use --engine packet, toxiproxy or sim"},
		"a toxic on a link":        {event(harness.Event{Action: harness.StreamToxic, Toxic: noise, On: "server-bank"}), harness.PutToxicsOnLinks, bank, "line 7: toxic on server-bank: toxiproxy is before the access links only; use --engine sim"},
		"a toxic that is none":     {event(harness.Event{Action: harness.StreamToxic}), 0, harness.Topology{}, "line 7: it names no toxic"},
		"several hosts":            {harness.Scenario{}, harness.JoinHosts, bank, "the bench engine has no hosts but the server and the clients, and no links but theirs: all its sockets are on the loopback address of this machine, which does not say whose they are; use --engine packet or sim"},
		"an engine that can do it": {harness.Scenario{Link: lossy}, 0, bank, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := fault.Setup{Engine: "bench", Can: crash | engine&^tc.without, Topology: tc.topology}.Refuse(tc.scenario)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
	err := fault.Setup{Can: engine}.Refuse(harness.Scenario{Timeline: []harness.Event{{Action: harness.StreamToxic, Line: 7}, {Action: harness.StreamToxic}}})
	require.ErrorContains(t, err, "line 7:")
	require.ErrorContains(t, err, "event 2 of the timeline:")
}
