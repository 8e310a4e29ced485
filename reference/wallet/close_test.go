package wallet

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel"
)

// TestCloseCutsAttemptsShort also while they dial, and what waits.
func TestCloseCutsAttemptsShort(t *testing.T) {
	t.Run("while it pauses", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.staggered()
			r.bank.set(func() { r.bank.down = true })
			r.pay("tea", 0)
			time.Sleep(time.Minute)
			began := time.Now()
			require.NoError(r.t, r.Close())
			require.Zero(r.t, time.Since(began))
		})
	})
	t.Run("while another one has its turn", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.shut()
			r.cfg.Retry.Together = 1
			r.open()
			r.bank.set(func() { r.bank.deaf = true })
			r.pay("tea", 0)
			synctest.Wait()
			r.pay("bun", 0)
			synctest.Wait()
			require.NoError(r.t, r.Close())
			require.Len(r.t, r.attempts, 1)
		})
	})
	t.Run("while it dials", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.shut()
			r.cfg.Dialer = lateDialer{}
			r.open()
			r.pay("tea", 0)
			synctest.Wait()
			require.NoError(r.t, r.Close())
			require.Equal(r.t, "the wallet was closed before an answer came", r.lastTried().Error)
			require.True(r.t, r.lastTried().Dialed)
			require.False(r.t, r.lastTried().Connected)
		})
	})
	t.Run("while it waits for the answer", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.bank.set(func() { r.bank.deaf = true })
			r.pay("tea", 0)
			synctest.Wait()
			require.NoError(r.t, r.Close())
			require.Equal(r.t, "the wallet was closed before an answer came", r.lastTried().Error)
			require.True(r.t, r.lastTried().Connected)
		})
	})
}

// lateDialer notices the end of its context a second late.
type lateDialer struct{}

func (lateDialer) Dial(ctx context.Context) (channel.Channel, error) {
	<-ctx.Done()
	time.Sleep(time.Second)
	return nil, ctx.Err()
}
