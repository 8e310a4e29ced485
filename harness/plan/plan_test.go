package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/plan"
	"github.com/onebar/onebar/harness/sut"
)

const second = time.Second

// engine is an engine with a name and abilities.
type engine struct {
	harness.Engine
	can harness.Abilities
}

func (e engine) Name() string                 { return "bench" }
func (e engine) Abilities() harness.Abilities { return e.can }

func packets() plan.Options { return plan.Options{Engine: engine{can: harness.CarryPackets}} }

// Each kind of event is told in words, with when it begins and how long it lasts.
func TestTimeline(t *testing.T) {
	for want, e := range map[[2]string]harness.Event{
		{"9s", "every packet is lost, up and down, for 12s"}:                                {At: 9 * second, For: 12 * second, Action: harness.Blackhole},
		{"9s", "every packet is lost down, until the end of the script"}:                    {At: 9 * second, Action: harness.Blackhole, Direction: harness.Down},
		{"9s", "the link is up 20ms; down perfect, for 1s"}:                                 {At: 9 * second, For: second, Action: harness.SetLink, Link: &harness.Profile{Up: harness.Path{Delay: 20 * time.Millisecond}}},
		{"9s", "every open connection is reset; it may hit nothing"}:                        {At: 9 * second, Action: harness.Reset, MayMiss: true},
		{"every 5s from 1s ± 500ms", "every new connection is refused, for 2s"}:             {At: second, Every: 5 * second, Jitter: second / 2, For: 2 * second, Action: harness.Refuse},
		{"9s", "the server is killed, and starts again after 3s"}:                           {At: 9 * second, Action: harness.Crash, Side: harness.Server, Restart: 3 * second},
		{"9s", "the client stands still; its connections stay open, for 3s"}:                {At: 9 * second, Action: harness.Freeze, Side: harness.Client, For: 3 * second},
		{"9s", "the server answers 2s later, for 3s; its phase is named late"}:              {At: 9 * second, Action: harness.Slow, By: 2 * second, For: 3 * second, Phase: "late"},
		{"9s", "new connections get toxiproxy's toxic slicer, for 3s"}:                      {At: 9 * second, Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slicer"}, For: 3 * second},
		{"9s", "every fault ends, and the link is that of the scenario again"}:              {At: 9 * second, Action: harness.Heal},
		{"9s", "the NAT forgets every connection: old ones die silently"}:                   {At: 9 * second, Action: harness.Rebind},
		{"9s", "other traffic fills the link up, for 3s"}:                                   {At: 9 * second, Action: harness.CrossTraffic, Direction: harness.Up, For: 3 * second},
		{"at packet 3 up of wallet 1", "this packet is lost"}:                               {Action: harness.Drop, When: &harness.Trigger{Packet: 3, Client: 1, Direction: harness.Up}},
		{"after commit 2 of the server", "the server is killed, and starts again after 1s"}: {Action: harness.Crash, Side: harness.Server, Restart: second, When: &harness.Trigger{Commit: 2, Side: harness.Server, After: true}},
		{"100ms after the server has request 4", "every open connection is reset"}:          {Action: harness.Reset, When: &harness.Trigger{Request: 4, Moment: harness.Complete, Wait: second / 10}},
	} {
		sc := harness.Scenario{Length: 60 * second, Timeline: []harness.Event{e}}
		rows := plan.Of(sc, packets()).Timeline
		require.Contains(t, rows, plan.Row{Head: want[0], Text: want[1]})
		require.Contains(t, rows, plan.Row{Head: "1m", Text: "every fault ends, and the link is that of the scenario again"})
	}
}

// Events stand in the order of their times, random ones with the ranges they are drawn
// from.
func TestOrderAndRandom(t *testing.T) {
	sc := harness.Scenario{
		Length: 30 * second,
		Timeline: []harness.Event{
			{At: 20 * second, Action: harness.Reset},
			{Action: harness.Drop, When: &harness.Trigger{Packet: 1, Direction: harness.Up}},
			{At: 10 * second, Action: harness.Rebind},
		},
		Nemesis: []harness.Nemesis{{
			Rate: 0.05, Restart: harness.Durations{Min: second, Max: 5 * second},
			Event: harness.Event{Action: harness.Crash, Side: harness.Client},
		}},
	}
	p := plan.Of(sc, packets())
	var heads []string
	for _, r := range p.Timeline {
		heads = append(heads, r.Head)
	}
	require.Equal(t, []string{"10s", "20s", "30s", "at packet 1 up of wallet 0"}, heads)
	require.Equal(t, []plan.Row{{Head: "3/min", Text: "the client is killed, and starts again after 1s to 5s"}}, p.Random)
}

// Every check is either judged or not, and then it says why.
func TestWhatIsJudged(t *testing.T) {
	whole := harness.ReportCommits | harness.KeepDeadlines
	for name, tc := range map[string]struct {
		subject sut.Config
		can     harness.Abilities
		gaps    []plan.Row
	}{
		"the pair": {can: whole},
		"no ledger": {
			subject: sut.Config{Client: &sut.Client{HTTP: &sut.HTTPClient{}}, Ledger: &sut.Ledger{None: true}}, can: whole,
			gaps: []plan.Row{
				{Head: "lost", Text: "ledger: none: nobody knows what was booked"},
				{Head: "duplicated", Text: "ledger: none: nobody knows what was booked"},
				{Head: "contradicted", Text: "ledger: none: nobody knows what was booked"},
				{Head: "unfounded", Text: "ledger: none: there are no balances"},
				{Head: "altered", Text: "ledger: none: nobody knows what was booked"},
				{Head: "phantom", Text: "ledger: none: nobody knows what was booked"},
				{Head: "unbalanced", Text: "ledger: none: there are no balances"},
			},
		},
		"no commits, no balances": {
			subject: sut.Config{Client: &sut.Client{HTTP: &sut.HTTPClient{}}, Ledger: &sut.Ledger{SQL: &sut.SQL{}}},
			gaps: []plan.Row{
				{Head: "unfounded", Text: "the ledger gives no balances"},
				{Head: "unbalanced", Text: "the ledger gives no balances"},
				{Head: "early", Text: "the subject does not report its commits"},
				{Head: "overdue", Text: "the subject does not report its commits"},
			},
		},
		"no deadlines": {can: harness.ReportCommits, gaps: []plan.Row{{Head: "overdue", Text: "the subject does not say that it keeps deadlines"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := packets()
			o.Subject = tc.can
			p := plan.Of(harness.Scenario{Subject: tc.subject}, o)
			require.Equal(t, tc.gaps, p.Gaps)
			require.Len(t, p.Judged, len(check.Checks())-len(tc.gaps))
		})
	}
}

// The length is that of the script and the settle, by the clock of the engine.
func TestFacts(t *testing.T) {
	sc := harness.Scenario{
		Length: 30 * second, Settle: 60 * second,
		Workload: harness.Workload{Wallets: 2, Merchants: 1, Payments: 4, Rate: 0.5, AmountMin: 100, AmountMax: 500, Currency: "KES", Deadline: 60 * second, Impatient: 8 * second, Presses: 3},
		Link:     harness.Profile{Name: "edge", Up: harness.Path{Delay: 20 * time.Millisecond}},
		Commit:   harness.Durations{Min: time.Millisecond, Max: 25 * time.Millisecond},
	}
	bench := engine{can: harness.CarryPackets | harness.VirtualTime}
	require.Equal(t, []plan.Row{
		{Head: "engine", Text: "bench, in virtual time: a run takes moments"},
		{Head: "length", Text: "30s of script; then at most 1m, until every payment has a final outcome: at most 1m30s"},
		{Head: "system", Text: "the reference wallet and bank"},
		{Head: "load", Text: "4 payments by 2 wallets to 1 merchant, 1..5 KES each, 30/min at random times, over about 8s; a user without a final answer presses pay again after 8s, 3 times in all; a payment must be booked within 1m"},
		{Head: "link", Text: "edge: up 20ms; down perfect"},
	}, plan.Of(sc, plan.Options{Engine: bench}).Facts)

	for text, took := range map[string]harness.Durations{
		"a commit takes 1ms to 25ms, drawn anew each time":           sc.Commit,
		"a commit takes 25ms":                                        {Min: sc.Commit.Max, Max: sc.Commit.Max},
		"a commit takes no time, so no two payments meet during one": {},
	} {
		sc.Commit = took
		require.Contains(t, plan.Of(sc, plan.Options{Engine: bench, Subject: harness.FaultDisks}).Facts, plan.Row{Head: "disks", Text: text})
	}
}
