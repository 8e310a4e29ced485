// Package bank is the bank of the reference pair: a double-entry ledger on SQLite.
// It is a [pay.Service]: the server ends of the channels bring requests to it, for
// streams reference/channel/server.
//
// Read it in this order: [Ledger] books payments and remembers what it answered
// (ledger.go, writer.go, store.go, schema.go; reference/sqlite makes it durable),
// [Audit] reads the file beside it (audit.go).
//
// # What is promised
//
//   - A payment is booked at most once per payer and idempotency key, and the
//     record of its answer is written in the transaction that books it. The same
//     key and content get the same answer, byte for byte; the same key and other
//     content is a conflict and books nothing. Records of what was booked are
//     never deleted.
//   - An order is booked at most once per payer, whatever the key: a wallet that
//     lost its queue, or draws a key for each try, does not pay twice. The answer
//     is "order already paid" and names the transfer. Payments without an order are
//     all different. LedgerConfig.AllowRepeatedOrders turns it off.
//   - The record of a refusal (declined, expired) is deleted a day after the
//     payment's deadline. Then a copy of it is answered "expired", which says the
//     same: nothing has moved, and nothing will. So the bank's clock must not be
//     set back by more than a day. Of each payer no more than
//     LedgerConfig.MaxRefused are remembered; beyond, what would be refused is
//     answered "busy", which is not final. So a wallet without funds does not fill
//     the disk.
//   - Every final answer, refusals too, is durable before it leaves the bank:
//     write-ahead log, one sync a commit (synchronous=EXTRA). SQLite's default in
//     WAL mode, NORMAL, loses acknowledged payments at a power failure.
//   - A payment whose deadline has passed by the bank's clock is answered
//     "expired" and remembered as such, also when its wallet only asked for its
//     status: a copy of it that arrives later is not booked. So "not found" is
//     never final and "expired" always is.
//   - A full disk ends nothing: what cannot be stored is answered "busy", and the
//     bank goes on once there is room. After any other error of the disk it books
//     nothing until it is opened again.
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
