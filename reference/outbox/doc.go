// Package outbox is the durable queue of a wallet: every payment its user has
// asked for, what has become of it, and each attempt to get it through.
//
// Read it in this order: [State] says what a payment can be and what may follow;
// [Payment] and [Attempt] are the rows; [Store] keeps them in an SQLite file.
// Nothing here knows a network: package wallet does.
package outbox
