package noise

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	flynn "github.com/flynn/noise"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/vault"
)

// This file compares the handshake and the Diffie-Hellman function of this
// package with published test vectors. The sources:
//
//   - Noise: testdata/vectors, whose README.md names the repository, the commit
//     and the licence. The vectors were computed by cacophony (Haskell) and snow
//     (Rust), which share no code with flynn/noise.
//   - X25519: RFC 7748, sections 5.2 and 6.1.

// hexBytes is written in hexadecimal in a file of vectors.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	*h = b
	return err
}

// noiseVector is one session with every key fixed: two handshake messages, then
// transport messages. The initiator sends the first message, and the two ends
// take turns. The format is that of the Noise wiki, page "Test vectors".
type noiseVector struct {
	Name         string         `json:"protocol_name"`
	InitPrologue hexBytes       `json:"init_prologue"`
	InitPSKs     []hexBytes     `json:"init_psks"`
	InitStatic   hexBytes       `json:"init_static"`
	InitEphem    hexBytes       `json:"init_ephemeral"`
	InitRemote   hexBytes       `json:"init_remote_static"`
	RespPrologue hexBytes       `json:"resp_prologue"`
	RespPSKs     []hexBytes     `json:"resp_psks"`
	RespStatic   hexBytes       `json:"resp_static"`
	RespEphem    hexBytes       `json:"resp_ephemeral"`
	Hash         hexBytes       `json:"handshake_hash"` // nil: not published
	Messages     []noiseMessage `json:"messages"`
}

type noiseMessage struct {
	Payload    hexBytes `json:"payload"`
	Ciphertext hexBytes `json:"ciphertext"` // the whole Noise message
}

// noiseFiles says what each file must contain, so that a vector, a message or a
// hash that goes missing fails the test.
var noiseFiles = []struct {
	file     string
	names    []string
	messages int  // of each vector
	hash     bool // the handshake hash is published
}{
	{"cacophony.json", []string{"Noise_IK_25519_ChaChaPoly_BLAKE2s", "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"}, 6, true},
	{"snow.json", []string{"Noise_IK_25519_ChaChaPoly_BLAKE2s"}, 4, false},
}

