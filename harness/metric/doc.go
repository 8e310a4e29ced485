// Package metric turns a history into figures.
//
// Every figure is an entry of the [Catalogue]: its name, its unit, what it
// counts and when it is absent. A [Collector] is fed the records of a history
// one by one and returns the figures, what happened to the packets of each phase,
// and what each event of the timeline hit. Package threshold compares figures with
// expectations.
//
// Joules come from package radio: the Collector keeps the packets that each phone sent
// or received, finds the payment each packet belongs to, and a radio model computes the
// energy. docs/metrics.md defines every figure.
//
// A payment, here, is what the user wanted to pay: an order. However often the
// user presses pay for it, it is one payment; the presses are counted apart.
// A figure that was not measured in a run is absent, never 0.
package metric
