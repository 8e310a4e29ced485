// Package radio turns the packets of a phone into radio states, seconds and
// joules.
//
// A cellular radio is expensive for what happens around a packet, not for its
// bytes: it is promoted to a connected state, and stays there for seconds after
// the last packet, its tail. Published models describe this as a small state
// machine, and a [Model] is such a machine as data: read by [ReadModel] from a
// YAML file, or one of the bundled ones ([Bundled], [Lookup]), each with its
// source and how well that was confirmed.
//
//   - [Energy] runs a model over packets and returns a [Usage].
//   - A [Machine] does the same packet by packet, in constant memory, and can
//     tell every change of state.
//   - [Model.Account] also says what each payment cost: its own share, and its
//     marginal joules, which are those that had not been spent without it.
//
// The powers of the bundled models were measured on handsets of 2008 to 2013.
// Joules serve to compare one way of paying with another, not to predict the
// battery of a present phone.
//
// The package opens no files and knows no capture format: package pcap reads
// captures, and the onebar energy command joins the two. docs/energy.md is the
// reference of the file format and of every figure.
package radio
