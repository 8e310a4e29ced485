package run_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/toxi"
)

// What the subject or the engine cannot do is refused before anything starts, and
// what it can is not.
func TestCheck(t *testing.T) {
	const (
		noCrash    = "line 9: the subject has no way to crash the server: remove the event"
		noFreeze   = "line 9: the subject has no way to freeze the client: remove the event"
		noCommits  = "line 9: commits of the server cannot be counted here: use --engine sim with a subject that counts them"
		noRequests = "line 9: the subject's requests cannot be followed: that takes a server of your own that speaks HTTP/1.1"
		noPackets  = "the bench engine sees no packets to capture: leave --pcap out, or use --engine packet"
	)
	commit := &harness.Trigger{Commit: 2, Side: harness.Server}
	request := &harness.Trigger{Request: 2, Moment: harness.Answered}
	packet := &harness.Trigger{Packet: 2, Direction: harness.Up}
	crash := harness.Event{Action: harness.Crash, Side: harness.Server, Line: 9}
	at := func(w *harness.Trigger, e harness.Event) harness.Event { e.When = w; return e }
	reset := harness.Event{Action: harness.Reset, Line: 9}
	able := func(tr *trial) { tr.stores, tr.requests = true, true }
	for name, tc := range map[string]struct {
		event harness.Event
		trial func(*trial)
		want  string
	}{
		"a crash":                        {crash, func(*trial) {}, ""},
		"no crash of this side":          {crash, func(tr *trial) { tr.immortal = true }, noCrash},
		"a reset needs no crash":         {reset, func(tr *trial) { tr.immortal = true }, ""},
		"a freeze":                       {harness.Event{Action: harness.Freeze, Side: harness.Server, Line: 9}, func(*trial) {}, ""},
		"no freeze of this side":         {harness.Event{Action: harness.Freeze, Side: harness.Client, Line: 9}, func(*trial) {}, noFreeze},
		"slow answers":                   {harness.Event{Action: harness.Slow, Line: 9}, func(*trial) {}, ""},
		"a commit":                       {at(commit, crash), able, ""},
		"commits that are not counted":   {at(commit, crash), func(*trial) {}, noCommits},
		"a request":                      {at(request, reset), able, ""},
		"requests that are not followed": {at(request, reset), func(*trial) {}, noRequests},
		"a packet needs neither":         {at(packet, reset), func(*trial) {}, ""},
		"a capture":                      {reset, func(tr *trial) { tr.options.Pcap = true }, ""},
		"a capture of a byte stream":     {reset, func(tr *trial) { tr.options.Pcap, tr.payload = true, true }, noPackets},
		"a byte stream without one":      {reset, func(tr *trial) { tr.payload = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial()
			tc.trial(tr)
			sc := scenario()
			sc.Timeline = []harness.Event{tc.event}
			o := tr.options
			o.Engine, o.Subject = trialEngine{tr}, trialSubject{subject{tr.bench}, tr}
			err := run.Check(sc, o)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
			sc.Timeline = nil
			sc.Nemesis = []harness.Nemesis{{Rate: 1, For: harness.Durations{Min: time.Second, Max: time.Second}, Event: tc.event}}
			if tc.event.When == nil {
				require.EqualError(t, run.Check(sc, o), tc.want, "and so is what a nemesis may draw")
			}
		})
	}
}

// A subject that needs further hosts is refused by an engine that has none.
func TestCheckOfHosts(t *testing.T) {
	tr := newTrial()
	o := run.Options{Engine: engine{bench: tr.bench}, Subject: hosted{trialSubject{subject{tr.bench}, tr}}}
	require.NoError(t, run.Check(scenario(), o))
	o.Engine = toxi.Engine{}
	require.ErrorContains(t, run.Check(scenario(), o), "the toxiproxy engine has no hosts but the server and the clients, and no links but theirs")
	o.Subject = plain{o.Subject}
	require.NoError(t, run.Check(scenario(), o))
}

// hosted is a subject whose server has a bank.
type hosted struct{ harness.Subject }

// Topology implements harness.Hosted.
func (hosted) Topology(harness.Workload) harness.Topology {
	return harness.Topology{Hosts: []string{"bank"}, Links: []harness.Link{{Near: "server", Far: "bank"}}}
}

// A subject with no ability beyond the least is asked for none.
func TestCheckOfAPlainSubject(t *testing.T) {
	tr := newTrial()
	o := run.Options{Engine: trialEngine{tr}, Subject: plain{trialSubject{subject{tr.bench}, tr}}}
	for _, action := range []harness.Action{harness.Crash, harness.Freeze, harness.Slow} {
		sc := scenario()
		sc.Timeline = []harness.Event{{Action: action, Side: harness.Server, Line: 9}}
		require.EqualError(t, run.Check(sc, o), "line 9: the subject has no way to "+action.String()+" the server: remove the event")
		sc.Timeline[0].Action = harness.Refuse
		require.NoError(t, run.Check(sc, o))
	}
}

// plain hides every ability of a subject.
type plain struct{ harness.Subject }

func (plain) Abilities() harness.Abilities { return 0 }
