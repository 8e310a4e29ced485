package noise

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"

	"github.com/onebar/onebar/reference/vault"
)

// PublicKey is an X25519 public key: the static key of a bank, or the transport
// key of a wallet, whose vault certifies it for the wallet's identity.
type PublicKey [32]byte

// String returns the key in hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// KeyPair is the static key pair of a bank, as NewKeyPair and KeyPairOf make it.
// That of a wallet is in its vault.
type KeyPair struct {
	Public  PublicKey
	Private vault.Secret

	// The same, behind a function so that no verb of package fmt finds it. Nil, in
	// a literal, costs each handshake a multiplication.
	key func() *ecdh.PrivateKey
}

// NewKeyPair draws a key pair from r; nil is crypto/rand.
func NewKeyPair(r io.Reader) (KeyPair, error) {
	var k vault.Secret
	if _, err := io.ReadFull(source(r), k[:]); err != nil {
		return KeyPair{}, fmt.Errorf("draw a key pair: %w", err)
	}
	return KeyPairOf(k)
}

// KeyPairOf returns the key pair of a private key. The error is that this
// program may not use X25519.
func KeyPairOf(k vault.Secret) (KeyPair, error) {
	key, err := ecdh.X25519().NewPrivateKey(k[:])
	if err != nil {
		return KeyPair{}, fmt.Errorf("read the private key: %w", err)
	}
	return KeyPair{Public: PublicKey(key.PublicKey().Bytes()), Private: k, key: func() *ecdh.PrivateKey { return key }}, nil
}

// static is the static key of one end of a handshake. The private half is behind
// a function: a vault does not hand it out.
type static struct {
	public PublicKey
	agree  func(peer [32]byte) ([]byte, error) // X25519 with the private half
}

func (k *KeyPair) static() static {
	return static{public: k.Public, agree: func(peer [32]byte) ([]byte, error) {
		var own *ecdh.PrivateKey
		var err error
		if k.key != nil {
			own = k.key()
		} else if own, err = ecdh.X25519().NewPrivateKey(k.Private[:]); err != nil {
			return nil, err
		}
		public, err := ecdh.X25519().NewPublicKey(peer[:])
		if err != nil {
			return nil, err
		}
		return own.ECDH(public)
	}}
}

func staticOf(v vault.Vault) static {
	return static{public: v.Certificate().Transport, agree: v.Agree}
}

func source(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}

// prologue binds both ends to this version of the protocol.
const prologue = "onebar noise 1"

func newHandshake(initiator bool, own static, peer []byte, r io.Reader) (*flynn.HandshakeState, error) {
	hs, err := flynn.NewHandshakeState(handshakeConfig(initiator, own, peer, r))
	if err != nil {
		return nil, fmt.Errorf("prepare the handshake: %w", err)
	}
	return hs, nil
}

// handshakeConfig is the Noise protocol of this package for one handshake; r
// gives the ephemeral private key.
func handshakeConfig(initiator bool, own static, peer []byte, r io.Reader) flynn.Config {
	dh := x25519{static: own.agree}
	return flynn.Config{
		CipherSuite:   flynn.NewCipherSuite(&dh, flynn.CipherChaChaPoly, flynn.HashBLAKE2s),
		Random:        source(r),
		Pattern:       flynn.HandshakeIK,
		Initiator:     initiator,
		Prologue:      []byte(prologue),
		StaticKeypair: flynn.DHKey{Public: own.public[:]}, // without Private: see x25519
		PeerStatic:    peer,
	}
}
