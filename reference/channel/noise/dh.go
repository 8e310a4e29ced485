package noise

import (
	"crypto/ecdh"
	"crypto/subtle"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"
)

// x25519 is the Diffie-Hellman function of one handshake. flynn/noise passes the bytes of a
// private key to each multiplication. For the static key it passes an empty private key,
// and x25519 calls static instead, so the static private key stays in its vault. The
// ephemeral key is kept as a crypto/ecdh key: crypto/ecdh would compute the public key from
// its bytes each time, which costs as much as the secret itself. It is for one goroutine at
// a time.
type x25519 struct {
	static    func(peer [32]byte) ([]byte, error) // nil: there is no static key
	ephemeral *ecdh.PrivateKey                    // nil: not drawn yet
}

func (d *x25519) GenerateKeypair(r io.Reader) (flynn.DHKey, error) {
	var b [32]byte
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

// DH implements flynn.DHFunc. An empty private key is the static one. It refuses a public
// key of low order, with which the secret would be known to everyone.
func (d *x25519) DH(private, public []byte) ([]byte, error) {
	peer, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("take a public key: %w", err)
	}
	if len(private) == 0 && d.static != nil {
		return d.static([32]byte(public))
	}
	own := d.ephemeral
	if own == nil || subtle.ConstantTimeCompare(private, own.Bytes()) != 1 {
		if own, err = ecdh.X25519().NewPrivateKey(private); err != nil {
			return nil, fmt.Errorf("take a private key: %w", err)
		}
	}
	return own.ECDH(peer)
}

func (*x25519) DHLen() int { return len(PublicKey{}) }

func (*x25519) DHName() string { return "25519" }
