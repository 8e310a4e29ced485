package run_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
)

// history is a run of one payment that is confirmed in a second and booked, whose
// end and timeline a test chooses. Without an end it was killed.
func hist(end *history.End, sc harness.Scenario, faults ...history.FaultNote) []history.Record {
	p := harness.Payment{ID: "p1", Order: "o1", Payer: "w0", Payee: "m0", Amount: 500, Currency: "KES"}
	list := []history.Record{
		{Header: &history.Header{Version: history.Version, Onebar: "test", Started: time.Now(), Engine: "bench", Commits: true, Scenario: sc}},
		{Phase: &history.Phase{Name: "lan"}},
		{Pay: &p},
		{Committed: p.ID},
		{Told: &harness.Told{Payment: p.ID, Outcome: harness.Confirmed}},
	}
	for _, f := range faults {
		list = append(list, history.Record{Fault: &f})
	}
	list = append(list,
		history.Record{Posting: &harness.Posting{ID: "t1", Payment: p.ID, Order: p.Order, Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency}},
		history.Record{Note: "bookings were matched by their reference"},
	)
	if end != nil {
		list = append(list, history.Record{End: end})
	}
	return list
}

// written is the file of a history, a second between one record and the next, and
// of packets after them.
func written(t *testing.T, records []history.Record, late ...harness.Packet) *bytes.Buffer {
	t.Helper()
	var file bytes.Buffer
	h := history.New(&file, time.Now())
	for i, r := range records {
		if i > 0 {
			time.Sleep(time.Second)
		}
		h.Record(r)
	}
	for _, p := range late {
		h.Packet(p)
	}
	require.NoError(t, h.Close())
	return &file
}

// The figures of a run that was not as asked are of another experiment: its
// thresholds are unknown, whether they hold or not. What the checks have proven
// stands.
func TestThresholdsOfARunThatWasNotAsAsked(t *testing.T) {
	const (
		cut      = "the run did not come to its end"
		noLoad   = "the experiment was not as asked, see load"
		noImpair = "the experiment was not as asked, see impairment"
	)
	whole := history.End{Settled: true, LedgerRead: true}
	asked := func(payments int, expect ...string) harness.Scenario {
		sc := harness.Scenario{Name: "judged", Workload: harness.Workload{Payments: payments, Attempts: 5}}
		for _, text := range expect {
			sc.Expect = append(sc.Expect, harness.Expectation{Text: text})
		}
		return sc
	}
	missed := asked(1, "payments == 1")
	missed.Timeline = []harness.Event{{Action: harness.Refuse}}
	for name, tc := range map[string]struct {
		end      *history.End
		scenario harness.Scenario
		faults   []history.FaultNote
		twice    bool // the payment is booked twice
		status   result.Status
		want     result.Status // of each threshold
		reason   string
	}{
		"as asked":                 {end: &whole, scenario: asked(1, "payments == 1"), status: result.Pass, want: result.Pass},
		"as asked, and it fails":   {end: &whole, scenario: asked(1, "payments > 1"), status: result.Fail, want: result.Fail},
		"as asked, and no figure":  {end: &whole, scenario: asked(1, "payments(phase: tunnel) == 1"), status: result.StatusUnknown, want: result.StatusUnknown},
		"killed":                   {scenario: asked(1, "payments == 1"), reason: cut},
		"killed, and it fails":     {scenario: asked(1, "payments > 1"), reason: cut},
		"interrupted":              {end: &history.End{Settled: true, LedgerRead: true, Interrupted: true}, scenario: asked(1, "payments == 1"), reason: cut},
		"broken off":               {end: &history.End{Settled: true, LedgerRead: true, Error: "no server"}, scenario: asked(1, "payments == 1"), reason: cut},
		"a payment was not made":   {end: &whole, scenario: asked(2, "payments == 1"), reason: noLoad},
		"a fault hit nothing":      {end: &whole, scenario: missed, faults: []history.FaultNote{{Action: harness.Refuse}, {Action: harness.Refuse, Ended: true}}, reason: noImpair},
		"the first reason is kept": {scenario: asked(2, "payments == 1"), reason: cut},
		"a duplicate is proven":    {end: &whole, scenario: asked(2, "payments == 1"), twice: true, status: result.Fail, reason: noLoad},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				records := hist(tc.end, tc.scenario, tc.faults...)
				if tc.twice {
					again := harness.Posting{ID: "t2", Payment: "p1", Order: "o1", Payer: "w0", Payee: "m0", Amount: 500, Currency: "KES"}
					records = slices.Insert(records, 5, history.Record{Posting: &again})
				}
				res, err := judge.History(written(t, records), judge.Options{})
				require.NoError(t, err)
				require.Equal(t, tc.status, res.Status)
				require.Len(t, res.Thresholds, 1)
				require.Equal(t, tc.want, res.Thresholds[0].Status)
				switch {
				case tc.reason != "":
					require.Equal(t, tc.reason, res.Thresholds[0].Reason)
				case tc.want == result.StatusUnknown:
					require.NotEmpty(t, res.Thresholds[0].Reason, "the figure is absent, and says so itself")
				default:
					require.Empty(t, res.Thresholds[0].Reason)
				}
			})
		})
	}
}

// The length of a run is the offset of its last record that is no packet: packets
// stand in the file in the order of their arrival, and bear the offset of their
// offer.
func TestWhatAHistorySays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := harness.Scenario{Name: "judged", Workload: harness.Workload{Payments: 1, Attempts: 5}}
		res, err := judge.History(written(t, hist(nil, sc), harness.Packet{At: time.Hour}), judge.Options{})
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, res.Took)
		require.Equal(t, []string{"bookings were matched by their reference"}, res.Notes)
		require.Len(t, res.Phases, 1)
		require.Equal(t, "test", res.Onebar)
		require.Equal(t, "judged", res.Scenario.Name)
	})
}

// A history whose header has no time is a history. A file without a record is empty.
func TestEmptyHistory(t *testing.T) {
	for name, tc := range map[string]struct {
		file, want string // want is the error; empty is none
	}{
		"no byte":       {"", "the file is empty: expected the history of a run"},
		"a blank line":  {"\n", "line 1: not a history record"},
		"a header only": {fmt.Sprintf(`{"at":0,"header":{"version":%d,"onebar":"test"}}`, history.Version) + "\n", ""},
		"no header":     {`{"at":1,"note":"no header"}` + "\n", "line 1: not the header"},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := judge.History(strings.NewReader(tc.file), judge.Options{})
			if tc.want != "" {
				require.ErrorContains(t, err, tc.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, result.StatusUnknown, res.Status)
			require.True(t, res.Started.IsZero())
		})
	}
}

// The recorded histories of package check have no time in their headers.
func TestHistoriesWithoutATime(t *testing.T) {
	files, err := filepath.Glob("../check/testdata/*.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		_, err := judge.File(f)
		if filepath.Base(f) == "unknown-lost-newer.jsonl" {
			require.ErrorContains(t, err, "the history has version 2")
			continue
		}
		require.NoError(t, err)
	}
}

// Options.Each is called with every record of the history, in order.
func TestEachRecordIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.must(t, scenario())
		require.NotNil(t, tr.records[0].Header)
		require.True(t, tr.end().LedgerRead)
		for i, r := range tr.records {
			require.Equal(t, i+1, r.Line)
		}
	})
}
