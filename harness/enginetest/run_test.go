package enginetest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// Tests are tests of a network, by their names. Each may use time as it likes: in a
// bubble time is virtual.
type Tests map[string]func(*bench.B)

// Group is tests, by the names of what they are of.
type Group struct {
	AtOnce int // how many run at a time, in real time
	Tests  map[string]Tests
}

// runGroups runs groups one after the other, and fails if a test leaves a goroutine. An
// engine in virtual time runs each test in a bubble of testing/synctest. One in real
// time has to run networks at once that do not know of each other.
func runGroups(t *testing.T, e harness.Engine, groups ...Group) {
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
				synctest.Test(t, func(t *testing.T) { run(bench.New(t, e)) })
			})
			continue
		}
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			t.Run(name, func(t *testing.T) { run(bench.New(t, e)) })
		})
	}
	running.Wait()
}

// does reports whether an engine does a fault of the network.
func does(e harness.Engine, a harness.Action) bool {
	can := e.Abilities()
	switch a {
	case harness.Rebind:
		return can.Has(harness.RebindClients)
	case harness.Vanish:
		return can.Has(harness.CutPower)
	case harness.CrossTraffic:
		return can.Has(harness.SendCrossTraffic)
	case harness.StreamToxic:
		return can.Has(harness.PutToxics)
	default:
		return true
	}
}

// abort ends c by a reset.
func abort(c net.Conn) error {
	if err := c.(interface{ SetLinger(seconds int) error }).SetLinger(0); err != nil {
		return err
	}
	return c.Close()
}

// receive reads up to the end of the stream, which must be want.
func receive(c net.Conn, want []byte) error {
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(want, got) {
		err = fmt.Errorf("got %d bytes, want %d others", len(got), len(want))
	}
	return err
}

// dropped matches a packet that was lost while the network was open.
func dropped(p harness.Packet) bool {
	return p.Drop != harness.DropNone && p.Drop != harness.DropStopped
}

// dropFor matches the packets that were lost for a reason.
func dropFor(reason harness.DropReason) func(harness.Packet) bool {
	return func(p harness.Packet) bool { return p.Drop == reason }
}
