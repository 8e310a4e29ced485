package wallet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/outbox"
)

// TestLockedVaultKeepsPaymentsQueued: what cannot be signed has not been sent. It
// is attempted again, and confirmed when the vault is unlocked.
func TestLockedVaultKeepsPaymentsQueued(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.vault.Locked.Store(true)
		p := r.pay("tea", 0)
		time.Sleep(10 * time.Second)
		require.Equal(t, []outbox.State{outbox.Queued}, r.toldOf(p.Key))
		r.bank.set(func() {
			require.Zero(t, r.bank.dials, "nothing is dialed for what cannot be sent")
			require.Empty(t, r.bank.asked)
		})
		r.mu.Lock()
		require.NotEmpty(t, r.attempts)
		for _, a := range r.attempts {
			require.Contains(t, a.Error, "the vault is locked: unlock it")
			require.False(t, a.Dialed)
		}
		require.Less(t, len(r.attempts), 20, "it waits between its attempts")
		r.mu.Unlock()

		r.bank.vault.Locked.Store(false)
		require.NoError(t, r.Sync(r.t.Context()))
		require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Confirmed}, r.toldOf(p.Key))
		require.Len(t, r.bank.bookings(), 1)
	})
}

// TestLockedVaultAtTheDeadline: a payment that was never signed expires without
// asking the bank, because it cannot have left the phone.
func TestLockedVaultAtTheDeadline(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.vault.Locked.Store(true)
		p := r.settle(r.pay("tea", time.Minute).Key)
		require.Equal(t, outbox.Expired, p.State)
		require.Empty(t, r.bank.requests())
	})
}

// TestLockedVaultAfterASilentBank: a payment that may have been booked stays
// unknown while the vault is locked.
func TestLockedVaultAfterASilentBank(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.mute = true })
		p := r.pay("tea", 0)
		time.Sleep(time.Second)
		require.Len(t, r.bank.requests(), 1)
		r.bank.vault.Locked.Store(true)
		time.Sleep(time.Minute)
		require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Unknown}, r.toldOf(p.Key))
		require.Len(t, r.bank.requests(), 1)

		r.bank.set(func() { r.bank.mute = false })
		r.bank.vault.Locked.Store(false)
		require.NoError(t, r.Sync(r.t.Context()))
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		require.Len(t, r.bank.bookings(), 1)
	})
}

// TestLockedVaultAfterABrokenConnection: an attempt that fails on an open
// connection is repeated at once, but not while the vault is locked.
func TestLockedVaultAfterABrokenConnection(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settle(r.pay("tea", 0).Key)
		r.bank.set(func() { r.bank.cut, r.bank.late = true, time.Second })
		p := r.pay("bun", 0)
		time.Sleep(500 * time.Millisecond)
		require.Len(t, r.bank.requests(), 2)
		r.bank.vault.Locked.Store(true)
		time.Sleep(time.Second)
		r.mu.Lock()
		require.LessOrEqual(t, len(r.attempts), 12, "it waits between its attempts: dozens would be a loop")
		r.mu.Unlock()
		r.bank.set(func() { r.bank.cut, r.bank.late = false, 0 })
		r.bank.vault.Locked.Store(false)
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		require.Len(t, r.bank.bookings(), 2)
	})
}
