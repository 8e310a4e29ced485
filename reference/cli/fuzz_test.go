package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	must "github.com/stretchr/testify/require" // this package has a require of its own
)

// FuzzKeyFiles reads any file in the place of wallet.json and bank.json: it is an
// error, or the keys can be written and read again. No error shows what may be most of
// a secret.
func FuzzKeyFiles(f *testing.F) {
	secret := strings.Repeat("5e", 32)
	bank := strings.Repeat("ab", 64)
	f.Add([]byte(`{"account": "alice", "bank": "127.0.0.1:1", "bank_key": "` + bank + `", "secrets": {"identity": "` + secret + `", "transport": "` + secret + `"}}`))
	f.Add([]byte(`{"static": "` + secret + `", "receipts": "` + secret + `"}`))
	f.Add([]byte(`{"secrets": {"identity": "` + secret[1:] + `"}}`))
	f.Add([]byte(`{"secrets": {"identity": ["` + secret + `"]}, "bank_key": 5}`))
	f.Add([]byte(`{"secrets": null}`))
	f.Add([]byte(secret))
	f.Add([]byte(``))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"wallet.json", "bank.json"} {
			must.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		}
		_, keys, err := readQueue(dir)
		if err != nil {
			must.NotContains(t, err.Error(), secret[:16])
		} else {
			text, err := json.Marshal(keys)
			must.NoError(t, err)
			must.NoError(t, os.WriteFile(filepath.Join(dir, "wallet.json"), text, 0o600))
			_, again, err := readQueue(dir)
			must.NoError(t, err)
			must.Equal(t, keys, again)
		}
		var bankAgain, bankFirst bankKeys
		if err := readKeys(dir, "bank", &bankFirst); err != nil {
			must.NotContains(t, err.Error(), secret[:16])
			return
		}
		text, err := json.Marshal(bankFirst)
		must.NoError(t, err)
		must.NoError(t, json.Unmarshal(text, &bankAgain))
		must.Equal(t, bankFirst, bankAgain)
	})
}

// FuzzBankKey reads any text as the public keys of a bank.
func FuzzBankKey(f *testing.F) {
	f.Add(strings.Repeat("ab", 64))
	f.Add(" " + strings.Repeat("AB", 64) + "\n")
	f.Add("")
	f.Add(strings.Repeat("é", 64))
	f.Fuzz(func(t *testing.T, text string) {
		static, receipts, err := parseBankKey(text)
		if err != nil {
			must.Zero(t, static)
			must.Nil(t, receipts)
			return
		}
		must.Equal(t, strings.ToLower(strings.TrimSpace(text)), bankKeyText(static, receipts))
	})
}
