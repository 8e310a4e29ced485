// Package enginetest says whether an engine keeps the contract of harness.Network,
// harness.Host and harness.LinkWatcher: what the walk, the subjects and the checks
// rely on. An engine's own tests call [Test], and test only what is the engine's own
// beside it.
package enginetest

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
)

// Config is an engine and what it cannot do.
type Config struct {
	Engine harness.Engine
	// Virtual runs each test in a bubble of testing/synctest: no test then takes
	// real time, and times are exact.
	Virtual bool
	// Streams is an engine that sees byte streams only. It has no packets to lose,
	// hosts are at 127.0.0.1, and its connections are the kernel's. Of an engine
	// without Streams the server is at 10.0.0.1 and client i at 10.1.x.y.
	Streams bool
	// Refused are the faults that Inject refuses, beside those that are of no
	// network. The engine's error names them.
	Refused []harness.Action
}

// can reports whether the engine does a fault.
func (c Config) can(a harness.Action) bool { return !slices.Contains(c.Refused, a) }

// test is one test of the suite. What it runs may use time as it likes: in a bubble
// time is virtual.
type test struct {
	name string
	run  func(*bench)
}

// Test runs the suite, and fails if it leaves a goroutine. Tests that take over a
// second in real time honour testing.Short. An engine in real time has to run
// networks at once that do not know of each other.
func Test(t *testing.T, c Config) {
	t.Helper()
	if !c.Virtual { // in a bubble synctest sees to it
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, before) })
	}
	for _, group := range []struct {
		atOnce int // in real time
		tests  map[string][]test
	}{
		{1, map[string][]test{"ports": ports()}},                       // no other test may take one
		{4, map[string][]test{"direct": direct(t), "close": closes()}}, // keep the cores busy
		{16, map[string][]test{ // wait
			"connections": connections(c), "faults": faults(c), "watch": watches(c), "after": afters(c),
		}},
	} {
		free := make(chan struct{}, group.atOnce)
		var running sync.WaitGroup
		for name, tests := range group.tests {
			running.Go(func() {
				t.Run(name, func(t *testing.T) { c.runAll(t, tests, free) })
			})
		}
		running.Wait()
	}
}

// runAll runs tests: in real time so many at once as free has places.
func (c Config) runAll(t *testing.T, tests []test, free chan struct{}) {
	t.Helper()
	var running sync.WaitGroup
	for _, x := range tests {
		if c.Virtual {
			t.Run(x.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { x.run(newBench(t, c)) })
			})
			continue
		}
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			t.Run(x.name, func(t *testing.T) { x.run(newBench(t, c)) })
		})
	}
	running.Wait()
}
