// Package vault is the interface between a wallet and its private keys. A [Vault] signs
// and computes shared secrets with its keys, and never returns a private key.
//
// A wallet has two key pairs. The identity key (Ed25519) identifies the wallet: it signs
// requests and certifies the transport key. The transport key (X25519) authenticates the
// wallet's connections, such as those of reference/channel/noise.
//
// [Keys] holds both in memory. The tests of package vaulttest hold each implementation to
// the contract: add another one to those in contract_test.go there.
package vault

import (
	"errors"

	"github.com/onebar/onebar/reference/pay"
)

// ErrLocked is wrapped by what [Vault.Sign] and [Vault.Agree] return while the
// vault is locked. Nothing was computed: the caller may call again when the
// owner has unlocked the vault.
var ErrLocked = errors.New("the vault is locked: unlock it")

// Vault holds the private keys of one wallet. Its methods may be called from
// several goroutines at once. It is also a [pay.Signer].
type Vault interface {
	// Certificate returns the wallet's public keys: its identity, and its transport
	// key as certified by the identity. It verifies, it is always the same, and a
	// locked vault returns it too.
	Certificate() pay.Certificate
	// Sign returns the Ed25519 signature of pay.SignedText(domain, message) with the
	// identity key: 64 bytes, which the caller owns. It does not keep message. An
	// error is one of pay.SignedText or wraps ErrLocked.
	Sign(domain string, message []byte) ([]byte, error)
	// Agree returns the X25519 secret of the transport key and the public key of a
	// peer (RFC 7748): 32 bytes, which the caller owns. It refuses a peer of low
	// order, with which the secret would be all zero. Any other error wraps
	// ErrLocked.
	Agree(peer [32]byte) ([]byte, error)
}
