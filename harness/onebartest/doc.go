// Package onebartest tests a payment system written in Go, in an ordinary go test. It
// runs your own server and client, unchanged, over simulated bad networks in virtual
// time.
//
//	func TestPaymentsSurviveATunnel(t *testing.T) {
//		onebartest.Trial{Scenario: "tunnel", System: newSystem}.Run(t)
//	}
//
// You write a [System]: a function that serves on a listener, one that starts a client
// on a phone, and one that reads the ledger. net/http works in it unchanged, TLS
// included. A [Trial] names the scenario and has three methods:
//
//   - Run makes one run. It fails the test if a check or a threshold of the scenario
//     fails, or if the run cannot be judged.
//   - Sweep makes one run for each fault at each packet and each commit.
//   - Explore makes runs with many seeds, with the random faults of the scenario's
//     nemesis, or with default ones.
//
// Sweep and Explore shrink a failing run. The message of the test shows what happened to
// a payment, and names the seed and the scenario that repeat the run.
//
// # Where it runs
//
// Runs are made by child processes. A child is the same test binary, started with a
// -test.run for the calling test only. It reaches the same Trial, and makes there the
// runs that it is asked for on standard input. So a goroutine of the system that panics
// or hangs costs one run, all processors are used, and crypto/rand is seeded without an
// effect on the test's own process. The code before the Trial, in the test and in
// TestMain, runs in each child, too.
//
// In some cases the runs are made in this process, one after the other: with
// Trial.InProcess, in benchmarks and fuzz targets, and under -race, because a data race
// must fail the test.
//
// # What is simulated
//
// The time is that of a testing/synctest bubble, and begins at bubble.Epoch. The network
// is that of package simnet. docs/go-test.md says what works, and what hangs.
package onebartest
