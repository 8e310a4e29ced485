package story_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/story"
)

const ms = time.Millisecond

func at(t time.Duration, r history.Record) history.Record {
	r.At = t
	return r
}

func header(events ...harness.Event) history.Record {
	return history.Record{Header: &history.Header{Scenario: harness.Scenario{Timeline: events}}}
}

func pay(id string, amount int64) history.Record {
	return history.Record{Pay: &harness.Payment{ID: id, Order: "o" + id, Payer: "w0", Payee: "m0", Amount: amount, Currency: "KES", Deadline: 30 * time.Second}}
}

func posting(id, payment string, amount int64) history.Record {
	return history.Record{Posting: &harness.Posting{ID: id, Payment: payment, Payer: "w0", Payee: "m0", Amount: amount, Currency: "KES"}}
}

func fault(event int, action harness.Action, ended bool) history.Record {
	return history.Record{Fault: &history.FaultNote{Event: event, Action: action, Ended: ended}}
}

func packet(t time.Duration, d harness.Direction, drop harness.DropReason) history.Record {
	return history.Record{At: t, Packet: &harness.Packet{At: t, Direction: d, Drop: drop}}
}

func records(all ...history.Record) iter.Seq2[history.Record, error] {
	return func(yield func(history.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func failing(check string, findings ...result.Finding) []result.Verdict {
	return []result.Verdict{{Check: check, Status: result.Fail, Count: len(findings), Findings: findings}}
}

// text writes a story, a line for each of its lines.
func text(s result.Story) string {
	var b strings.Builder
	for _, l := range s.Lines {
		fmt.Fprintf(&b, "%.3f %s\n", l.At.Seconds(), l.Text)
	}
	return b.String()
}

// The story of a payment has its presses, attempts with their answers, outcomes, faults,
// lost packets, commits and postings. A fault that was over before the press is no part
// of it; of one in force it says since when.
func TestPayment(t *testing.T) {
	h := records(
		header(
			harness.Event{Action: harness.Reset},
			harness.Event{Action: harness.Blackhole, Direction: harness.Down},
			harness.Event{Action: harness.Crash, Side: harness.Server},
		),
		at(1000*ms, fault(0, harness.Reset, false)), at(1000*ms, fault(0, harness.Reset, true)),
		at(1500*ms, fault(1, harness.Blackhole, false)),
		packet(1900*ms, harness.Down, harness.DropOutage), // of another payment
		at(2000*ms, pay("p1", 500)),
		packet(2010*ms, harness.Up, harness.DropNone),
		packet(2100*ms, harness.Down, harness.DropOutage), packet(2200*ms, harness.Down, harness.DropOutage),
		at(2300*ms, history.Record{Told: &harness.Told{Payment: "p2", Outcome: harness.Confirmed}}),
		at(4000*ms, history.Record{Attempt: &harness.Attempt{Payment: "p1", N: 1, Took: 2 * time.Second, Error: "i/o\n timeout"}}),
		at(4500*ms, fault(1, harness.Blackhole, true)),
		at(5000*ms, fault(2, harness.Crash, false)),
		at(33000*ms, history.Record{Committed: "p1"}),
		at(33100*ms, history.Record{Attempt: &harness.Attempt{Payment: "p1", N: 2, Took: 100 * ms, Answer: `HTTP 200 {"status":"ok"}`}}),
		at(33100*ms, history.Record{Told: &harness.Told{Payment: "p1", Outcome: harness.Declined, Reason: "no funds"}}),
		at(34000*ms, pay("p1.2", 500)),
		at(35000*ms, history.Record{Attempt: &harness.Attempt{Payment: "p1.2", N: 1, Status: true, Took: ms}}),
		packet(36000*ms, harness.Up, harness.DropLoss),
		at(40000*ms, posting("t1", "p1", 500)), at(40000*ms, posting("t9", "p9", 1)),
	)
	got := story.Of(h, failing("contradicted", result.Finding{Payment: "p1", Order: "op1"}))
	require.Len(t, got, 1)
	require.Equal(t, []string{"contradicted"}, got[0].Checks)
	require.Equal(t, "p1", got[0].Payment)
	require.Equal(t, `2.000 w0 presses pay: 5 KES to m0 (p1)
2.000 -- blackhole down: since 1.500s
2.100 2 packets down: 2 lost
4.000 attempt 1 ended after 2s: i/o timeout
4.500 -- blackhole down: over
5.000 -- crash of the server
33.000 the server has booked it durably, 3s after its deadline
33.100 attempt 2 ended after 100ms: HTTP 200 {"status":"ok"}
33.100 the user is told declined: no funds
34.000 w0 presses pay: 5 KES to m0 (p1.2)
35.000 p1.2: status query 1 ended after 1ms: an answer came
36.000 1 packet up: 1 lost
40.000 in the ledger: posting t1, 5 KES from w0 to m0
`, text(got[0]))
}

// What came after the last word of a payment without a final outcome is told: it may be
// the reason. Of a payment that has one it is not.
func TestLastFault(t *testing.T) {
	for outcome, want := range map[harness.Outcome]string{
		harness.Queued:    "0.000 w0 presses pay: 5 KES to m0 (p1)\n1.000 the user is told queued\n2.000 -- crash of the client\n3.000 1 packet up: 1 lost\n",
		harness.Confirmed: "0.000 w0 presses pay: 5 KES to m0 (p1)\n1.000 the user is told confirmed\n",
	} {
		got := story.Of(records(
			header(harness.Event{Action: harness.Crash, Side: harness.Client}), pay("p1", 500),
			at(1000*ms, history.Record{Told: &harness.Told{Payment: "p1", Outcome: outcome}}),
			at(2000*ms, fault(0, harness.Crash, false)), packet(3000*ms, harness.Up, harness.DropLoss),
			at(9000*ms, posting("t9", "p9", 1)), at(9500*ms, fault(0, harness.Crash, true)),
		), failing("lost", result.Finding{Payment: "p1"}))
		require.Equal(t, want, text(got[0]))
	}
}

// The story of an account has its payments and its postings, and says which of them the
// difference is.
func TestAccount(t *testing.T) {
	balance := func(closing int64) history.Record {
		return history.Record{Balance: &harness.Balance{Account: "w0", Currency: "KES", Opening: 1000, Closing: closing}}
	}
	begin := []history.Record{header(), pay("p1", 500), pay("p2", 200)}
	for name, tc := range map[string]struct {
		records []history.Record
		last    string
	}{
		"a payment without a posting": {[]history.Record{posting("t1", "p1", 500), balance(300)}, "it closes at 3 KES: off by -2 KES, as much as p2, which has no posting"},
		"a posting counted twice":     {[]history.Record{posting("t1", "p1", 500), posting("t2", "p2", 200), balance(-200)}, "it closes at -2 KES, below its floor of 0 KES: off by -5 KES, as if posting t1 were counted twice"},
		"a posting not counted":       {[]history.Record{posting("t1", "p1", 500), posting("t2", "p2", 200), balance(500)}, "it closes at 5 KES: off by 2 KES, as if posting t2 were not counted"},
		"two that would fit":          {[]history.Record{posting("t1", "p1", 500), posting("t2", "p2", 500), balance(500)}, "it closes at 5 KES: off by 5 KES"},
		"none that fits":              {[]history.Record{posting("t1", "p1", 500), posting("t2", "p2", 200), balance(299)}, "it closes at 2.99 KES: off by -0.01 KES"},
		"below the floor":             {[]history.Record{posting("t1", "p1", 1200), balance(-200)}, "it closes at -2 KES, below its floor of 0 KES"},
	} {
		t.Run(name, func(t *testing.T) {
			got := story.Of(records(append(begin[:3:3], tc.records...)...), failing("unbalanced", result.Finding{Account: "w0"}))
			require.Len(t, got, 1)
			lines := got[0].Lines
			require.Equal(t, "w0 presses pay: 5 KES to m0 (p1)", lines[0].Text)
			require.Contains(t, text(got[0]), "in the ledger: posting t1, ")
			require.Equal(t, tc.last, lines[len(lines)-1].Text)
		})
	}
}

// There are stories of the first findings of failing checks only; the presses of an order
// are one, and a finding of another check is added to it.
func TestWhoseStory(t *testing.T) {
	var all []history.Record
	for i := range 9 {
		all = append(all, pay(fmt.Sprintf("p%d", i), 100))
	}
	verdicts := append(failing("lost", result.Finding{Payment: "p7"}, result.Finding{Payment: "p3.2"}, result.Finding{Text: "of none"}),
		result.Verdict{Check: "load", Weak: true, Findings: []result.Finding{{Payment: "p0"}}},
		failing("unresolved", result.Finding{Payment: "p3"}, result.Finding{Payment: "p4"}, result.Finding{Payment: "p5"})[0])
	var got []string
	for _, s := range story.Of(records(all...), verdicts) {
		got = append(got, s.Subject()+": "+strings.Join(s.Checks, " "))
	}
	require.Equal(t, []string{"p7: lost", "p3.2: lost unresolved", "p4: unresolved"}, got)
	require.Empty(t, story.Of(records(all...), nil))
}

// A long story keeps its begin and its end.
func TestLongStory(t *testing.T) {
	all := []history.Record{pay("p1", 100)}
	for n := range 500 {
		all = append(all, history.Record{At: time.Duration(n) * ms, Attempt: &harness.Attempt{Payment: "p1", N: n + 1, Error: "refused"}})
	}
	got := story.Of(records(all...), failing("storm", result.Finding{Payment: "p1"}))[0].Lines
	require.Len(t, got, story.MostLines)
	require.Equal(t, "attempt 19 ended after 0s: refused", got[19].Text)
	require.Equal(t, "(462 lines left out)", got[20].Text)
	require.Equal(t, "attempt 482 ended after 0s: refused", got[21].Text)
	require.Equal(t, "attempt 500 ended after 0s: refused", got[39].Text)
}

// A fault of phones is told if it concerns the payment's phone: one of another phone is no
// part of the story, be it in force at the press or come later, and neither is its end.
func TestFaultsOfOtherPhones(t *testing.T) {
	of := func(event int, action harness.Action, ended bool, wallets ...int) history.Record {
		return history.Record{Fault: &history.FaultNote{Event: event, Action: action, Ended: ended, Wallets: wallets}}
	}
	press := pay("p1", 500)
	press.Pay.Wallet = 3
	got := story.Of(records(
		header(
			harness.Event{Action: harness.Blackhole, Wallets: 0.1, Every: time.Second},
			harness.Event{Action: harness.Crash, Side: harness.Client, Wallets: 0.1},
			harness.Event{Action: harness.Crash, Side: harness.Server},
		),
		at(100*ms, of(0, harness.Blackhole, false, 1)),
		at(200*ms, of(0, harness.Blackhole, false, 2, 3)),
		at(1000*ms, press),
		at(1100*ms, of(1, harness.Crash, false, 4)), at(1200*ms, of(1, harness.Crash, false, 3)),
		at(1300*ms, of(0, harness.Blackhole, true, 2, 3)), at(1400*ms, of(0, harness.Blackhole, true, 1)),
		at(1500*ms, of(1, harness.Crash, true, 4)), at(1600*ms, of(1, harness.Crash, true, 3)),
		at(1700*ms, of(2, harness.Crash, false)),
		at(2000*ms, history.Record{Told: &harness.Told{Payment: "p1", Outcome: harness.Declined}}),
	), failing("contradicted", result.Finding{Payment: "p1"}))
	require.Equal(t, `1.000 w0 presses pay: 5 KES to m0 (p1)
1.000 -- blackhole: since 0.200s
1.200 -- crash of the client
1.300 -- blackhole: over
1.600 -- crash of the client: over
1.700 -- crash of the server
2.000 the user is told declined
`, text(got[0]))
}
