// Package outbox is the durable queue of a wallet: every payment its user has
// asked for, what has become of it, and each attempt to get it through.
//
// Read it in this order: [State] says what a payment can be and what may follow;
// [Payment] and [Attempt] are the rows; [Store] keeps them in an SQLite file.
// Nothing here knows a network: package wallet does.
//
// # Damage
//
// A queue that shows another history than it was given is worse than none: its
// user pays twice, or believes to have paid. So damage is an error that names the
// file, and never another history:
//
//   - The opening holds every page and index against the others, and the tables
//     against those that were made.
//   - Each row has a checksum over all its columns, compared at every read: the
//     first eight bytes of a SHA-256. It is against accidents. Who can write to the
//     file can compute it, too; what the bank said has its signature, which
//     Config.Verify looks at.
//   - A log that lost its end is a shorter history, and a sound one. So how far
//     the queue has come is noted in a file beside it, NAME-mark, once it is
//     durable. A queue that has not come as far is refused. The note itself is not
//     synced: after a power failure it may say less than the truth, never more. An
//     older copy put back in place of the queue is refused as well.
package outbox
