// Package outbox is the durable queue of a wallet: every payment that its user has
// requested, its state, and each attempt.
//
// Read it in this order: [State] says what a payment can be and what may follow;
// [Payment] and [Attempt] are the rows; [Store] keeps them in an SQLite file.
// Nothing here knows a network: package wallet does.
//
// # Damage
//
// A queue with a wrong history is worse than no queue: its user pays twice, or believes
// that a payment was made. So damage is an error that names the file:
//
//   - Opening a queue compares all pages and indexes with one another, and the tables
//     with the schema.
//   - Each row has a checksum over all its columns, the first eight bytes of a SHA-256,
//     which every read compares. It detects accidents. An attacker who can write to the
//     file can also compute it; but the bank's answers are signed, and Config.Verify
//     verifies them.
//   - A log that lost its end is a valid but shorter history. So the number of durable
//     changes is written to a file beside the queue, NAME-mark. A queue with fewer
//     changes is refused, and so is an older copy of the queue. The mark is not synced:
//     after a power failure its number may be too small, never too large.
package outbox
