// Package metric turns a history into figures, and figures into the answer to a
// threshold.
//
// Every figure is an entry of the [Catalogue]: its name, its unit, what it
// counts and when it is absent. A [Collector] is fed the records of a history
// one by one and returns the figures, what the packets of each phase really
// met, and what each event of the timeline hit. [Parse] reads a threshold such
// as
//
//	p95(confirm) < 20s
//
// against the same catalogue, so a mistyped name or a duration where bytes are
// wanted is found before the run, and [Evaluate] compares. A threshold may be
// of the phases of one name, as p95(confirm, phase: tunnel): the Collector reads
// the expectations in the header to know which of those figures to give.
//
// Joules come from package radio: the Collector keeps what crossed the air of
// each phone, finds the payment each packet belongs to, and has a radio model
// make the account. docs/metrics.md defines every figure.
//
// A payment, here, is what the user wanted to pay: an order. However often the
// user presses pay for it, it is one payment; the presses are counted apart.
// What was not measured in a run is absent from the figures, never 0, and a
// threshold on it is unknown, never passed.
package metric
