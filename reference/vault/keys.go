package vault

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/onebar/onebar/reference/pay"
)

// Secret is 32 bytes of a private key. It does not print itself; MarshalText is
// for files that only their owner can read.
type Secret [32]byte

// Format prints a placeholder for any verb, so that no secret gets into a log.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// MarshalText implements encoding.TextMarshaler: 64 hexadecimal digits.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Its error does not show the
// text, which may be most of a secret.
func (s *Secret) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil || len(b) != len(s) {
		return fmt.Errorf("a secret is %d hexadecimal digits, and this has %d characters", 2*len(s), len(text))
	}
	copy(s[:], b)
	return nil
}

// Secrets are the private keys of a wallet, as they are stored.
type Secrets struct {
	Identity  Secret `json:"identity"`  // Ed25519 seed
	Transport Secret `json:"transport"` // X25519 private key
}

// NewSecrets draws the private keys of a new wallet from r; nil is crypto/rand.
func NewSecrets(r io.Reader) (Secrets, error) {
	if r == nil {
		r = rand.Reader
	}
	var s Secrets
	for _, b := range [...][]byte{s.Transport[:], s.Identity[:]} {
		if _, err := io.ReadFull(r, b); err != nil {
			return Secrets{}, fmt.Errorf("draw the keys of a wallet: %w", err)
		}
	}
	return s, nil
}

// Keys is a vault with its keys in memory, which is never locked.
type Keys struct {
	certificate pay.Certificate

	// The keys, behind functions so that no verb of package fmt finds them.
	sign  func(text []byte) []byte
	agree func(peer *ecdh.PublicKey) ([]byte, error)
}

// New draws a vault's keys from r; nil is crypto/rand. The same draws make the
// same keys.
func New(r io.Reader) (*Keys, error) {
	s, err := NewSecrets(r)
	if err != nil {
		return nil, err
	}
	return Open(s)
}

// Open returns the vault of stored keys. It refuses keys that are all zero, which
// were never drawn.
func Open(s Secrets) (*Keys, error) {
	if s.Identity == (Secret{}) || s.Transport == (Secret{}) {
		return nil, errors.New("open the vault: one of its two keys is missing")
	}
	identity := ed25519.NewKeyFromSeed(s.Identity[:])
	transport, err := ecdh.X25519().NewPrivateKey(s.Transport[:])
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	k := &Keys{
		sign:  func(text []byte) []byte { return ed25519.Sign(identity, text) },
		agree: transport.ECDH,
	}
	k.certificate, err = pay.Certify(k, pay.PublicKey(identity[ed25519.SeedSize:]), [32]byte(transport.PublicKey().Bytes()))
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	return k, nil
}

// Certificate implements Vault.
func (k *Keys) Certificate() pay.Certificate { return k.certificate }

// Sign implements Vault.
func (k *Keys) Sign(domain string, message []byte) ([]byte, error) {
	text, err := pay.SignedText(domain, message)
	if err != nil {
		return nil, err
	}
	return k.sign(text), nil
}

// Agree implements Vault.
func (k *Keys) Agree(peer [32]byte) ([]byte, error) {
	public, err := ecdh.X25519().NewPublicKey(peer[:])
	if err != nil {
		return nil, fmt.Errorf("agree with %x: %w", peer, err)
	}
	secret, err := k.agree(public)
	if err != nil {
		return nil, fmt.Errorf("agree with %x: %w", peer, err)
	}
	return secret, nil
}
