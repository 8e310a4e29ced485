package wallet

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
)

// allDiffer fails unless no two of n instants are the same.
func allDiffer(t *testing.T, n int, at []time.Time) {
	t.Helper()
	require.Len(t, at, n)
	seen := map[time.Time]bool{}
	for _, x := range at {
		require.False(t, seen[x], "two at the same instant: %v", at)
		seen[x] = true
	}
}

// staggered is a wallet that makes its attempts hours apart, and at lags of up to a
// second after what wakes several payments.
func (r *rig) staggered() {
	r.t.Helper()
	r.shut()
	r.cfg.Stagger = time.Second
	r.cfg.Retry = retry.Policy{Base: 1000 * time.Hour, Cap: 1000 * time.Hour}
	r.open()
}

// began returns when the attempts so far have begun, and forgets them.
func (r *rig) began() (at []time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.attempts {
		at = append(at, a.Began)
	}
	r.attempts = nil
	return at
}

// arrivals makes the bank note when requests arrive.
func (r *rig) arrivals() func() []time.Time {
	var at []time.Time
	r.bank.set(func() {
		r.bank.twist = func(_ pay.Request, a pay.Answer) (pay.Answer, bool) {
			at = append(at, time.Now())
			return a, true
		}
	})
	return func() []time.Time {
		r.bank.mu.Lock()
		defer r.bank.mu.Unlock()
		return at
	}
}

// TestStagger: what an event wakes at one instant goes on at different ones, so
// that a seed repeats a simulation.
func TestStagger(t *testing.T) {
	orders := []string{"tea", "bun", "jam", "rice"}
	n := len(orders)
	payAll := func(r *rig) {
		for _, o := range orders {
			r.pay(o, 0)
		}
	}
	t.Run("the link comes up, then the program starts", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.staggered()
			r.bank.set(func() { r.bank.down = true })
			payAll(r)
			time.Sleep(time.Minute)
			r.began()
			r.LinkUp()
			time.Sleep(time.Minute)
			allDiffer(r.t, n, r.began())

			r.crash()
			r.open()
			time.Sleep(time.Minute)
			allDiffer(r.t, n, r.began())
		})
	})
	t.Run("a connection opens", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.cfg.Dialer.(*noise.Dialer).Net = func(ctx context.Context, network, address string) (net.Conn, error) {
				time.Sleep(5 * time.Second)
				return r.bank.dial(ctx, network, address)
			}
			r.staggered()
			at := r.arrivals()
			payAll(r)
			time.Sleep(time.Minute)
			require.Equal(r.t, 1, r.bank.dials)
			allDiffer(r.t, n, at())
		})
	})
	t.Run("answers come together", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			var at []time.Time
			told := r.cfg.Told
			r.cfg.Told = func(p outbox.Payment) {
				told(p)
				if p.State == outbox.Confirmed {
					r.mu.Lock()
					defer r.mu.Unlock()
					at = append(at, time.Now())
				}
			}
			r.staggered()
			r.settle(r.pay("first", 0).Key)
			at = nil
			r.bank.set(func() { r.bank.late = 3 * time.Second })
			r.pay("tea", 0)
			synctest.Wait()
			r.bank.set(func() { r.bank.late = 0 })
			r.pay("bun", 0) // both wait for an answer, and it comes in three seconds
			time.Sleep(time.Minute)
			allDiffer(r.t, 2, at)
		})
	})
}

// TestAttemptsThatBreakANewConnectionAreNotRepeatedAtOnce, neither by who has dialed
// it nor by who has waited for it: only one that had served before may have been
// dead for long.
func TestAttemptsThatBreakANewConnectionAreNotRepeatedAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.cfg.Dialer.(*noise.Dialer).Net = func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(time.Second)
			return r.bank.dial(ctx, network, address)
		}
		r.staggered()
		r.bank.set(func() { r.bank.cut, r.bank.late = true, 2*time.Second })
		r.pay("tea", 0)
		r.pay("bun", 0)
		time.Sleep(time.Minute)
		require.Equal(r.t, 1, r.bank.dials)
		require.Len(r.t, r.began(), 2)
	})
}

// TestASilentConnectionThatServedIsNotReplacedAtOnce: a time-out is followed by a
// pause.
func TestASilentConnectionThatServedIsNotReplacedAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.staggered()
		r.settle(r.pay("tea", 0).Key)
		r.bank.set(func() { r.bank.deaf = true })
		r.pay("bun", 0)
		time.Sleep(time.Minute)
		require.Len(r.t, r.bank.requests(), 2)
		require.Equal(r.t, 1, r.bank.dials)
	})
}
