// Package sqlite keeps the state of one owner in an SQLite file: the wallet's
// queue and the bank's ledger. It is the one place of the pair that knows
// SQLite.
//
// Read it in this order: [Store] is Update and View of a transaction ([Tx]), with
// group commit; [Config] says which file it is and how durable; [Reader] reads a
// file beside the program that writes it, and from a disk that cannot be written.
// Package storetest is the conformance suite of Store.
package sqlite