// noiseVectors reads testdata/vectors. The keys are file and protocol name.
func noiseVectors(t *testing.T) map[string]*noiseVector {
	t.Helper()
	found := map[string]*noiseVector{}
	for _, f := range noiseFiles {
		text, err := os.ReadFile(filepath.Join("testdata", "vectors", f.file))
		require.NoError(t, err)
		var all struct {
			Vectors []noiseVector `json:"vectors"`
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields() // what is published is compared
		require.NoError(t, d.Decode(&all), f.file)
		require.Len(t, all.Vectors, len(f.names), f.file)
		for i := range all.Vectors {
			v := &all.Vectors[i]
			require.Equal(t, f.names[i], v.Name, f.file)
			require.Len(t, v.Messages, f.messages, v.Name)
			require.Equal(t, f.hash, v.Hash != nil, v.Name)
			found[f.file+"/"+v.Name] = v
		}
	}
	return found
}

// TestNoiseVectors replays every vector. Each end has the configuration of
// newHandshake; only the prologue, the keys and the pre-shared key are those of
// the vector. IK is the pattern of this package. IKpsk2 is the same pattern with
// a pre-shared key, which this package does not use.
func TestNoiseVectors(t *testing.T) {
	for name, v := range noiseVectors(t) {
		t.Run(name, func(t *testing.T) { require.NoError(t, v.replay()) })
	}
}

// TestNoiseVectorsNoticeOneBit flips one bit of each value of each vector: the
// replay must then fail, or the value is not compared.
func TestNoiseVectorsNoticeOneBit(t *testing.T) {
	for name, v := range noiseVectors(t) {
		t.Run(name, func(t *testing.T) {
			for value, b := range v.values() {
				require.NotEmpty(t, b, value)
				at := len(b) / 2 // in a private key no bit of this byte is ignored
				b[at] ^= 0x10
				require.Error(t, v.replay(), value)
				b[at] ^= 0x10
			}
			require.NoError(t, v.replay(), "every bit is back in its place")
		})
	}
}

// values returns every value of the vector. They share memory with it.
func (v *noiseVector) values() map[string]hexBytes {
	all := map[string]hexBytes{
		"init_prologue": v.InitPrologue, "init_static": v.InitStatic, "init_ephemeral": v.InitEphem,
		"init_remote_static": v.InitRemote,
		"resp_prologue":      v.RespPrologue, "resp_static": v.RespStatic, "resp_ephemeral": v.RespEphem,
	}
	if v.Hash != nil {
		all["handshake_hash"] = v.Hash
	}
	for i := range v.InitPSKs {
		all[fmt.Sprint("init_psk ", i)] = v.InitPSKs[i]
	}
	for i := range v.RespPSKs {
		all[fmt.Sprint("resp_psk ", i)] = v.RespPSKs[i]
	}
	for i, m := range v.Messages {
		all[fmt.Sprint("payload ", i)] = m.Payload
		all[fmt.Sprint("ciphertext ", i)] = m.Ciphertext
	}
	return all
}

// replay runs both ends of the session and returns the first difference from
// the vector: in a message sent, a payload received, the peer's static key or
// the handshake hash.
func (v *noiseVector) replay() error {
	initiator, err := v.initiator()
	if err != nil {
		return err
	}
	responder, err := v.responder()
	if err != nil {
		return err
	}
	from, to := initiator, responder
	for i, m := range v.Messages {
		sent, err := from.write(m.Payload)
		if err := differ(fmt.Sprintf("message %d", i), sent, m.Ciphertext, err); err != nil {
			return err
		}
		got, err := to.read(m.Ciphertext)
		if err := differ(fmt.Sprintf("payload %d", i), got, m.Payload, err); err != nil {
			return err
		}
		from, to = to, from
	}
	for _, e := range []*noiseEnd{initiator, responder} {
		if e.send == nil {
			return errors.New("the handshake is not complete")
		}
		if v.Hash == nil {
			continue
		}
		if err := differ("handshake hash", e.hs.ChannelBinding(), v.Hash, nil); err != nil {
			return err
		}
	}
	return differ("the initiator's static key", responder.hs.PeerStatic(), initiator.static[:], nil)
}

// differ returns err, or an error if got is not want.
func differ(what string, got, want []byte, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s: got %x, want %x", what, got, want)
	}
	return nil
}

// noiseEnd is one end of a session.
type noiseEnd struct {
	hs        *flynn.HandshakeState
	initiator bool
	static    PublicKey
	send      *flynn.CipherState // nil: the handshake goes on
	receive   *flynn.CipherState
}

func (v *noiseVector) initiator() (*noiseEnd, error) {
	own, err := KeyPairOf(vault.Secret(v.InitStatic))
	if err != nil {
		return nil, err
	}
	c := handshakeConfig(true, own.static(), v.InitRemote, bytes.NewReader(v.InitEphem))
	return v.end(&own, c, v.InitPrologue, v.InitPSKs)
}

func (v *noiseVector) responder() (*noiseEnd, error) {
	own, err := KeyPairOf(vault.Secret(v.RespStatic))
	if err != nil {
		return nil, err
	}
	c := handshakeConfig(false, own.static(), nil, bytes.NewReader(v.RespEphem))
	return v.end(&own, c, v.RespPrologue, v.RespPSKs)
}

func (v *noiseVector) end(own *KeyPair, c flynn.Config, prologue []byte, psks []hexBytes) (*noiseEnd, error) {
	c.Prologue = prologue
	name := "Noise_" + c.Pattern.Name
	for _, psk := range psks {
		c.PresharedKey, c.PresharedKeyPlacement = psk, 2
		name += "psk2"
	}
	if name += "_" + string(c.CipherSuite.Name()); name != v.Name {
		return nil, fmt.Errorf("this package runs %s, the vector is of %s", name, v.Name)
	}
	hs, err := flynn.NewHandshakeState(c)
	return &noiseEnd{hs: hs, initiator: c.Initiator, static: own.Public}, err
}

