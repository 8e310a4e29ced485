// Package wallet is the payer's side of the reference pair: the part that a phone would
// run. It accepts a payment when the payment is on the phone's disk. Then it attempts the
// payment until the bank has given a final outcome, however bad the link is: confirmed,
// declined or expired.
//
// Read it in this order: package outbox is the durable
// queue; [Wallet.Pay] accepts a payment into it; a sender (sender.go) brings each
// payment to the bank, attempt after attempt; connection.go keeps one channel for
// all of them; package retry says when the next attempt is made, and how long to
// wait for an answer.
//
// It keeps five rules:
//
//   - A payment has one idempotency key, drawn once, stored with the exact bytes
//     of the request. Every attempt sends those bytes, so the bank can tell a repeat
//     from a new payment.
//   - An order has at most one payment that is not refused. Pressing pay again
//     returns the payment there is.
//   - A state is on disk before the user is told it, and "sent" is on disk before
//     the first byte leaves. So a payment found "queued" after a crash has
//     never left the phone, and only such a payment is ever expired without
//     asking the bank.
//   - Every request is signed by the wallet's identity key, in its vault. While the
//     vault is locked, a payment waits in the state it has.
//   - A time-out is not a refusal. The user is told "unknown", and the wallet keeps
//     asking.
package wallet
