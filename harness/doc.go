// Package harness holds the nouns of onebar and the seams between its parts. It
// imports the standard library only, and every other package speaks in its
// terms.
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
//   - Everything that happens becomes a [Record] of the history, with its offset
//     from the start of the run. A history is the only input of a check.
//   - A check answers with a [Verdict], a threshold with a [Threshold], and the
//     whole run with a [Result], the only input of a report.
//
// Times are offsets from the start of the run unless they say otherwise; money
// is in minor units; rates are in bit/s; sizes are in bytes; shares and
// probabilities lie between 0 and 1.
package harness
