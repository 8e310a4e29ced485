package vault_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

var _ pay.Signer = vault.Vault(nil) // a vault signs requests

// TestSecretsAreStored: keys that were written and read again are the same.
func TestSecretsAreStored(t *testing.T) {
	s, err := vault.NewSecrets(rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var again vault.Secrets
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, s, again)
	first, err := vault.Open(s)
	require.NoError(t, err)
	second, err := vault.Open(again)
	require.NoError(t, err)
	drawn, err := vault.New(rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	require.Equal(t, first.Certificate(), second.Certificate())
	require.Equal(t, first.Certificate(), drawn.Certificate(), "the same draws make the same keys")
}

func TestOpenRefuses(t *testing.T) {
	_, err := vault.New(strings.NewReader("too short"))
	require.ErrorContains(t, err, "draw the keys of a wallet")
	for _, s := range []vault.Secrets{{}, {Identity: vault.Secret{1}}, {Transport: vault.Secret{1}}} {
		_, err := vault.Open(s)
		require.ErrorContains(t, err, "one of its two keys is missing")
	}
	var s vault.Secrets
	for _, text := range []string{`{"identity":"ab"}`, `{"identity":"` + strings.Repeat("z", 64) + `"}`} {
		err := json.Unmarshal([]byte(text), &s)
		require.ErrorContains(t, err, "64 hexadecimal digits")
		require.NotContains(t, err.Error(), "zz")
	}
}

// TestKeysDoNotPrint prints a vault and its secrets in every way that a log would.
func TestKeysDoNotPrint(t *testing.T) {
	s, err := vault.NewSecrets(rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	k, err := vault.Open(s)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{s, &s, s.Identity, k, *k} {
			text := fmt.Sprintf(verb, v)
			for _, secret := range []vault.Secret{s.Identity, s.Transport} {
				for _, as := range []string{"%x", "%d", "%s", "%#v"} {
					_, bytes, _ := strings.Cut("{"+strings.Trim(fmt.Sprintf(as, secret[:6]), "[]}"), "{")
					bytes = strings.TrimPrefix(bytes, "byte{")
					require.NotContains(t, text, bytes, "%s of a %T", verb, v)
				}
			}
		}
	}
}
