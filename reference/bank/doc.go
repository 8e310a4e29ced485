// Package bank is the bank of the reference pair: a double-entry ledger on SQLite.
// It is a [pay.Service]: the server ends of the channels bring requests to it, for
// streams reference/channel/server.
//
// Read it in this order: [Ledger] books payments and remembers what it answered
// (ledger.go, writer.go, store.go, schema.go), [Audit] reads the file beside it
// (audit.go).
//
// # What is promised
//
//   - A payment is booked at most once per payer and idempotency key, and the
//     record of its answer is written in the transaction that books it. The same
//     key and content get the same answer for ever, byte for byte; the same key
//     and other content is a conflict and books nothing. Records are never
//     deleted.
//   - Every final answer, refusals too, is durable before it leaves the bank:
//     write-ahead log, one sync a commit (synchronous=EXTRA). SQLite's default in
//     WAL mode, NORMAL, loses acknowledged payments at a power failure.
//   - A payment whose deadline has passed by the bank's clock is answered
//     "expired" and remembered as such, also when its wallet only asked for its
//     status: a copy of it that arrives later is not booked. So "not found" is
//     never final and "expired" always is.
//   - Whether an order was paid before under another key is not the bank's
//     business; it notes the order in the transfer.
//   - An account that can pay belongs to an identity key. Its wallet's certificate is
//     verified and stored when the account is opened.
//   - All entries of a currency sum to zero; no account but equity is below zero.
//
// # What it costs
//
// BenchmarkServer of reference/channel/server: 64 wallets on open TCP connections
// over loopback, one payment outstanding each, two cores shared by wallets and
// bank. 13,600 payments a second where a sync takes 0.15 ms, 6,000 on the same machine under load with
// 1.9 ms; 115 µs of processor time a payment for both ends, a third of it the
// wallet's verification of the receipt, a ninth the bank's signature. These were
// measured before wallets signed their requests. With that signature the
// processor time was 167 µs in place of 125 µs, the two side by side on a loaded
// machine. The difference is the wallet's: on an open connection the bank
// verifies no signature.
//
// # What is not promised
//
//   - Accounts are held in memory, some 400 bytes each: millions fit, not
//     billions.
//   - One process writes a ledger. A second one is noticed, not served: the
//     batch fails when a balance is not what it was left at.
package bank
