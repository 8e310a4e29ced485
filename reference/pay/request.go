package pay

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// Ask says what a Request wants done with its payment.
type Ask uint8

// What a wallet can ask.
const (
	AskUnknown Ask = iota
	// AskPay is to book the payment, or to repeat the answer it was given.
	AskPay
	// AskStatus is to repeat the answer the payment was given, and never to book
	// it. If it was given none, the answer is NotFound before its deadline, and
	// Expired after it: the bank records that, so a copy of the payment that
	// arrives later is not booked.
	AskStatus
)

// String returns "pay" or "status".
func (a Ask) String() string { return enumName(int(a), "unknown", "pay", "status") }

// Request is what a wallet sends.
type Request struct {
	Ask     Ask
	Payment Payment
	// Signature is the payer's, as Sign makes it: 64 bytes. It is empty where the
	// channel has left it out, because it authenticates the payer by other means.
	Signature []byte
}

// Validate returns nil, or what is wrong with the request. It does not verify
// the signature.
func (r *Request) Validate() error {
	if r.Ask != AskPay && r.Ask != AskStatus {
		return fmt.Errorf("a request must ask to pay or for the status, not %v", r.Ask)
	}
	if n := len(r.Signature); n != 0 && n != SignatureSize {
		return fmt.Errorf("the request has a signature of %d bytes, not of %d or none", n, SignatureSize)
	}
	return r.Payment.Validate()
}

// requestDomain is the domain of a Request's signature.
const requestDomain = "onebar request 1"

// Sign signs the request for the bank with this receipt key. The signature
// covers what is asked, the bank's key and the whole payment. So it is worth
// nothing at another bank, and a question about a payment cannot be turned into
// the payment. It does not cover the connection: whoever has it can send the
// same request again, which is safe because a payment is booked at most once per
// idempotency key. The same request gets the same signature from every attempt.
//
// A signature over many payments at once, a checkpoint, would have a domain of
// its own.
func (r *Request) Sign(s Signer, bank ed25519.PublicKey) error {
	message, err := r.signedMessage(bank)
	if err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}
	signature, err := s.Sign(requestDomain, message)
	if err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}
	r.Signature = signature
	return nil
}

// VerifySignature returns nil if payer has signed this request for the bank with
// this receipt key.
func (r *Request) VerifySignature(payer PublicKey, bank ed25519.PublicKey) error {
	message, err := r.signedMessage(bank)
	if err != nil {
		return fmt.Errorf("verify the request: %w", err)
	}
	if len(r.Signature) == 0 {
		return errors.New("verify the request: it is not signed")
	}
	if !signed(payer, requestDomain, message, r.Signature) {
		return fmt.Errorf("verify the request: its signature is not that of %v for this request to this bank", payer)
	}
	return nil
}

func (r *Request) signedMessage(bank ed25519.PublicKey) ([]byte, error) {
	if len(bank) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the bank's receipt key has %d bytes, not %d", len(bank), ed25519.PublicKeySize)
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r.Payment.canonical(append([]byte{byte(r.Ask)}, bank...)), nil
}
