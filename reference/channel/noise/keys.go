package noise

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"
)

// PublicKey is an X25519 public key: who a wallet or a bank is.
type PublicKey [32]byte

// String returns the key in hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// PrivateKey is an X25519 private key. It does not print itself.
type PrivateKey [32]byte

// Format prints a placeholder for any verb, so that no private key gets into a
// log.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[private key]") }

// KeyPair is the static key pair of a wallet or a bank, as NewKeyPair and
// KeyPairOf make it.
type KeyPair struct {
	Public  PublicKey
	Private PrivateKey

	// The same, behind a function so that no verb of package fmt finds it. Nil, in
	// a literal, costs each handshake a multiplication.
	key func() *ecdh.PrivateKey
}

// NewKeyPair draws a key pair from r; nil is crypto/rand.
func NewKeyPair(r io.Reader) (KeyPair, error) {
	var k PrivateKey
	if _, err := io.ReadFull(source(r), k[:]); err != nil {
		return KeyPair{}, fmt.Errorf("draw a key pair: %w", err)
	}
	return KeyPairOf(k)
}

// KeyPairOf returns the key pair of a private key. The error is that this
// program may not use X25519.
func KeyPairOf(k PrivateKey) (KeyPair, error) {
	key, err := ecdh.X25519().NewPrivateKey(k[:])
	if err != nil {
		return KeyPair{}, fmt.Errorf("read the private key: %w", err)
	}
	return KeyPair{Public: PublicKey(key.PublicKey().Bytes()), Private: k, key: func() *ecdh.PrivateKey { return key }}, nil
}

func (k *KeyPair) noise() flynn.DHKey {
	return flynn.DHKey{Private: k.Private[:], Public: k.Public[:]}
}

func source(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}

// prologue binds both ends to this version of the protocol.
const prologue = "onebar noise 1"

func newHandshake(initiator bool, own *KeyPair, peer []byte, r io.Reader) (*flynn.HandshakeState, error) {
	hs, err := flynn.NewHandshakeState(handshakeConfig(initiator, own, peer, r))
	if err != nil {
		return nil, fmt.Errorf("prepare the handshake: %w", err)
	}
	return hs, nil
}

// handshakeConfig is the Noise protocol of this package for one handshake; r
// gives the ephemeral private key.
func handshakeConfig(initiator bool, own *KeyPair, peer []byte, r io.Reader) flynn.Config {
	var dh x25519
	if own.key != nil {
		dh.static = own.key()
	}
	return flynn.Config{
		CipherSuite:   flynn.NewCipherSuite(&dh, flynn.CipherChaChaPoly, flynn.HashBLAKE2s),
		Random:        source(r),
		Pattern:       flynn.HandshakeIK,
		Initiator:     initiator,
		Prologue:      []byte(prologue),
		StaticKeypair: own.noise(),
		PeerStatic:    peer,
	}
}
