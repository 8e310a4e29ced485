// Package enginetest tests whether the engines keep the contract of harness.Network,
// harness.Host and harness.LinkWatcher: what the walk, the subjects and the checks rely on.
// An engine's own tests test only what is the engine's own beside it. It compares a
// connection over a perfect link with one of the kernel, and a network on which a fault has
// ended with one that has had none.
package enginetest

import (
	"testing"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/simnet"
	"github.com/onebar/onebar/harness/toxi"
)

// Each test of an engine fails if it leaves a goroutine.
func TestPacket(t *testing.T)           { testEngine(t, packet.Engine{}) }
func TestSim(t *testing.T)              { testEngine(t, simnet.Engine{}) }
func TestToxiproxy(t *testing.T)        { testEngine(t, toxi.Engine{}) }
func TestToxiproxyInFront(t *testing.T) { testEngine(t, toxi.InFrontOf(packet.Engine{})) }

// testEngine runs the suite. The engine's abilities say which tests are of it. Tests that
// take over a second in real time honour testing.Short. An engine in real time has to run
// networks at once that do not know of each other. Hosts of an engine without CarryPackets
// are at 127.0.0.1; else the server is at 10.0.0.1 and client i at 10.1.x.y.
func testEngine(t *testing.T, e harness.Engine) {
	t.Helper()
	runGroups(t, e,
		Group{AtOnce: 1, Tests: map[string]Tests{"ports": ports(), "timings": timings(e)}},     // no other test may take a port, or time
		Group{AtOnce: 4, Tests: map[string]Tests{"direct": directTests(t), "close": closes()}}, // keep the cores busy
		Group{AtOnce: 16, Tests: map[string]Tests{ // wait
			"abilities": abilities(), "connections": connections(e), "faults": faults(e), "watch": watches(e), "after": afterFaults(e), "hosts": hosts(e), "one phone": phones(e),
		}},
	)
}
