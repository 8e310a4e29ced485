package onebartest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// frozen freezes some phones of ten for more than a minute, while the answers to what they
// have just asked are lost. The others go on.
func frozen(share float64) []harness.Event {
	return []harness.Event{
		{At: 10 * time.Second, For: 8 * time.Second, Action: harness.Blackhole, Direction: harness.Down, Wallets: share},
		{At: 10 * time.Second, For: 70 * time.Second, Action: harness.Freeze, Side: harness.Client, Wallets: share},
	}
}

// Half of the phones are frozen: what they do is seen when they go on. An app that then gives
// up although the server has booked is found.
func TestSomePhonesAreFrozen(t *testing.T) {
	x := onebartest.Trial{Scenario: "testdata/frozen.yaml", System: clocked(""), Events: frozen(0.5)}
	x.Run(t)
	flawed := onebartest.Trial{Scenario: "testdata/frozen.yaml", System: clocked(timeoutByWallClock)}
	flawed.Run(t) // nothing freezes
	flawed.Events = frozen(0.5)
	require.Regexp(t, `(?s)presses pay.*10\.000s  -- freeze of the client\n.*82\.000s  the user is told failed\n`, failure(t, flawed.Run))
}

// The frozen phone holds up TLS over HTTP/1.1 and HTTP/2, and no other.
func TestOnePhoneIsFrozenOverTLS(t *testing.T) {
	for name, w := range map[string]wiring{"http1": {}, "http2": {http2: true}} {
		t.Run(name, func(t *testing.T) {
			onebartest.Trial{Scenario: "testdata/frozen.yaml", System: w.system, Events: frozen(0.1)}.Run(t)
		})
	}
}

// Single phones and shares of them crash and start again, while others pay. An app that
// forgets its payments is found.
func TestSomePhonesCrash(t *testing.T) {
	two := 2
	x := onebartest.Trial{Scenario: "testdata/clock.yaml", System: durable(false), Events: []harness.Event{
		{At: 5 * time.Second, Action: harness.Crash, Side: harness.Client, Wallets: 0.3, Restart: 4 * time.Second},
		{At: 15 * time.Second, Action: harness.Crash, Side: harness.Client, Wallet: &two, Restart: 20 * time.Second},
		{At: 20 * time.Second, Action: harness.Freeze, Side: harness.Client, Wallets: 0.5, For: 25 * time.Second},
		{At: 25 * time.Second, Action: harness.Crash, Side: harness.Client, Wallets: 0.5, Restart: 4 * time.Second},
	}}
	x.Run(t)
	x.System = durable(true)
	require.Contains(t, failure(t, x.Run), "lost: ")
}

// An app that does not restart is refused for one phone as for all.
func TestOnePhoneCannotCrash(t *testing.T) {
	zero := 0
	x := onebartest.Trial{Scenario: "testdata/clock.yaml", System: clocked(""), InProcess: true, Events: []harness.Event{
		{Action: harness.Crash, Side: harness.Client, Wallet: &zero, Restart: time.Second},
	}}
	require.Contains(t, failure(t, x.Run), "the subject has no way to crash one wallet alone")
}
