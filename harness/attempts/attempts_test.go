package attempts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/attempts"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// Attempts are told apart by what ended them, and not by the addresses in an error.
func TestKinds(t *testing.T) {
	var a attempts.Attempts
	add := func(err, answer string) {
		a.Attempt(&harness.Attempt{Payment: "p1", Took: time.Second, Error: err, Answer: answer}, 0, time.Minute, 1)
	}
	for range 3 {
		add("", "HTTP 200")
	}
	add("read tcp 10.0.0.1:4711->10.0.0.2:443: i/o timeout", "")
	add("read tcp 10.0.0.9:4712->10.0.0.2:443: i/o timeout", "")
	add("ask the bank to pay c4baa9d5192ebe1668127b62047ebf27: the channel is closed", "")
	add("ask the bank to pay 0e8a5606b312fe839fad3fac4ba63400: the channel is closed", "")
	add("dial tcp [fd00::1]:443: connection refused", "")
	add("", "HTTP 503")
	add("", "")
	kinds, unexplained := a.Judge()
	require.Equal(t, []result.AttemptStat{
		{What: "HTTP 200", Count: 3},
		{What: "read tcp: i/o timeout", Failed: true, Count: 2, Unexplained: 2},
		{What: "ask the bank to pay: the channel is closed", Failed: true, Count: 2, Unexplained: 2},
		{What: "dial tcp: connection refused", Failed: true, Count: 1, Unexplained: 1},
		{What: "HTTP 503", Failed: true, Count: 1, Unexplained: 1},
		{What: "answered", Count: 1},
	}, kinds)
	require.Len(t, unexplained, 6)
}

// However many different errors there are, the list stays short.
func TestKindsAreBounded(t *testing.T) {
	var a attempts.Attempts
	for i := range 1000 {
		a.Attempt(&harness.Attempt{Payment: "p1", Error: fmt.Sprintf("error %d", i)}, 0, time.Minute, 1)
	}
	kinds, _ := a.Judge()
	require.LessOrEqual(t, len(kinds), attempts.MaxKinds)
	require.Equal(t, attempts.Others, kinds[0].What)
	sum := 0
	for _, k := range kinds {
		sum += k.Count
	}
	require.Equal(t, 1000, sum)
}

// What hinders one phone explains nothing of another, and a hindrance explains only the
// attempts that it overlaps.
func TestWhatHinders(t *testing.T) {
	const second = time.Second
	packet := func(client int, at, delay time.Duration, drop harness.DropReason) history.Record {
		return history.Record{Packet: &harness.Packet{At: at, Client: client, Delay: delay, Drop: drop}}
	}
	fault := func(at time.Duration, action harness.Action, ended bool) history.Record {
		return history.Record{At: at, Fault: &history.FaultNote{Action: action, Ended: ended}}
	}
	for name, tc := range map[string]struct {
		records []history.Record
		hinders bool // the attempt of client 1 from 10 s to 14 s
	}{
		"nothing":                       {nil, false},
		"a packet lost":                 {[]history.Record{packet(1, 11*second, 0, harness.DropLoss)}, true},
		"a packet of another phone":     {[]history.Record{packet(2, 11*second, 0, harness.DropLoss)}, false},
		"a packet lost before":          {[]history.Record{packet(1, 9*second, 0, harness.DropLoss)}, false},
		"a packet lost after":           {[]history.Record{packet(1, 15*second, 0, harness.DropLoss)}, false},
		"a slow packet":                 {[]history.Record{packet(1, 11*second, 600*time.Millisecond, harness.DropNone)}, true},
		"a slow packet on its way":      {[]history.Record{packet(1, 9*second, 2*second, harness.DropNone)}, true},
		"a quick packet":                {[]history.Record{packet(1, 11*second, 400*time.Millisecond, harness.DropNone)}, false},
		"in any order":                  {[]history.Record{packet(1, 30*second, 0, harness.DropLoss), packet(1, 11*second, 0, harness.DropLoss), packet(1, 20*second, 0, harness.DropLoss)}, true},
		"a fault":                       {[]history.Record{fault(12*second, harness.Crash, false), fault(13*second, harness.Crash, true)}, true},
		"a fault that does not end":     {[]history.Record{fault(2*second, harness.Blackhole, false), {At: 20 * second, Note: "x"}}, true},
		"a short fault just before":     {[]history.Record{fault(6*second, harness.Reset, false), fault(6*second, harness.Reset, true)}, true},
		"a short fault long before":     {[]history.Record{fault(4*second, harness.Reset, false), fault(4*second, harness.Reset, true)}, false},
		"a long fault before":           {[]history.Record{fault(0, harness.Blackhole, false), fault(6*second, harness.Blackhole, true)}, true},
		"a link that changes":           {[]history.Record{fault(12*second, harness.SetLink, false)}, false},
		"the machine was late for long": {[]history.Record{{At: 12 * second, Late: 600 * time.Millisecond}}, true},
		"the machine was late":          {[]history.Record{{At: 12 * second, Late: 50 * time.Millisecond}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var a attempts.Attempts
			for _, r := range tc.records {
				a.Add(&r)
			}
			a.Attempt(&harness.Attempt{Payment: "p1", Took: 4 * second, Error: "no answer in time"}, 1, 14*second, 7)
			_, unexplained := a.Judge()
			if tc.hinders {
				require.Empty(t, unexplained)
				return
			}
			require.Equal(t, []attempts.Failure{{Payment: "p1", What: "no answer in time", Took: 4 * second, Line: 7}}, unexplained)
		})
	}
}
