package bench

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
)

// Tests are tests of a network, by their names. Each may use time as it likes: in a
// bubble time is virtual.
type Tests map[string]func(*B)

// Group is tests, by the names of what they are of.
type Group struct {
	AtOnce int // how many run at a time, in real time
	Tests  map[string]Tests
}

// Run runs groups one after the other, and fails if a test leaves a goroutine. An
// engine in virtual time runs each test in a bubble of testing/synctest. One in real
// time has to run networks at once that do not know of each other.
func Run(t *testing.T, e harness.Engine, groups ...Group) {
	t.Helper()
	if !e.Abilities().Has(harness.VirtualTime) { // in a bubble synctest sees to it
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, before) })
	}
	for _, group := range groups {
		free := make(chan struct{}, group.AtOnce)
		var running sync.WaitGroup
		for name, tests := range group.Tests {
			running.Go(func() {
				t.Run(name, func(t *testing.T) { runAll(t, e, tests, free) })
			})
		}
		running.Wait()
	}
}

// runAll runs tests: in real time so many at once as free has places.
func runAll(t *testing.T, e harness.Engine, tests Tests, free chan struct{}) {
	t.Helper()
	var running sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		run := tests[name]
		if e.Abilities().Has(harness.VirtualTime) {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { run(New(t, e)) })
			})
			continue
		}
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			t.Run(name, func(t *testing.T) { run(New(t, e)) })
		})
	}
	running.Wait()
}
