package pay

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// receiptDomain makes the signature of a receipt invalid for any other text that is signed
// with the same key.
const receiptDomain = "onebar receipt 1\x00"

// canonical appends the one encoding of a payment's content: fixed-size fields
// big endian, strings behind a length byte.
func (p *Payment) canonical(b []byte) []byte {
	b = append(b, p.Key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Amount))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Created))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Deadline))
	for _, s := range [...]string{p.Currency, p.Payee, p.Order} {
		b = append(b, byte(len(s)))
		b = append(b, s...)
	}
	return b
}

// Fingerprint is the SHA-256 of the payment's canonical encoding: two payments
// have the same content if and only if they have the same fingerprint.
func (p *Payment) Fingerprint() [sha256.Size]byte {
	var buf [256]byte
	return sha256.Sum256(p.canonical(buf[:0]))
}

// receiptText appends what a receipt signs: the domain, the payer's
// identity, the result, the reason, the transfer, the time and the payment.
func receiptText(b []byte, payer PublicKey, p *Payment, a *Answer) []byte {
	b = append(b, receiptDomain...)
	b = append(b, payer[:]...)
	b = append(b, byte(a.Result), byte(a.Reason))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Transfer))
	b = binary.BigEndian.AppendUint64(b, uint64(a.At))
	return p.canonical(b)
}

// SignReceipt puts into a the bank's signature of a, given to payer as the
// answer to the valid payment p. It does nothing to an answer that is not final.
func SignReceipt(key ed25519.PrivateKey, payer PublicKey, p *Payment, a *Answer) {
	if !a.Result.Final() {
		return
	}
	var buf [512]byte
	a.Receipt = ed25519.Sign(key, receiptText(buf[:0], payer, p, a))
}

// VerifyReceipt returns nil if a is a final answer that the holder of key gave
// payer to exactly the payment p.
func VerifyReceipt(key ed25519.PublicKey, payer PublicKey, p *Payment, a *Answer) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("verify receipt: the bank's receipt key has %d bytes, not %d", len(key), ed25519.PublicKeySize)
	}
	if err := p.Validate(); err != nil {
		return fmt.Errorf("verify receipt: %w", err)
	}
	if err := a.Validate(); err != nil {
		return fmt.Errorf("verify receipt: %w", err)
	}
	if !a.Result.Final() {
		return fmt.Errorf("verify receipt: an answer %q is not final and has none", a.Result)
	}
	var buf [512]byte
	if a.Key != p.Key || !ed25519.Verify(key, receiptText(buf[:0], payer, p, a), a.Receipt) {
		return errors.New("verify receipt: the bank did not sign this answer to this payment: treat the payment as unknown")
	}
	return nil
}
