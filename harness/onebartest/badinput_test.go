package onebartest_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// impatient is how long virtual time may stand still in these tests.
const impatient = 500 * time.Millisecond

// paying is the wallet service with another client.
func paying(client func(context.Context, *onebartest.Phone, onebartest.Pay) onebartest.Pay) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		s, err := wiring{}.system(b)
		inner := s.Client
		s.Client = func(ctx context.Context, p *onebartest.Phone) onebartest.Pay { return client(ctx, p, inner(ctx, p)) }
		return s, err
	}
}

// button is a client that is nothing but its button.
func button(pay onebartest.Pay) func(*onebartest.Bench) (onebartest.System, error) {
	return paying(func(context.Context, *onebartest.Phone, onebartest.Pay) onebartest.Pay { return pay })
}

func never(context.Context, harness.Payment) (harness.Outcome, error) {
	<-make(chan int)
	return harness.Confirmed, nil
}

func giveUp(context.Context, harness.Payment) (harness.Outcome, error) {
	return 0, errors.New("no network")
}

// A system that cannot live in virtual time costs its run, and the test says who is
// to blame and what to do.
func TestBadSystems(t *testing.T) {
	needsWorkers(t)
	outside, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer outside.Close()
	for name, c := range map[string]struct {
		system func(*onebartest.Bench) (onebartest.System, error)
		want   []string
	}{
		"blocks for ever": {button(never), []string{
			"deadlock: ", "onebartest_test.never (badinput_test.go:", "hint: Serve, and every Pay, has to return when its ctx ends",
		}},
		"gives up": {button(giveUp), []string{
			"unresolved: 45 payments without a final outcome", "is still unknown after the settle",
			"w7 presses pay", "the user is told unknown: no network",
		}},
		"panics in a goroutine": {button(func(ctx context.Context, _ harness.Payment) (harness.Outcome, error) {
			go faint()
			<-ctx.Done()
			return 0, ctx.Err()
		}), []string{"panic: runtime error: integer divide by zero", "onebartest_test.faint (badinput_test.go:"}},
		"leaves a goroutine": {paying(func(_ context.Context, _ *onebartest.Phone, pay onebartest.Pay) onebartest.Pay {
			go poll()
			return pay
		}), []string{"leak: goroutines are left", "time.Sleep, called by", "onebartest_test.poll (badinput_test.go:", "has to end when their ctx ends"}},
		"uses the real network": {button(func(ctx context.Context, p harness.Payment) (harness.Outcome, error) {
			return overTheRealNetwork(ctx, outside.Addr().String())
		}), []string{
			"stall: virtual time has stood still for 500ms", "net.(*conn).Read, called by",
			"onebartest_test.overTheRealNetwork (badinput_test.go:", "dial with Phone.DialContext",
		}},
		"serves on the real network": {func(b *onebartest.Bench) (onebartest.System, error) {
			s, err := wiring{}.system(b)
			s.Serve = serveElsewhere
			return s, err
		}, []string{"stall: ", "called by\n      onebartest_test.serveElsewhere (badinput_test.go:", "serve on the listener that Serve is given"}},
		"holds a mutex over a request": {overtaking(), []string{
			"stall: ", "[sync.Mutex.Lock]", "overtaking.", "Give the mutex up before waiting",
		}},
		"its server ends": {func(b *onebartest.Bench) (onebartest.System, error) {
			s, err := wiring{}.system(b)
			s.Serve = func(context.Context, net.Listener) error { return errors.New("no licence") }
			return s, err
		}, []string{"the run could not be carried out: the server ended 0s into the run, before the ctx of Serve did: no licence"}},
		"its server goes on": {func(b *onebartest.Bench) (onebartest.System, error) {
			s, err := wiring{}.system(b)
			serve := s.Serve
			s.Serve = func(ctx context.Context, l net.Listener) error {
				err := serve(ctx, l)
				time.Sleep(time.Minute)
				return err
			}
			return s, err
		}, []string{"restart the server: the server still runs 10s after its listener was closed and the ctx of Serve had ended"}},
	} {
		t.Run(name, func(t *testing.T) {
			scenario := "edge"
			if name == "its server goes on" {
				scenario = "crash"
			}
			message := failure(t, onebartest.Trial{Scenario: scenario, System: c.system}.Stalling(impatient).Run)
			require.Contains(t, message, scenario+", seed 1: ")
			for _, want := range c.want {
				require.Contains(t, message, want)
			}
			require.Contains(t, message, `again: onebartest.Trial{Scenario: "`+scenario+`", Seed: 1, System: …}.Run(t)`)
		})
	}
}

// faint panics.
func faint() {
	var wallets []int
	_ = 1 / len(wallets)
}

// poll never ends.
func poll() {
	for {
		time.Sleep(time.Hour)
	}
}

func overTheRealNetwork(ctx context.Context, address string) (harness.Outcome, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1))
	return 0, err
}

func serveElsewhere(context.Context, net.Listener) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, err = l.Accept()
	return err
}

// overtaking is a client that makes one request at a time, by a mutex.
func overtaking() func(*onebartest.Bench) (onebartest.System, error) {
	return paying(func(_ context.Context, _ *onebartest.Phone, pay onebartest.Pay) onebartest.Pay {
		var one sync.Mutex
		return func(ctx context.Context, p harness.Payment) (harness.Outcome, error) {
			one.Lock()
			defer one.Unlock()
			return pay(ctx, p)
		}
	})
}

// Seeds that go wrong cost only themselves.
func TestExploreGoesOn(t *testing.T) {
	needsWorkers(t)
	message := failure(t, onebartest.Trial{Scenario: matatu, Seeds: 30, System: paying(
		func(_ context.Context, p *onebartest.Phone, pay onebartest.Pay) onebartest.Pay {
			if p.Rand.IntN(20) == 0 {
				go faint()
			}
			return pay
		},
	)}.Explore)
	require.Regexp(t, `30 runs in .*: [12]\d passed, 0 failed, 0 unknown, [1-9]\d? broken`, message)
	require.Regexp(t, `broken +in \d+ of 30 runs, first with seed \d+: panic: runtime error: integer divide by zero`, message)
	require.Contains(t, message, "onebartest_test.faint (badinput_test.go:")
	require.Contains(t, again(t, message), "name: matatu-broken")
}

// A failure that does not come again is told, and why.
func TestFailureThatDoesNotRepeat(t *testing.T) {
	var ran atomic.Int64 // lives from run to run
	message := failure(t, onebartest.Trial{Scenario: "edge", Seed: 2, InProcess: true, System: func(b *onebartest.Bench) (onebartest.System, error) {
		flaw := keyPerAttempt
		if ran.Add(1) > 1 {
			flaw = ""
		}
		return wiring{flaw: flaw}.system(b)
	}}.Explore)
	require.Contains(t, message, "a second run of the seed did not fail so: the order of what this system does at one instant is left to the scheduler")
}

// A worker that does not come to the Trial is a failure that says so.
func TestTrialThatWorkersDoNotReach(t *testing.T) {
	needsWorkers(t)
	if isWorker() {
		return
	}
	message := failure(t, onebartest.Trial{Scenario: "edge", System: wiring{}.system}.Run)
	require.Contains(t, message, "its process ended without an answer (exit status 0)")
	require.Contains(t, message, "it has to come to this Trial there, too")
}
