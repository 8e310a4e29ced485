package noise

import (
	"crypto/ecdh"
	"crypto/subtle"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"
)

// x25519 is the Diffie-Hellman function of one handshake. It computes what
// flynn.DH25519 does with half the work: to crypto/ecdh a private key comes with
// its public key, for which it multiplies once, and noise hands over the bytes of
// a private key for each multiplication. A handshake knows two of them, its own
// static one and the ephemeral one it draws, and both are kept as crypto/ecdh has
// them. It serves one goroutine at a time.
type x25519 struct {
	static, ephemeral *ecdh.PrivateKey // nil: not known yet
}

// GenerateKeypair implements flynn.DHFunc.
func (d *x25519) GenerateKeypair(r io.Reader) (flynn.DHKey, error) {
	var b PrivateKey
	if _, err := io.ReadFull(source(r), b[:]); err != nil {
		return flynn.DHKey{}, err
	}
	k, err := ecdh.X25519().NewPrivateKey(b[:])
	if err != nil {
		return flynn.DHKey{}, err
	}
	d.ephemeral = k
	return flynn.DHKey{Private: b[:], Public: k.PublicKey().Bytes()}, nil
}

// DH implements flynn.DHFunc. It refuses a public key of low order, with which
// the secret would be no secret.
func (d *x25519) DH(private, public []byte) ([]byte, error) {
	var own *ecdh.PrivateKey
	for _, k := range [...]*ecdh.PrivateKey{d.static, d.ephemeral} {
		if k != nil && subtle.ConstantTimeCompare(private, k.Bytes()) == 1 {
			own = k
		}
	}
	var err error
	if own == nil {
		if own, err = ecdh.X25519().NewPrivateKey(private); err != nil {
			return nil, fmt.Errorf("take a private key: %w", err)
		}
	}
	peer, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("take a public key: %w", err)
	}
	return own.ECDH(peer)
}

// DHLen implements flynn.DHFunc.
func (*x25519) DHLen() int { return len(PublicKey{}) }

// DHName implements flynn.DHFunc.
func (*x25519) DHName() string { return "25519" }
