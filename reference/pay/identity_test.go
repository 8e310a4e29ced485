package pay

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testSigner signs with a key in memory.
type testSigner struct{ key ed25519.PrivateKey }

func newSigner(n byte) testSigner {
	seed := [ed25519.SeedSize]byte{n}
	return testSigner{ed25519.NewKeyFromSeed(seed[:])}
}

func (s testSigner) identity() PublicKey { return PublicKey(s.key.Public().(ed25519.PublicKey)) }

func (s testSigner) Sign(domain string, message []byte) ([]byte, error) {
	text, err := SignedText(domain, message)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(s.key, text), nil
}

// brokenSigner signs nothing, or too little.
type brokenSigner struct{ err error }

func (b brokenSigner) Sign(string, []byte) ([]byte, error) { return make([]byte, 3), b.err }

// TestRequestSignatureCoversEverything changes what is asked, every field of the
// payment, the bank and the payer in turn: the signature must then not verify.
func TestRequestSignatureCoversEverything(t *testing.T) {
	wallet, other := newSigner(1), newSigner(2)
	bank := newSigner(3).key.Public().(ed25519.PublicKey)
	type bill struct {
		Request
		payer PublicKey
		bank  ed25519.PublicKey
	}
	cases := map[string]func(*bill){
		"ask":      func(b *bill) { b.Ask = AskStatus },
		"key":      func(b *bill) { b.Payment.Key[0] ^= 1 },
		"order":    func(b *bill) { b.Payment.Order += "x" },
		"payee":    func(b *bill) { b.Payment.Payee = "m1" },
		"amount":   func(b *bill) { b.Payment.Amount++ },
		"currency": func(b *bill) { b.Payment.Currency = "UGX" },
		"created":  func(b *bill) { b.Payment.Created++ },
		"deadline": func(b *bill) { b.Payment.Deadline = 0 },
		"bank":     func(b *bill) { b.bank = other.key.Public().(ed25519.PublicKey) },
		"payer":    func(b *bill) { b.payer = other.identity() },
		"nobody":   func(b *bill) { b.payer = PublicKey{} },
		"signature": func(b *bill) {
			b.Signature = append([]byte(nil), b.Signature...)
			b.Signature[9] ^= 1
		},
		"none":  func(b *bill) { b.Signature = nil },
		"short": func(b *bill) { b.Signature = b.Signature[1:] },
		"of another wallet": func(b *bill) {
			require.NoError(t, b.Sign(other, b.bank))
		},
		"as a certificate": func(b *bill) {
			message, err := b.signedMessage(b.bank)
			require.NoError(t, err)
			b.Signature, err = wallet.Sign(certificateDomain, message)
			require.NoError(t, err)
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			b := bill{Request{Ask: AskPay, Payment: payment()}, wallet.identity(), bank}
			require.NoError(t, b.Sign(wallet, bank))
			require.Len(t, b.Signature, SignatureSize)
			require.NoError(t, b.VerifySignature(b.payer, b.bank))
			change(&b)
			require.Error(t, b.VerifySignature(b.payer, b.bank))
		})
	}
}

func TestSignRefuses(t *testing.T) {
	bank := newSigner(3).key.Public().(ed25519.PublicKey)
	locked := errors.New("locked")
	r := Request{Ask: AskPay, Payment: payment()}
	require.ErrorIs(t, r.Sign(brokenSigner{locked}, bank), locked)
	require.Empty(t, r.Signature)
	require.ErrorContains(t, r.Sign(newSigner(1), bank[1:]), "receipt key has 31 bytes")
	require.ErrorContains(t, r.VerifySignature(PublicKey{1}, nil), "receipt key has 0 bytes")
	r.Payment.Amount = 0
	require.ErrorContains(t, r.Sign(newSigner(1), bank), "amount 0")
	require.Empty(t, r.Signature)
}

func TestSignedText(t *testing.T) {
	text, err := SignedText("onebar test 1", []byte("message"))
	require.NoError(t, err)
	require.Equal(t, "onebar test 1\x00message", string(text))
	longest := strings.Repeat("d", 64)
	_, err = SignedText(longest, nil)
	require.NoError(t, err)
	for _, domain := range []string{"", longest + "d", "a\x00b", "a\n", "é"} {
		_, err := SignedText(domain, nil)
		require.Error(t, err, "%q", domain)
	}
}

// TestNobodySigns: the all-zero key is a point of small order, for which anyone
// makes signatures that crypto/ed25519 takes. It is no wallet's identity.
func TestNobodySigns(t *testing.T) {
	var nobody PublicKey
	signature := make([]byte, SignatureSize)
	signature[0] = 1 // the neutral point, and the scalar 0
	taken := 0
	for n := range byte(100) {
		text, err := SignedText("onebar test 1", []byte{n})
		require.NoError(t, err)
		if ed25519.Verify(nobody[:], text, signature) {
			taken++
		}
		require.False(t, signed(nobody, "onebar test 1", []byte{n}, signature))
	}
	require.Positive(t, taken, "crypto/ed25519 takes none: this test is of no use any more")
}

func TestCertificate(t *testing.T) {
	wallet := newSigner(1)
	c, err := Certify(wallet, wallet.identity(), [32]byte{7})
	require.NoError(t, err)
	got, err := ParseCertificate(" " + c.String() + "\n")
	require.NoError(t, err)
	require.Equal(t, c, got)

	for i := range certificateSize {
		b, err := hex.DecodeString(c.String())
		require.NoError(t, err)
		b[i] ^= 1
		_, err = ParseCertificate(hex.EncodeToString(b))
		require.ErrorContains(t, err, "has not signed its transport key", "byte %d", i)
	}
	none := Certificate{}
	require.Error(t, none.Verify())
	noTransport, err := wallet.Sign(certificateDomain, make([]byte, 32))
	require.NoError(t, err)
	require.Error(t, (&Certificate{Identity: wallet.identity(), Signature: [64]byte(noTransport)}).Verify())

	for text, want := range map[string]string{
		"":                       "it has 0 characters",
		c.String()[2:]:           "it has 254 characters",
		"z" + c.String()[1:]:     "not 256 hexadecimal digits",
		strings.Repeat("ab", 32): "wallets without an identity key",
		strings.Repeat("ab", 64): "it has 128 characters",
	} {
		_, err := ParseCertificate(text)
		require.ErrorContains(t, err, want)
	}
	locked := errors.New("locked")
	_, err = Certify(brokenSigner{locked}, wallet.identity(), [32]byte{7})
	require.ErrorIs(t, err, locked)
	_, err = Certify(brokenSigner{}, wallet.identity(), [32]byte{7})
	require.ErrorContains(t, err, "a signature of 3 bytes")
	_, err = Certify(wallet, newSigner(2).identity(), [32]byte{7})
	require.ErrorContains(t, err, "has not signed", "the identity is not the signer's")
}
