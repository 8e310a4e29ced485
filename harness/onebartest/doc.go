// Package onebartest puts a payment system written in Go to the test in an
// ordinary go test: it runs the team's own server and client, unmodified, over
// simulated bad networks in virtual time.
//
//	func TestPaymentsSurviveATunnel(t *testing.T) {
//		onebartest.Trial{Scenario: "tunnel", System: newSystem}.Run(t)
//	}
//
// A [System] is what the team hands over: a function that serves on a listener, one
// that starts a client on a phone, and one that reads the ledger. net/http works in
// it as it is, TLS included. A [Trial] names the scenario and has three methods:
//
//   - Run makes one run and fails the test if a check fails, or an expectation of
//     the scenario, or if nothing could be said;
//   - Sweep tries every single fault at every packet and every commit;
//   - Explore makes runs of many seeds, with the random faults of the scenario's
//     nemesis section, or of one of its own.
//
// What fails is made smaller, told payment by payment, and named with the seed and
// the scenario that show it again.
//
// # Where it runs
//
// Runs are made by child processes: this test binary again, with a -test.run that
// names the calling test only. It comes to the same Trial, and there does what it is
// asked on standard input. So a panic in a goroutine of the system, or one that
// hangs, costs one run, all processors are used, and crypto/rand is seeded without
// touching the test's own process. What stands before the Trial in the test, and in
// TestMain, runs in each child, too.
//
// With Trial.InProcess, in benchmarks and fuzz targets, and under -race, whose
// findings must fail the test, runs are made in this process one after the other.
//
// # What is simulated
//
// Time is that of a testing/synctest bubble and begins at bubble.Epoch, the network
// that of package simnet. docs/go-test.md says what works, and what hangs.
package onebartest
