package vaulttest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

func open(tb testing.TB) vault.Vault {
	tb.Helper()
	v, err := vault.New(nil)
	require.NoError(tb, err)
	return v
}

func TestLockable(t *testing.T) {
	require.NoError(t, checkLocked(func() vault.Vault {
		v := &Lockable{Vault: open(t)}
		v.Locked.Store(true)
		return v
	}))
}

// twisted is a vault with a mistake.
type twisted struct {
	vault.Vault
	certificate func(pay.Certificate) pay.Certificate
	sign        func(v vault.Vault, domain string, message []byte) ([]byte, error)
	agree       func(v vault.Vault, peer [32]byte) ([]byte, error)
}

func (m *twisted) Certificate() pay.Certificate {
	if m.certificate != nil {
		return m.certificate(m.Vault.Certificate())
	}
	return m.Vault.Certificate()
}

func (m *twisted) Sign(domain string, message []byte) ([]byte, error) {
	if m.sign != nil {
		return m.sign(m.Vault, domain, message)
	}
	return m.Vault.Sign(domain, message)
}

func (m *twisted) Agree(peer [32]byte) ([]byte, error) {
	if m.agree != nil {
		return m.agree(m.Vault, peer)
	}
	return m.Vault.Agree(peer)
}

// TestMistakesAreFound plants a mistake for each check, and one for each thing a
// check looks at.
func TestMistakesAreFound(t *testing.T) {
	other, kept := open(t), make([]byte, 64)
	cases := []struct {
		name  string
		vault twisted
		check string // that finds it
	}{
		{"certificate of another", twisted{certificate: func(c pay.Certificate) pay.Certificate {
			c.Identity = other.Certificate().Identity
			return c
		}}, "the certificate verifies and stays the same"},
		{"certificate that changes", twisted{certificate: func() func(pay.Certificate) pay.Certificate {
			n := 0
			return func(c pay.Certificate) pay.Certificate {
				if n++; n > 1 {
					return other.Certificate()
				}
				return c
			}
		}()}, "the certificate verifies and stays the same"},
		{"one key for all", twisted{certificate: func(pay.Certificate) pay.Certificate { return other.Certificate() }}, "two vaults share no key"},
		{"no domain", twisted{sign: func(v vault.Vault, _ string, m []byte) ([]byte, error) { return v.Sign("a", m) }}, "a signature covers its domain and its message"},
		{"half the message", twisted{sign: func(v vault.Vault, d string, m []byte) ([]byte, error) { return v.Sign(d, m[:len(m)/2]) }}, "a signature covers its domain and its message"},
		{"another key signs", twisted{sign: func(_ vault.Vault, d string, m []byte) ([]byte, error) { return other.Sign(d, m) }}, "a signature covers its domain and its message"},
		{"message is wiped", twisted{sign: func(v vault.Vault, d string, m []byte) ([]byte, error) {
			defer clear(m)
			return v.Sign(d, m)
		}}, "a signature covers its domain and its message"},
		{"any domain", twisted{sign: func(v vault.Vault, d string, m []byte) ([]byte, error) {
			if _, err := pay.SignedText(d, m); err != nil {
				d = "a"
			}
			return v.Sign(d, m)
		}}, "a domain of another form is refused"},
		{"another key agrees", twisted{agree: func(_ vault.Vault, p [32]byte) ([]byte, error) { return other.Agree(p) }}, "agreement is X25519 with the transport key"},
		{"low order", twisted{agree: func(v vault.Vault, p [32]byte) ([]byte, error) {
			if b, err := v.Agree(p); err == nil {
				return b, nil
			}
			return make([]byte, 32), nil
		}}, "a peer of low order is refused"},
		{"one buffer for all", twisted{sign: func(v vault.Vault, d string, m []byte) ([]byte, error) {
			b, err := v.Sign(d, m)
			if err != nil {
				return nil, err
			}
			copy(kept, b)
			return kept, nil
		}}, "what is returned belongs to the caller"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, check := range checks() {
				if check.name == c.check {
					require.Error(t, check.check(func() vault.Vault {
						v := c.vault
						v.Vault = open(t)
						return &v
					}))
					return
				}
			}
			t.Fatalf("there is no check %q", c.check)
		})
	}
}

func TestLockedMistakesAreFound(t *testing.T) {
	require.ErrorContains(t, checkLocked(func() vault.Vault { return open(t) }), "Sign of a locked vault", "it is not locked")
	signs := func() vault.Vault {
		v := &Lockable{Vault: open(t)}
		v.Locked.Store(true)
		return &twisted{Vault: v, agree: func(_ vault.Vault, p [32]byte) ([]byte, error) { return open(t).Agree(p) }}
	}
	require.ErrorContains(t, checkLocked(signs), "Agree of a locked vault")
	vague := func() vault.Vault {
		return &twisted{Vault: open(t), sign: func(vault.Vault, string, []byte) ([]byte, error) { return nil, errors.New("no") }}
	}
	require.ErrorContains(t, checkLocked(vague), "not vault.ErrLocked")
}
