// Package harness holds the nouns of onebar and the interfaces between its parts.
// Every other package uses them. What happened in a run is in package history; what
// is said of a run is in package result.
//
// Read it in this order:
//
//   - A [Scenario] is one experiment, complete: who pays whom ([Workload]),
//     over what link ([Profile], two [Path]s), and what goes wrong when (its
//     timeline of [Event]s).
//   - An [Engine] opens a [Network]: a server [Host] and a host per payer, each
//     payer joined to the server by an impaired link of its own.
//   - A [Subject] is the payment system under test. It runs both sides on a
//     Network, hands back [Payer]s, and lets its [Ledger] be read out of band.
//   - A [Payment] is what the user asked, an [Outcome] what the payer was told,
//     a [Posting] what the ledger holds. onebar exists because the three can
//     differ.
//   - Everything that happens becomes a record of the history (package history),
//     with its offset from the start of the run. A history is the only input of a
//     check.
//   - A check gives a verdict, a threshold an outcome, and the whole run a result
//     (package result). A result is the only input of a report.
//
// Times are offsets from the start of the run unless they say otherwise; money
// is in minor units; rates are in bit/s; sizes are in bytes; shares and
// probabilities lie between 0 and 1.
package harness
