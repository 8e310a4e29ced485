package run_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
)

// lateRun is the history of one payment over a link of 25 ms each way: the server
// takes 30 ms, and the request and the answer are late by so much each.
type lateRun struct {
	late     time.Duration
	expect   string
	booked   int
	retries  int  // attempts after the first
	slow     bool // for the 4 s after the payment programs waited for a processor most of the time
	timeline []harness.Event
	faults   []history.FaultNote
}

func (l lateRun) history(t *testing.T) *bytes.Buffer {
	t.Helper()
	const ms = time.Millisecond
	link := harness.Profile{Name: "lte", Up: harness.Path{Delay: 25 * ms}, Down: harness.Path{Delay: 25 * ms}}
	sc := harness.Scenario{
		Name: "late", Link: link, Timeline: l.timeline,
		Workload: harness.Workload{Wallets: 1, Merchants: 1, Payments: 1, Currency: "KES", Attempts: 3},
	}
	if l.expect != "" {
		sc.Expect = []harness.Expectation{{Text: l.expect}}
	}
	end := 80*ms + 2*l.late
	var out bytes.Buffer
	add := func(at time.Duration, r history.Record) {
		r.At = at
		line, err := json.Marshal(r)
		require.NoError(t, err)
		out.Write(append(line, '\n'))
	}
	add(0, history.Record{Header: &history.Header{
		Version: history.Version, Started: time.Unix(1, 0), Engine: "packet", Commits: true, Scenario: sc,
	}})
	add(0, history.Record{Phase: &history.Phase{Name: "lte", Profile: link}})
	add(0, history.Record{Pay: &harness.Payment{ID: "p1", Order: "o1", Payer: "w0", Payee: "m0", Amount: 100, Currency: "KES"}})
	for _, p := range []harness.Packet{
		{At: 0, N: 1, Direction: harness.Up}, {At: 55*ms + l.late, N: 1, Direction: harness.Down},
	} {
		p.Flow, p.Size, p.Delay, p.Late = 1, 100, 25*ms+l.late, l.late
		add(p.At+p.Delay, history.Record{Packet: &p})
	}
	add(end-5*ms, history.Record{Committed: "p1"})
	add(end, history.Record{Told: &harness.Told{Payment: "p1", Outcome: harness.Confirmed}})
	add(end, history.Record{Attempt: &harness.Attempt{Payment: "p1", N: 1, Dialed: true, Took: end}})
	for n := range l.retries {
		add(end, history.Record{Attempt: &harness.Attempt{Payment: "p1", N: n + 2}})
	}
	for range 40 {
		if end += 5 * ms; l.slow {
			end += 100 * ms
			add(end, history.Record{Late: 100 * ms})
		}
	}
	for _, f := range l.faults {
		add(end, history.Record{Fault: &f})
	}
	closing := int64(0)
	for n := range l.booked {
		closing += 100
		add(end, history.Record{Posting: &harness.Posting{ID: string(rune('a' + n)), Payment: "p1", Order: "o1", Payer: "w0", Payee: "m0", Amount: 100, Currency: "KES"}})
	}
	add(end, history.Record{Balance: &harness.Balance{Account: "w0", Currency: "KES", Opening: 1000, Closing: 1000 - closing}})
	add(end, history.Record{Balance: &harness.Balance{Account: "m0", Currency: "KES", Closing: closing}})
	add(end, history.Record{End: &history.End{Settled: true, LedgerRead: true}})
	return &out
}

