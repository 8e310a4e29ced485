// Package pay holds the types that a wallet and its bank exchange over any channel:
// [Payment], [Request], [Answer], and the receipt that proves an answer to a third party
// ([SignReceipt], [VerifyReceipt]).
//
// A wallet is its identity key ([PublicKey]). It signs requests ([Request.Sign])
// and certifies the key that authenticates connections ([Certificate]).
//
// The canonical bytes of a payment ([Payment.Fingerprint] hashes them, receipts
// and requests sign them) belong to this package. They do not depend on any encoding on the
// wire or on disk.
package pay
