package bank

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/sqlite/storetest"
	"github.com/onebar/onebar/reference/vault"
)

// TestIdentify: a wallet is known once it is enrolled, and not before that is
// durable, and still after the bank was opened again.
func TestIdentify(t *testing.T) {
	b := openTestLedger(t, 2)
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
	disk := storetest.NewDisk(t)
	cfg, clock := config(t)
	cfg.VFS = disk.Name
	b := openTestLedgerWith(t, 1, cfg, clock)
	late := newTestWallet(t, nil)
	disk.FullAll.Store(true)
	require.Error(t, b.Enroll(t.Context(), Account{Name: "late", Certificate: late.Certificate(), Currency: "KES"}))
	_, known := b.Identify(late.Certificate().Transport)
	require.False(t, known)
}

// TestIdentifyWhileWalletsAreEnrolled enrolls wallets and asks for them at once,
// also two with one transport key in the same batch, of which one is refused.
func TestIdentifyWhileWalletsAreEnrolled(t *testing.T) {
	b := openTestLedger(t, 1)
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
	transfers, _ := b.contents(t)
	require.Empty(t, transfers)
}