// Lateness makes unknown what it could have turned, and nothing else.
func TestLateness(t *testing.T) {
	const ms = time.Millisecond
	blackhole := []harness.Event{{At: time.Second, For: time.Second, Action: harness.Blackhole, Line: 7}}
	nothing := []history.FaultNote{{Action: harness.Blackhole}, {Action: harness.Blackhole, Ended: true}}
	for name, tc := range map[string]struct {
		run        lateRun
		want       result.Status
		impairment result.Status
		reason     string // of the threshold
		busy       string
	}{
		"on time":                                        {run: lateRun{expect: "max(confirm) < 140ms"}, want: result.Pass, impairment: result.Pass},
		"late, and passes all the same":                  {run: lateRun{late: 20 * ms, expect: "max(confirm) < 140ms"}, want: result.Pass, impairment: result.Pass},
		"late, and fails all the same":                   {run: lateRun{late: 20 * ms, expect: "max(confirm) < 75ms"}, want: result.Fail, impairment: result.Pass},
		"passes only since it was late":                  {run: lateRun{late: 20 * ms, expect: "max(confirm) > 100ms"}, want: result.StatusUnknown, impairment: result.Pass, reason: "the machine was too busy: without lateness it would be 80ms", busy: "max(confirm) > 100ms: without lateness it would be 80ms"},
		"may fail since it was late":                     {run: lateRun{late: 40 * ms, expect: "max(confirm) < 140ms"}, want: result.StatusUnknown, impairment: result.Pass, reason: "the machine was too busy: without lateness it would be 80ms", busy: "max(confirm) < 140ms: without lateness it would be 80ms"},
		"bytes are as many as ever":                      {run: lateRun{late: 40 * ms, expect: "bytes_per_payment < 100"}, want: result.Fail, impairment: result.Pass},
		"later than a time-out":                          {run: lateRun{late: 300 * ms, expect: "bytes_per_payment < 900"}, want: result.StatusUnknown, impairment: result.StatusUnknown, reason: "the experiment was not as asked, see impairment", busy: "2 of 2 packets came more than 200ms late"},
		"booked twice, however late":                     {run: lateRun{late: 300 * ms, booked: 2}, want: result.Fail, impairment: result.StatusUnknown, busy: "2 of 2 packets came more than 200ms late"},
		"booked twice, a little late":                    {run: lateRun{late: 20 * ms, booked: 2, expect: "duplicated == 0"}, want: result.Fail, impairment: result.Pass},
		"an outage was missed":                           {run: lateRun{timeline: blackhole, faults: nothing}, want: result.StatusUnknown, impairment: result.StatusUnknown},
		"an outage was missed, and late":                 {run: lateRun{late: 20 * ms, timeline: blackhole, faults: nothing}, want: result.StatusUnknown, impairment: result.StatusUnknown},
		"an outage was missed, and a threshold in doubt": {run: lateRun{late: 40 * ms, timeline: blackhole, faults: nothing, expect: "max(confirm) < 140ms"}, want: result.StatusUnknown, impairment: result.StatusUnknown, reason: "the machine was too busy: without lateness it would be 80ms"},
		"an outage was missed, later than a time-out":    {run: lateRun{late: 300 * ms, timeline: blackhole, faults: nothing}, want: result.StatusUnknown, impairment: result.StatusUnknown, busy: "2 of 2 packets came more than 200ms late"},
		"a storm":                             {run: lateRun{retries: 4}, want: result.Fail, impairment: result.Pass},
		"a storm, a little late":              {run: lateRun{late: 20 * ms, retries: 4}, want: result.Fail, impairment: result.Pass},
		"a storm of time-outs of the machine": {run: lateRun{late: 300 * ms, retries: 4}, want: result.StatusUnknown, impairment: result.StatusUnknown, busy: "2 of 2 packets came more than 200ms late"},
		"a storm on a slow machine":           {run: lateRun{retries: 4, slow: true}, want: result.StatusUnknown, impairment: result.Pass, busy: `in phase "lte" programs waited for a processor for 4s of 4.28s`},
		"no storm on a slow machine":          {run: lateRun{slow: true, expect: "confirmed == 1"}, want: result.Pass, impairment: result.Pass},
		"booked twice in such a storm":        {run: lateRun{late: 300 * ms, retries: 4, booked: 2}, want: result.Fail, impairment: result.StatusUnknown, busy: "2 of 2 packets came more than 200ms late"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.run.booked == 0 {
				tc.run.booked = 1
			}
			res, err := judge.History(tc.run.history(t), judge.Options{})
			require.NoError(t, err)
			require.Equal(t, tc.want, res.Status, "%v %v", res.Verdicts, res.Thresholds)
			require.Equal(t, tc.impairment, res.Verdict("impairment").Status, res.Verdict("impairment").Summary)
			require.Equal(t, tc.busy, res.Busy)
			for _, th := range res.Thresholds {
				require.Equal(t, tc.reason, th.Reason)
			}
		})
	}
}
