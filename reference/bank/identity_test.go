package bank

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

// forger is the vault of somebody who has stolen the bank's static private key
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
func stealingServer(t *testing.T, cfg ServerConfig, victim testWallet) (*testServer, *forger) {
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
	b := openBook(t, 1)
	var log syncBuffer
	sv, f := stealingServer(t, ServerConfig{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))}, b.wallets[0])
	forged := sv.bank
	forged.Vault = f

	s := forged.open(sv.connect(t))
	_, err := do(t, s, pay.AskPay, payment(1))
	require.ErrorContains(t, err, "the bank closed the connection")
	s.Close()
	transfers, closing := b.books(t)
	require.Empty(t, transfers)
	require.EqualValues(t, 100_00, closing["w0"])
	require.Contains(t, log.String(), "broke the protocol")
	require.Contains(t, log.String(), "its signature is not that of "+b.wallets[0].id().String())

	f.Vault = b.wallets[0].Vault
	s = forged.open(sv.connect(t))
	defer s.Close()
	_, err = do(t, s, pay.AskPay, payment(1))
	require.ErrorContains(t, err, "handshake message 2", "the answer is for the wallet alone")
	transfers, _ = b.books(t)
	require.Len(t, transfers, 1)
}

// TestIdentify: a wallet is known once it is enrolled, and not before that is
// durable, and still after the bank was opened again.
func TestIdentify(t *testing.T) {
	b := openBook(t, 2)
	for range 2 {
		for _, w := range b.wallets {
			got, known := b.Identify(w.Certificate().Transport)
			require.True(t, known)
			require.Equal(t, w.id(), got)
		}
		for _, stranger := range [][32]byte{{}, newTestWallet(t, nil).Certificate().Transport, b.wallets[0].id()} {
			got, known := b.Identify(stranger)
			require.False(t, known)
			require.Zero(t, got)
		}
		require.NoError(t, b.Close())
		b.reopen(t)
	}
}

func TestIdentifyKnowsNobodyOfAFailedBatch(t *testing.T) {
	fs, vfsName := newTestVFS(t)
	cfg, clock := config(t)
	cfg.VFS = vfsName
	b := openBookWith(t, 1, cfg, clock)
	late := newTestWallet(t, nil)
	fs.failWrite.Store(true)
	require.Error(t, b.Enroll(t.Context(), Account{Name: "late", Certificate: late.Certificate(), Currency: "KES"}))
	_, known := b.Identify(late.Certificate().Transport)
	require.False(t, known)
}

// TestIdentifyWhileWalletsAreEnrolled enrolls wallets and asks for them at once,
// also two with one transport key in the same batch, of which one is refused.
func TestIdentifyWhileWalletsAreEnrolled(t *testing.T) {
	b := openBook(t, 1)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				b.Identify(b.wallets[0].Certificate().Transport)
			}
		}
	})
	var enrolling sync.WaitGroup
	var refused atomic.Int64
	for i := range 20 {
		s, err := vault.NewSecrets(nil)
		require.NoError(t, err)
		for j := range byte(2) {
			s.Identity[0] = j
			v, err := vault.Open(s)
			require.NoError(t, err)
			enrolling.Go(func() {
				err := b.Enroll(context.Background(), Account{Name: fmt.Sprint("x", i, "-", j), Certificate: v.Certificate(), Currency: "KES"})
				identity, known := b.Identify(v.Certificate().Transport)
				switch {
				case err != nil:
					refused.Add(1)
				case !known || identity != v.Certificate().Identity:
					t.Error("an enrolled wallet is not known")
				}
			})
		}
	}
	enrolling.Wait()
	close(done)
	wg.Wait()
	require.EqualValues(t, 20, refused.Load(), "one of each two")
	transfers, _ := b.books(t)
	require.Empty(t, transfers)
}
