package pay

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// PublicKey is an Ed25519 public key: the identity of a wallet. The bank identifies the
// wallet by it, and receipts name it. The all-zero key is no identity.
type PublicKey [ed25519.PublicKeySize]byte

// String returns the key in hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// SignatureSize is the size of an Ed25519 signature, in bytes.
const SignatureSize = ed25519.SignatureSize

// maxDomain bounds the domain of a signature, in bytes.
const maxDomain = 64

// Signer signs with the identity key of a wallet. A vault is a Signer.
type Signer interface {
	// Sign returns the Ed25519 signature of SignedText(domain, message). An error
	// means that nothing was signed: the key is locked, or SignedText does not accept the
	// domain.
	Sign(domain string, message []byte) ([]byte, error)
}

// SignedText returns the bytes that a signature with an identity key covers: the domain, a
// zero byte, the message. The domain is the kind of text that is signed, such as "onebar
// request 1", so that a signature of one kind is not valid for another. It is 1 to 64
// bytes of printable ASCII.
func SignedText(domain string, message []byte) ([]byte, error) {
	if len(domain) < 1 || len(domain) > maxDomain {
		return nil, fmt.Errorf("the domain of a signature has %d bytes, not 1 to %d", len(domain), maxDomain)
	}
	for i := range len(domain) {
		if domain[i] < ' ' || domain[i] > '~' {
			return nil, fmt.Errorf("the domain of a signature, %q, is not printable ASCII", domain)
		}
	}
	text := make([]byte, 0, len(domain)+1+len(message))
	return append(append(append(text, domain...), 0), message...), nil
}

// signed reports whether the holder of key has signed the message for the domain.
func signed(key PublicKey, domain string, message, signature []byte) bool {
	text, err := SignedText(domain, message)
	return err == nil && key != PublicKey{} && ed25519.Verify(key[:], text, signature)
}

// certificateDomain is the domain of a Certificate's signature.
const certificateDomain = "onebar transport key 1"

// certificateSize is the size of a Certificate's text form, in bytes before they
// are written in hexadecimal.
const certificateSize = ed25519.PublicKeySize + 32 + SignatureSize

// Certificate says that a transport key belongs to an identity. The wallet
// authenticates its connections with the transport key and signs payments with
// the identity key. The bank takes the certificate when it enrolls the wallet;
// after that, it need not travel. A first request that carries the certificate
// of a new transport key has a field reserved in payment.proto.
type Certificate struct {
	Identity  PublicKey
	Transport [32]byte            // X25519 public key
	Signature [SignatureSize]byte // by Identity, over Transport
}

// Certify returns the certificate that s, with this identity, signs for its
// transport key. The error is that of s.
func Certify(s Signer, identity PublicKey, transport [32]byte) (Certificate, error) {
	signature, err := s.Sign(certificateDomain, transport[:])
	if err != nil {
		return Certificate{}, fmt.Errorf("certify the transport key: %w", err)
	}
	c := Certificate{Identity: identity, Transport: transport}
	if copy(c.Signature[:], signature); len(signature) != SignatureSize {
		return Certificate{}, fmt.Errorf("certify the transport key: a signature of %d bytes, not %d", len(signature), SignatureSize)
	}
	return c, c.Verify()
}

// Verify returns nil if the identity has signed the transport key.
func (c *Certificate) Verify() error {
	if c.Transport == [32]byte{} || !signed(c.Identity, certificateDomain, c.Transport[:], c.Signature[:]) {
		return errors.New("verify the certificate: its identity key has not signed its transport key")
	}
	return nil
}

// String returns the certificate as one line of text: 256 hexadecimal digits,
// those of Identity, Transport and Signature.
func (c *Certificate) String() string {
	return hex.EncodeToString(bytes.Join([][]byte{c.Identity[:], c.Transport[:], c.Signature[:]}, nil))
}

// ParseCertificate is the reverse of String, and verifies the certificate. Space
// around the text is ignored.
func ParseCertificate(text string) (Certificate, error) {
	text = strings.TrimSpace(text)
	b, err := hex.DecodeString(text)
	switch {
	case err == nil && len(b) == len(PublicKey{}):
		return Certificate{}, errors.New("read the certificate: it is a lone key of 64 hexadecimal digits, as wallets without an identity key had: make the wallet again with this version")
	case err != nil || len(b) != certificateSize:
		return Certificate{}, fmt.Errorf("read the certificate: it has %d characters, not %d hexadecimal digits: %.16q", len(text), 2*certificateSize, text)
	}
	var c Certificate
	n := copy(c.Identity[:], b)
	n += copy(c.Transport[:], b[n:])
	copy(c.Signature[:], b[n:])
	if err := c.Verify(); err != nil {
		return Certificate{}, fmt.Errorf("%w: the text was altered or mixed up, copy it again", err)
	}
	return c, nil
}
