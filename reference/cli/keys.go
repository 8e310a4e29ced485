package cli

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/onebar/onebar/reference/channel/noise"
)

func hexBytes(text string, size int) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != size {
		return nil, fmt.Errorf("a key of %d hexadecimal digits is needed, and this has %d characters: %.16q", 2*size, len(text), text)
	}
	return b, nil
}

// bankKeyText returns the public keys of a bank as text: the key that authenticates
// connections, then the key that verifies receipts.
func bankKeyText(static noise.PublicKey, receipts ed25519.PublicKey) string {
	return static.String() + hex.EncodeToString(receipts)
}

func parseBankKey(text string) (static noise.PublicKey, receipts ed25519.PublicKey, err error) {
	b, err := hexBytes(text, len(static)+ed25519.PublicKeySize)
	if err != nil {
		return static, nil, fmt.Errorf("--bank-key: %w; it is in bank.pub of the bank's folder", err)
	}
	return noise.PublicKey(b[:len(static)]), b[len(static):], nil
}
