// Package noise carries requests and answers between a wallet and its bank in
// frames inside Noise_IK_25519_ChaChaPoly_BLAKE2s, over any stream, TCP as a
// rule. [Client] and [Server] are the two ends of a connection.
//
// # Round trips and bytes
//
// The wallet knows the bank's static public key ([ClientConfig].Bank) beforehand, so its
// first request rides in the first handshake message and the answer to it in the
// second: on a fresh connection a payment costs the TCP handshake and one round
// trip, on an open one it costs one round trip. Once the first answer is there,
// several requests may be outstanding; both sides number the requests of a
// connection from 0, and an answer names its request by that number, so answers
// may overtake each other. Until the first answer is there, further requests
// wait in the wallet: Noise has no keys for them yet.
//
// A frame is a length of two bytes, big endian, and one Noise message. A payment
// with a 10-byte order and a 2-byte payee is 153 bytes up and 128 down on a
// fresh connection and 73 up and 98 down on an open one, TCP and IP headers not
// counted (TestBytesOnTheWire keeps these numbers true). Of the bytes down, 66
// are the receipt.
//
// # What is protected, and what is not
//
// Noise specification (revision 34), section 7.7, pattern IK:
//
//   - Message 1 can be replayed: whoever recorded it can send it to the bank
//     again, and can also hold it back and send it for the first time later.
//     Both are safe, because a payment is booked at most once per idempotency
//     key, because its answer is encrypted to keys only the wallet has, and
//     because the bank refuses it once its deadline has passed. A payment
//     without a deadline can be held back for ever.
//   - Message 1 has no forward secrecy: who steals the bank's static private key
//     can read every first request recorded before, and can pretend to the bank
//     to be any wallet whose public key it knows until the first transport
//     message (key compromise impersonation). All later messages are forward
//     secret and authenticated both ways.
//   - The payer is the authenticated static public key of the wallet, never a
//     field of a message. The key itself crosses encrypted to the bank.
//   - Lengths and times are visible: frames are not padded.
//   - An answer proves itself to the wallet through Noise only. To anyone else
//     it is proven by its receipt, an Ed25519 signature over the payer, the
//     payment and the result. Refusals are signed too: a final "declined" or
//     "expired" must be as provable as a confirmation.
//   - Loss of service is not protected against: whoever is on the path can cut
//     every connection. Limits against hostile peers are those of [ServerConfig]
//     and of the server above it.
//
// Nothing here retries, reconnects or queues: that is the wallet's business.
package noise
