// Package bank is the bank of the reference pair: a double-entry ledger on SQLite. It is a
// [pay.Service]: the bank's ends of the channels pass requests to it, for streams
// reference/channel/server.
//
// Read it in this order: [Ledger] books payments and remembers what it answered
// (ledger.go, writer.go, store.go, schema.go; reference/sqlite makes it durable),
// [Audit] reads the file beside it (audit.go).
//
// # What is promised
//
//   - A payment is booked at most once per payer and idempotency key, and the record
//     of its answer is written in the transaction that books it. While there is a
//     record, the same key and content get the same answer, byte for byte; the same
//     key and other content is a conflict and books nothing. Records of what was
//     booked are never deleted.
//   - An order is booked at most once per payer, whatever the key: a wallet that
//     lost its queue, or draws a key for each attempt, does not pay twice. The answer
//     is "order already paid" and names the transfer. Payments without an order are
//     all different. LedgerConfig.AllowRepeatedOrders turns it off.
//   - What was finally refused is never booked. The record of a refusal (declined,
//     expired) is deleted a day after the payment's deadline at the earliest, or, if
//     it has none, a day after pay.MaxValidity. Then a copy of it is answered
//     "expired", which says the same: nothing has moved, and nothing will. A conflict
//     has no record of its own: it keeps the one it conflicts with for as long. The
//     bank's clock must not be set back by more than a day.
//   - The bank remembers at most LedgerConfig.MaxRefused refusals of each payer. Beyond
//     that it answers "busy", which is not final, instead of refusing, until the first of
//     them may be deleted. It still books what can be booked. So a wallet without funds
//     does not fill the disk.
//   - The record behind a final answer is durable before the answer leaves the bank:
//     write-ahead log, one sync a commit (synchronous=EXTRA). Only an "expired" more than
//     a day after the deadline depends on the clock alone. SQLite's
//     default in WAL mode, NORMAL, loses acknowledged payments at a power failure.
//   - A payment whose deadline has passed by the bank's clock is answered
//     "expired", also when its wallet only asked for its status, and a copy of it that
//     arrives later is not booked. So "not found" is never final and "expired" always
//     is.
//   - A ledger is created only with LedgerConfig.Create. A lost ledger is an error and is
//     not replaced: a new one would book again what the lost one has booked.
//   - A full disk does not end the bank: what cannot be stored is answered "busy", and the
//     bank continues when there is space. After any other error of the disk it books
//     nothing until it is opened again.
//   - An account that can pay belongs to an identity key. Its wallet's certificate is
//     verified and stored when the account is opened.
//   - All entries of a currency sum to zero; no account but equity is below zero.
//
// # What it costs
//
// BenchmarkServer of reference/channel/server: 64 wallets on open TCP connections
// over loopback, one payment outstanding each, two cores shared by wallets and
// bank. 6,600 to 8,300 payments a second in three runs of 20,000, with a sync of
// 0.13 to 0.15 ms. Other programs used a third of the two cores meanwhile (load
// average 8). A payment takes 207 µs of processor time for both ends: 38 % are the
// bank's transactions, 28 % the wallet's verification of the receipt, 13 % the
// wallet's signature of the request, 13 % the bank's of the receipt. On an open
// connection the bank verifies no signature.
//
// BenchmarkLedger, without a network, under the same load but with a sync of 0.5 to
// 1 ms: 4,000 to 6,300 payments a second, 87 µs of processor time each.
//
// # What is not promised
//
//   - Accounts are held in memory, some 400 bytes each: millions fit, not
//     billions.
//   - Only one process may write a ledger. A second writer is detected: a transaction fails
//     if a balance differs from the one that this process stored.
package bank
