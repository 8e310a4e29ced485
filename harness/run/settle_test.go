package run_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// linger is how long a run waits at least after the last final outcome, on a link
// without delay.
const linger = 500 * time.Millisecond

// A sender that doubled its timer in an outage may retransmit as long after it as it
// lasted. The ledger is read after that, at most Settle after the script.
func TestSettleWaitsForWhatAnOutageHeldUp(t *testing.T) {
	outage := func(at, length time.Duration, d harness.Direction) harness.Event {
		return harness.Event{At: at, For: length, Action: harness.Blackhole, Direction: d}
	}
	far := harness.Path{Delay: 300 * time.Millisecond, Jitter: 20 * time.Millisecond}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		link     harness.Profile
		settle   time.Duration
		want     time.Duration // when the ledger is read
	}{
		"no outage":                                       {settle: 30 * second, want: 10*second + linger},
		"one long before the end":                         {timeline: []harness.Event{outage(second, 2*second, 0)}, settle: 30 * second, want: 10*second + linger},
		"one that may still be felt":                      {timeline: []harness.Event{outage(second, 8*second, 0)}, settle: 30 * second, want: 17*second + linger},
		"of the uplink":                                   {timeline: []harness.Event{outage(second, 8*second, harness.Up)}, settle: 30 * second, want: 17*second + linger},
		"one that lasts to the end":                       {timeline: []harness.Event{{At: 4 * second, Action: harness.Blackhole}}, settle: 30 * second, want: 16*second + linger},
		"one that a heal ends":                            {timeline: []harness.Event{{At: second, Action: harness.Blackhole}, {At: 9 * second, Action: harness.Heal}}, settle: 30 * second, want: 17*second + linger},
		"longer than the settle":                          {timeline: []harness.Event{outage(second, 8*second, 0)}, settle: 3 * second, want: 13*second + linger},
		"another fault holds nothing up":                  {timeline: []harness.Event{{At: second, For: 8 * second, Action: harness.Refuse}}, settle: 30 * second, want: 10*second + linger},
		"packets that are on the air":                     {link: harness.Profile{Name: "edge", Up: far, Down: far}, settle: 30 * second, want: 10*second + linger + 1280*time.Millisecond},
		"a short one may lie between two retransmissions": {timeline: []harness.Event{outage(second, 7*second, 0), outage(9*second, second/10, 0)}, settle: 30 * second, want: 17*second + second/5 + linger},
		"one that nobody waits for any more":              {timeline: []harness.Event{outage(second, second, 0), outage(7*second, 2*second, 0)}, settle: 30 * second, want: 11*second + linger},
		"two that overlap are one":                        {timeline: []harness.Event{outage(second, 5*second, 0), outage(5*second, 4*second, 0)}, settle: 30 * second, want: 17*second + linger},
		"one within another":                              {timeline: []harness.Event{outage(second, 8*second, 0), outage(5*second, second, 0)}, settle: 30 * second, want: 17*second + linger},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				var read time.Duration
				tr.reading = func(*bench) { read = tr.since() }
				sc := scenario()
				sc.Timeline, sc.Settle = tc.timeline, tc.settle
				if tc.link.Name != "" {
					sc.Link = tc.link
				}
				tr.must(t, sc)
				require.Equal(t, tc.want, read)
				require.True(t, tr.end().Settled)
			})
		})
	}
}

// A payment without a final outcome is waited for, at most Settle, or until somebody
// has enough.
func TestSettleWaitsForThePayers(t *testing.T) {
	for name, tc := range map[string]struct {
		answers time.Duration // of the payment that takes long; 0 is never
		enough  time.Duration // 0 is never
		want    time.Duration
		gives   bool // the app of the payment that never comes gives up
		settled bool
	}{
		"it comes":            {answers: 13 * second, want: 13*second + linger, settled: true},
		"it never comes":      {want: 20*second + linger},
		"its app gives up":    {answers: 13 * second, gives: true, want: 13*second + linger},
		"somebody has enough": {enough: 12 * second, want: 12*second + linger},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				if tc.answers == 0 {
					tr.hangs = "p3"
				}
				tr.book = func(b *bench, p harness.Payment) {
					if p.ID == "p3" {
						time.Sleep(tc.answers - time.Since(b.begin))
					}
					if p.ID == "p3" && tc.gives {
						b.observer.Told(harness.Told{Payment: p.ID, GivenUp: true})
						return
					}
					b.post(p)
					b.observer.Committed(p.ID)
					b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
				}
				if tc.enough > 0 {
					enough := make(chan struct{})
					tr.options.Enough = enough
					tr.at(tc.enough, func() { close(enough) })
				}
				var read time.Duration
				tr.reading = func(*bench) { read = tr.since() }
				tr.must(t, scenario())
				require.Equal(t, tc.want, read)
				require.Equal(t, tc.settled, tr.end().Settled)
			})
		})
	}
}
