package bubble_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/bubble"
)

// TestTurns: at one instant those who have no number come first, and then the others one
// after the other, in the order of their numbers.
func TestTurns(t *testing.T) {
	for seed := range uint64(20) {
		var got []int
		err := bubble.Run(t.Context(), bubble.Options{}, func(ctx context.Context) error {
			turns := bubble.TurnsOf(ctx)
			at := time.Now().Add(time.Second)
			done := make(chan struct{})
			go func() {
				time.Sleep(time.Until(at))
				got = append(got, -1)
			}()
			const n = 20
			for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(n) {
				go func() {
					time.Sleep(time.Until(at))
					turns.Take(i, nil)
					got = append(got, i) // no lock: nobody else runs
					if i == 3 {
						turns.Take(i, nil) // again at the same instant: before those that still wait
						got = append(got, 100)
					}
					if i == n-1 {
						close(done)
					}
				}()
			}
			<-done
			require.True(t, time.Now().Equal(at), "a turn takes no time")
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, []int{-1, 0, 1, 2, 3, 100, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, got)
	}
}

// TestTurnStops: a turn that is no longer wanted holds nobody up, also while a goroutine
// waits for a lock that its owner holds.
func TestTurnStops(t *testing.T) {
	err := bubble.Run(t.Context(), bubble.Options{}, func(ctx context.Context) error {
		turns, stop, left := bubble.TurnsOf(ctx), make(chan struct{}), make(chan struct{})
		hold := make(chan struct{})
		turns.Take(1, nil)
		go func() {
			turns.Take(2, stop)
			close(left)
		}()
		go func() {
			close(stop)
			<-left
			close(hold)
		}()
		<-hold
		turns.Take(3, nil)
		return nil
	})
	require.NoError(t, err)
	bubble.TurnsOf(t.Context()).Take(1, nil) // outside of a bubble: at once
}
