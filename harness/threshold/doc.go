// Package threshold parses the expectations of a scenario and compares them with figures.
//
// [Parse] reads a threshold such as
//
//	p95(confirm) < 20s
//	p95(confirm, phase: tunnel) < 20s
//
// against the catalogue of package metric, so a mistyped name, or a duration where bytes
// are expected, is found before the run. [Evaluate] compares. A threshold whose figure
// is absent is unknown, never passed. [Doubt] makes a threshold unknown if a busy machine
// could have changed its result.
package threshold
