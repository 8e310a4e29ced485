package noise

import (
	"math/rand/v2"
	"testing"

	flynn "github.com/flynn/noise"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/vault"
)

// TestX25519 compares with the function it stands for, with keys it knows and
// with one it does not.
func TestX25519(t *testing.T) {
	r := func() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{4}) }
	own, err := NewKeyPair(r())
	require.NoError(t, err)
	peer, err := NewKeyPair(rand.NewChaCha8([32]byte{5}))
	require.NoError(t, err)
	same, err := KeyPairOf(own.Private)
	require.NoError(t, err)
	require.Equal(t, own.Private, same.Private)
	require.Equal(t, own.Public, same.Public)

	d := &x25519{static: own.static().agree}
	require.Equal(t, flynn.DH25519.DHLen(), d.DHLen())
	require.Equal(t, flynn.DH25519.DHName(), d.DHName())
	want, err := flynn.DH25519.GenerateKeypair(r())
	require.NoError(t, err)
	drawn, err := d.GenerateKeypair(r())
	require.NoError(t, err)
	require.Equal(t, want, drawn)
	require.Equal(t, want, flynn.DHKey{Private: own.Private[:], Public: own.Public[:]}, "the same draws make the same static key")

	literal := KeyPair{Public: own.Public, Private: own.Private}
	for name, c := range map[string]struct {
		dh             *x25519
		private, given []byte
	}{
		"static":           {d, own.Private[:], nil},
		"static, literal":  {&x25519{static: literal.static().agree}, own.Private[:], nil},
		"static, as bytes": {d, own.Private[:], own.Private[:]},
		"ephemeral":        {d, drawn.Private, drawn.Private},
		"another":          {d, peer.Private[:], peer.Private[:]},
	} {
		want, err := flynn.DH25519.DH(c.private, peer.Public[:])
		require.NoError(t, err)
		got, err := c.dh.DH(c.given, peer.Public[:])
		require.NoError(t, err)
		require.Equal(t, want, got, name)
		_, err = c.dh.DH(c.given, make([]byte, 32))
		require.Error(t, err, "a key of low order")
	}
	_, err = d.DH(own.Private[:], peer.Public[1:])
	require.ErrorContains(t, err, "take a public key")
	_, err = d.DH(own.Private[1:], peer.Public[:])
	require.ErrorContains(t, err, "take a private key")
	_, err = new(x25519).DH(nil, peer.Public[:])
	require.ErrorContains(t, err, "take a private key", "there is no static key")
}

func BenchmarkHandshake(b *testing.B) {
	bank, err := NewKeyPair(nil)
	require.NoError(b, err)
	wallet, err := vault.New(nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		c, err := newHandshake(true, staticOf(wallet), bank.Public[:], nil)
		require.NoError(b, err)
		s, err := newHandshake(false, bank.static(), nil, nil)
		require.NoError(b, err)
		m, _, _, err := c.WriteMessage(nil, nil)
		require.NoError(b, err)
		_, _, _, err = s.ReadMessage(nil, m)
		require.NoError(b, err)
		m, _, _, err = s.WriteMessage(nil, nil)
		require.NoError(b, err)
		_, _, _, err = c.ReadMessage(nil, m)
		require.NoError(b, err)
	}
}
