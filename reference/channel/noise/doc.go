// Package noise carries requests and answers between a wallet and its bank in
// frames inside Noise_IK_25519_ChaChaPoly_BLAKE2s, over any stream, TCP as a
// rule. [Client] and [Server] are the two ends of a connection.
//
// # Round trips and bytes
//
// The wallet knows the bank's static public key ([ClientConfig].Bank) beforehand, so its
// first request is sent in the first handshake message and its answer in the second: on a fresh connection a payment costs the TCP handshake and one round
// trip, on an open one it costs one round trip. Once the first answer is there,
// several requests may be outstanding; both sides number the requests of a
// connection from 0, and an answer names its request by that number, so answers
// may overtake each other. Until the first answer is there, further requests
// wait in the wallet: Noise has no keys for them yet.
//
// A frame is a length of two bytes, big endian, and one Noise message. A payment
// with a 10-byte order and a 2-byte payee is 219 bytes up and 128 down on a
// fresh connection and 73 up and 98 down on an open one, TCP and IP headers not
// counted (TestBytesOnTheWire keeps these numbers true). Of the bytes up on a
// fresh connection, 66 are the wallet's signature; before requests were signed it
// was 153. Of the bytes down, 66 are the receipt. The wallet's certificate does
// not travel: the bank has it since it enrolled the wallet.
//
// # What is protected, and what is not
//
// Noise specification (revision 34), section 7.7 (payload security properties),
// pattern IK:
//
//   - Message 1 can be replayed: an attacker who recorded it can send it to the bank
//     again, or can hold it back and send it later.
//     Both are safe, because a payment is booked at most once per idempotency
//     key, because its answer is encrypted to keys only the wallet has, and
//     because the bank refuses it once its deadline has passed. A payment
//     without a deadline can be held back for ever. These are the rules of TLS
//     1.3 for early data (RFC 8446, section 8 and appendix E.5): only what may
//     happen twice is sent in it.
//   - Message 1 alone does not prove its sender to the bank if the bank's static
//     private key is stolen: source property 1, key compromise impersonation. An
//     attacker who has that key and knows a wallet's public keys can compute a message 1
//     in the wallet's name. So the first request of a connection carries a signature of
//     the wallet's identity key, over what is asked, the bank and the payment
//     (pay.Request.Sign). The bank closes a connection whose first request has
//     none, or a wrong one. The forger can only repeat what the wallet itself has
//     signed for this bank, which is a replay as above.
//   - All later messages prove their sender without a signature, also if the
//     bank's static key is stolen: source property 2. The forger of a message 1
//     cannot compute the secret of the wallet's static key and the bank's
//     ephemeral key, on which message 2 and all that follow depend. So on an open
//     connection requests travel without their signature; one that is there must
//     be right. A later version may send one signature over many requests of an
//     open connection, a checkpoint.
//   - Message 1 has no forward secrecy: a thief of the bank's static private key can read
//     every first request recorded before: payment, signature and the wallet's transport
//     key. The thief can read, but cannot pay. All later messages have forward secrecy.
//   - A thief of a wallet's transport key cannot open a connection without a request that
//     the wallet has signed. With such a request the thief can open a connection, and can
//     then pay on it without a signature. So a vault guards both keys.
//   - The payer is the identity that has certified the wallet's transport key,
//     the static key of the handshake ([ServerConfig].Identify). It is never a
//     field of a message. The transport key itself crosses encrypted to the bank.
//   - Lengths and times are visible: frames are not padded.
//   - Noise authenticates an answer to the wallet only. For anyone else the receipt proves
//     it, an Ed25519 signature over the payer, the payment and the result. Refusals are
//     signed too: a final "declined" or "expired" must be as provable as a confirmation.
//   - There is no protection against denial of service: an attacker on the path can cut
//     every connection. Limits against hostile peers are those of [ServerConfig]
//     and of the server above it.
//
// This package does not retry, reconnect or queue: the wallet does.
package noise
