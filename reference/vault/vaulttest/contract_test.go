package vaulttest

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/vault"
)

// TestVaults: each kind of vault keeps the contract of vault.Vault.
func TestVaults(t *testing.T) {
	for name, kind := range map[string]func() vault.Vault{
		"keys in memory": func() vault.Vault { return open(t) },
		"lockable":       func() vault.Vault { return &Lockable{Vault: open(t)} },
	} {
		for _, c := range checks() {
			t.Run(name+": "+c.name, func(t *testing.T) { require.NoError(t, c.check(kind)) })
		}
	}
}

// check is one rule of the contract. The error says how it was broken.
type check struct {
	name  string
	check func(open func() vault.Vault) error
}

func checks() []check {
	return []check{
		{"the certificate verifies and stays the same", checkCertificate},
		{"two vaults share no key", checkApart},
		{"a signature covers its domain and its message", checkSign},
		{"a domain of another form is refused", checkDomains},
		{"agreement is X25519 with the transport key", checkAgree},
		{"a peer of low order is refused", checkLowOrder},
		{"what is returned belongs to the caller", checkOwnership},
		{"several goroutines may use it", checkTogether},
	}
}

func checkCertificate(open func() vault.Vault) error {
	v := open()
	c := v.Certificate()
	if err := c.Verify(); err != nil {
		return err
	}
	if again := v.Certificate(); again != c {
		return fmt.Errorf("Certificate returned %v first and %v later", &c, &again)
	}
	return nil
}

func checkApart(open func() vault.Vault) error {
	a, b := open().Certificate(), open().Certificate()
	if a.Identity == b.Identity || a.Transport == b.Transport {
		return errors.New("two vaults have a key in common: each call of open must make a vault with keys of its own")
	}
	return nil
}

func checkSign(open func() vault.Vault) error {
	v := open()
	for _, message := range [][]byte{nil, {0}, []byte("message"), bytes.Repeat([]byte{1}, 10_000)} {
		for _, domain := range []string{"onebar vaulttest 1", "a", strings.Repeat("d", 64)} {
			before := bytes.Clone(message)
			signature, err := v.Sign(domain, message)
			if err != nil {
				return fmt.Errorf("Sign(%q, %d bytes): %w", domain, len(message), err)
			}
			if !bytes.Equal(message, before) {
				return errors.New("Sign changed the message")
			}
			// Put together here, so that the format is compared and not the function.
			text := append(append([]byte(domain), 0), message...)
			id := v.Certificate().Identity
			if len(signature) != ed25519.SignatureSize || !ed25519.Verify(id[:], text, signature) {
				return fmt.Errorf("Sign(%q, %d bytes) is not the identity's Ed25519 signature of domain, zero byte and message", domain, len(message))
			}
		}
	}
	return nil
}

func checkDomains(open func() vault.Vault) error {
	v := open()
	for _, domain := range []string{"", strings.Repeat("d", 65), "a\x00b", "a\n", "é"} {
		if signature, err := v.Sign(domain, []byte("message")); err == nil || signature != nil {
			return fmt.Errorf("Sign took the domain %q: use pay.SignedText", domain)
		}
	}
	return nil
}

// peer is the key pair of somebody to agree with.
func peer(n byte) (*ecdh.PrivateKey, [32]byte, error) {
	k, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{n}, 32))
	if err != nil {
		return nil, [32]byte{}, err
	}
	return k, [32]byte(k.PublicKey().Bytes()), nil
}

func checkAgree(open func() vault.Vault) error {
	v := open()
	transport := v.Certificate().Transport
	own, err := ecdh.X25519().NewPublicKey(transport[:])
	if err != nil {
		return fmt.Errorf("the transport key is no X25519 key: %w", err)
	}
	for n := range byte(4) {
		private, public, err := peer(n + 1)
		if err != nil {
			return err
		}
		want, err := private.ECDH(own)
		if err != nil {
			return err
		}
		got, err := v.Agree(public)
		if err != nil {
			return fmt.Errorf("Agree(%x): %w", public, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("Agree(%x) is not the secret that the peer computes", public)
		}
	}
	return nil
}

func checkLowOrder(open func() vault.Vault) error {
	v := open()
	for _, low := range [][32]byte{{}, {1}} { // u-coordinates of points of order 2 and 4
		if secret, err := v.Agree(low); err == nil || secret != nil {
			return fmt.Errorf("Agree(%x) made a secret with a peer of low order", low)
		}
	}
	return nil
}

func checkOwnership(open func() vault.Vault) error {
	v := open()
	_, public, err := peer(1)
	if err != nil {
		return err
	}
	for name, call := range map[string]func() ([]byte, error){
		"Sign":  func() ([]byte, error) { return v.Sign("a", []byte("message")) },
		"Agree": func() ([]byte, error) { return v.Agree(public) },
	} {
		first, err := call()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		kept := bytes.Clone(first)
		second, err := call()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		clear(second)
		if !bytes.Equal(first, kept) {
			return fmt.Errorf("%s returned the same memory twice", name)
		}
	}
	return nil
}

func checkTogether(open func() vault.Vault) error {
	v := open()
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			same := func() vault.Vault { return v }
			errs[i] = errors.Join(checkCertificate(same), checkSign(same), checkAgree(same))
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// checkLocked is of a locked vault.
func checkLocked(open func() vault.Vault) error {
	v := open()
	if signature, err := v.Sign("onebar vaulttest 1", []byte("message")); !errors.Is(err, vault.ErrLocked) || signature != nil {
		return fmt.Errorf("Sign of a locked vault returned %d bytes and the error %w, not vault.ErrLocked", len(signature), err)
	}
	_, public, err := peer(1)
	if err != nil {
		return err
	}
	if secret, err := v.Agree(public); !errors.Is(err, vault.ErrLocked) || secret != nil {
		return fmt.Errorf("Agree of a locked vault returned %d bytes and the error %w, not vault.ErrLocked", len(secret), err)
	}
	return checkCertificate(open)
}