func (e *noiseEnd) write(payload []byte) ([]byte, error) {
	if e.send != nil {
		return e.send.Encrypt(nil, nil, payload)
	}
	m, up, down, err := e.hs.WriteMessage(nil, payload)
	e.keep(up, down)
	return m, err
}

func (e *noiseEnd) read(message []byte) ([]byte, error) {
	if e.send != nil {
		return e.receive.Decrypt(nil, nil, message)
	}
	p, up, down, err := e.hs.ReadMessage(nil, message)
	e.keep(up, down)
	return p, err
}

// keep takes the keys of both directions: up is from the initiator to the
// responder. Both are nil until the handshake is complete.
func (e *noiseEnd) keep(up, down *flynn.CipherState) {
	e.send, e.receive = up, down
	if !e.initiator {
		e.send, e.receive = down, up
	}
}

// TestX25519Vectors compares with RFC 7748, section 5.2. The u-coordinate of
// the second vector has its top bit set, which X25519 ignores.
func TestX25519Vectors(t *testing.T) {
	cases := []struct{ name, scalar, u, want string }{
		{
			"first vector", "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
		},
		{
			"second vector", "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
		},
	}
	for _, c := range cases {
		got, err := new(x25519).DH(unhex(t, c.scalar), unhex(t, c.u))
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, hex.EncodeToString(got), c.name)
	}
}

// TestX25519Iterated does the iterations of RFC 7748, section 5.2: the result
// becomes the next private key, and the private key the next public one. The
// third published value, after 1,000,000 iterations, takes too long.
func TestX25519Iterated(t *testing.T) {
	k := unhex(t, "0900000000000000000000000000000000000000000000000000000000000000")
	u := bytes.Clone(k)
	want := map[int]string{
		1:     "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
		1_000: "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
	}
	for i := 1; i <= 1_000; i++ {
		next, err := new(x25519).DH(k, u)
		require.NoError(t, err, "iteration %d", i)
		k, u = next, k
		if w, published := want[i]; published {
			require.Equal(t, w, hex.EncodeToString(k), "after %d iterations", i)
		}
	}
}

// TestX25519DiffieHellman is the example of RFC 7748, section 6.1. Alice's key
// is the static key of one handshake and Bob's the ephemeral key of another, so
// it covers both kinds of key that x25519 keeps, and a key it was not given.
func TestX25519DiffieHellman(t *testing.T) {
	const (
		alicePrivate = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
		alicePublic  = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
		bobPrivate   = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
		bobPublic    = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
		shared       = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
	)
	alice, err := KeyPairOf(vault.Secret(unhex(t, alicePrivate)))
	require.NoError(t, err)
	require.Equal(t, alicePublic, alice.Public.String())
	withStatic, withEphemeral := &x25519{static: alice.static().agree}, new(x25519)
	bob, err := withEphemeral.GenerateKeypair(bytes.NewReader(unhex(t, bobPrivate)))
	require.NoError(t, err)
	require.Equal(t, bobPrivate, hex.EncodeToString(bob.Private))
	require.Equal(t, bobPublic, hex.EncodeToString(bob.Public))

	cases := []struct {
		name            string
		dh              *x25519
		private, public []byte
	}{
		{"static", withStatic, nil, bob.Public},
		{"ephemeral", withEphemeral, bob.Private, alice.Public[:]},
		{"Alice's, not kept", withEphemeral, alice.Private[:], bob.Public},
		{"Bob's, not kept", withStatic, bob.Private, alice.Public[:]},
	}
	for _, c := range cases {
		got, err := c.dh.DH(c.private, c.public)
		require.NoError(t, err, c.name)
		require.Equal(t, shared, hex.EncodeToString(got), c.name)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}
