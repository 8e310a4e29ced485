// Package sqlite keeps the state of one owner in an SQLite file: the wallet's queue and the
// bank's ledger. Only this package of the pair knows SQLite.
//
// Read it in this order: [Store] has Update and View, which run a transaction ([Tx]), with
// group commit; [Config] has the file and its durability; [Reader] reads a file while
// another program writes it, or on a read-only disk.
package sqlite
