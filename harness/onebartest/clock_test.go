package onebartest_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// What a server and its client can do by the time of day, where they should measure how
// long it has been.
const (
	keysByWallClock    = "forgets a key an hour after its booking, by the wall clock"
	timeoutByWallClock = "gives a payment up a minute after the press, by the wall clock"
	pauseByWallClock   = "tries again when the wall clock shows it"
)

// clocked is the System of a server that keeps keys for an hour, and of a client that gives
// payments up after ten minutes: by the clocks that a flaw names, else by time that has passed.
func clocked(flaw string) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		var mu sync.Mutex
		var postings []harness.Posting
		keys := map[string]time.Time{}
		now := time.Now
		if flaw == keysByWallClock {
			now = b.Now
		}
		book := func(p harness.Payment) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			if at, ok := keys[p.ID]; !ok || now().Sub(at) > time.Hour {
				keys[p.ID] = now()
				postings = append(postings, harness.Posting{
					ID: fmt.Sprint("t", len(postings)+1), Payment: p.ID, Order: p.Order,
					Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency,
				})
			}
			return "ok", nil
		}
		return onebartest.System{
			ServerClock: true, ClientClock: true,
			Serve: func(_ context.Context, l net.Listener) error { return serveJSON(l, book) },
			Client: func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
				return clockedApp{p, flaw}.pay
			},
			Ledger: func(context.Context) (harness.Ledger, error) {
				mu.Lock()
				defer mu.Unlock()
				return harness.Ledger{Postings: postings}, nil
			},
		}, nil
	}
}

// clockedApp is the client of clocked.
type clockedApp struct {
	phone *onebartest.Phone
	flaw  string
}

func (a clockedApp) pay(ctx context.Context, p harness.Payment) (harness.Outcome, error) {
	now, limit := time.Now, 10*time.Minute
	if a.flaw == timeoutByWallClock {
		now, limit = a.phone.Now, time.Minute
	}
	for began := now(); now().Sub(began) < limit; a.pause(ctx) {
		if _, err := ask(ctx, 3*time.Second, a.phone.DialContext, "server", p); err == nil {
			return harness.Confirmed, nil
		} else if ctx.Err() != nil {
			return harness.OutcomeUnknown, err
		}
	}
	return harness.Failed, nil
}

// pause waits two seconds before the next attempt.
func (a clockedApp) pause(ctx context.Context) {
	if a.flaw != pauseByWallClock {
		time.Sleep(2 * time.Second)
		return
	}
	for due := a.phone.Now().Add(2 * time.Second); a.phone.Now().Before(due) && ctx.Err() == nil; {
		time.Sleep(100 * time.Millisecond)
	}
}

// answersLost hides the answers from second 4 to 32, and has an event of a clock from second
// 8 on: until after the outage, or as long as it says.
func answersLost(clock harness.Event) []harness.Event {
	clock.At, clock.For, clock.Action = 8*time.Second, cmp.Or(clock.For, 36*time.Second), harness.Clock
	return []harness.Event{{At: 4 * time.Second, For: 28 * time.Second, Action: harness.Blackhole, Direction: harness.Down}, clock}
}

// Clocks that jump and drift do nothing to a system that measures time, and each way to use
// the time of day instead is found.
func TestClocks(t *testing.T) {
	for name, tc := range map[string]struct {
		flaw   string
		events []harness.Event
		want   string // what it fails with; empty is nothing
	}{
		"server ahead":                   {"", answersLost(harness.Event{Side: harness.Server, By: 2 * time.Hour}), ""},
		"server behind":                  {"", answersLost(harness.Event{Side: harness.Server, By: -2 * time.Hour}), ""},
		"server drifts":                  {"", answersLost(harness.Event{Side: harness.Server, Drift: time.Hour}), ""},
		"client ahead":                   {"", answersLost(harness.Event{Side: harness.Client, By: 5 * time.Minute}), ""},
		"client behind":                  {"", answersLost(harness.Event{Side: harness.Client, By: -5 * time.Minute}), ""},
		keysByWallClock:                  {keysByWallClock, answersLost(harness.Event{Side: harness.Server, By: 2 * time.Hour}), "duplicated: "},
		keysByWallClock + ": little":     {keysByWallClock, answersLost(harness.Event{Side: harness.Server, By: 30 * time.Minute}), ""},
		timeoutByWallClock:               {timeoutByWallClock, answersLost(harness.Event{Side: harness.Client, By: 5 * time.Minute}), "contradicted: "},
		timeoutByWallClock + ": little":  {timeoutByWallClock, answersLost(harness.Event{Side: harness.Client, By: 5 * time.Second}), ""},
		timeoutByWallClock + ": another": {timeoutByWallClock, answersLost(harness.Event{Side: harness.Server, By: 5 * time.Minute}), ""},
		pauseByWallClock:                 {pauseByWallClock, answersLost(harness.Event{Side: harness.Client, By: 5 * time.Minute, For: 22 * time.Second}), "unresolved: "},
	} {
		t.Run(name, func(t *testing.T) {
			x := onebartest.Trial{Scenario: "testdata/clock.yaml", System: clocked(tc.flaw), Events: tc.events}
			if tc.want == "" {
				x.Run(t)
				return
			}
			require.Contains(t, failure(t, x.Run), tc.want)
		})
	}
}

// A system that takes no clock is refused, with what it lacks.
func TestNoClock(t *testing.T) {
	for side, want := range map[harness.Side]string{
		harness.Server: "has no way to change the clock of the server (the reference bank has one, and a Go System with ServerClock): remove the event",
		harness.Client: "has no way to change the clock of the client (the reference wallet has one, and a Go System with ClientClock): remove the event",
	} {
		x := onebartest.Trial{Scenario: "testdata/clock.yaml", System: banked(""), Events: answersLost(harness.Event{Side: side, By: time.Minute}), InProcess: true}
		require.Contains(t, failure(t, x.Run), want)
	}
}
