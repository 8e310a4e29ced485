package server

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

// forger is the vault of an attacker who has stolen the bank's static private key
// and knows the public keys of a wallet. Package noise tests what it can do.
type forger struct {
	vault.Vault // signs

	victim  pay.Certificate
	secrets []byte // X25519 of the bank's private key and the wallet's public one
}

// Certificate implements vault.Vault.
func (f *forger) Certificate() pay.Certificate { return f.victim }

// Agree implements vault.Vault.
func (f *forger) Agree([32]byte) ([]byte, error) { return append([]byte(nil), f.secrets...), nil }

// stealingServer is a server whose static private key is stolen, and the forger.
func stealingServer(t *testing.T, cfg Config, victim testWallet) (*testServer, *forger) {
	t.Helper()
	sv := startServer(t, cfg)
	stolen, err := vault.Open(vault.Secrets{Identity: vault.Secret{1}, Transport: sv.static.Private})
	require.NoError(t, err)
	secret, err := stolen.Agree(victim.Certificate().Transport)
	require.NoError(t, err)
	return sv, &forger{Vault: newTestWallet(t, nil), victim: victim.Certificate(), secrets: secret}
}

// TestForgedPaymentIsNotBooked: with the bank's static private key alone nobody
// pays from a wallet. The signature is all that stops it: the same forger with a
// payment that the wallet has signed is booked.
func TestForgedPaymentIsNotBooked(t *testing.T) {
	b := openTestLedger(t, 1)
	var log syncBuffer
	sv, f := stealingServer(t, Config{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))}, b.wallets[0])
	forged := sv.bank
	forged.Vault = f

	s := forged.open(sv.connect(t))
	_, err := do(t, s, pay.AskPay, payment(1))
	require.ErrorContains(t, err, "the bank closed the connection")
	s.Close()
	transfers, closing := b.contents(t)
	require.Empty(t, transfers)
	require.EqualValues(t, 100_00, closing["w0"])
	require.Contains(t, log.String(), "broke the protocol")
	require.Contains(t, log.String(), "its signature is not that of "+b.wallets[0].id().String())

	f.Vault = b.wallets[0].Vault
	s = forged.open(sv.connect(t))
	defer s.Close()
	_, err = do(t, s, pay.AskPay, payment(1))
	require.ErrorContains(t, err, "handshake message 2", "the answer is for the wallet alone")
	transfers, _ = b.contents(t)
	require.Len(t, transfers, 1)
}
