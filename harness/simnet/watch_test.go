package simnet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// What watchers wake sends the same packets in each run of a seed.
func TestWatchLinkRepeats(t *testing.T) {
	run := func(t *testing.T) string {
		t.Helper()
		var l bench.Log
		synctest.Test(t, func(t *testing.T) {
			const clients = 8
			n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: 5, Clients: clients, Packets: &l, Profile: bench.Both(harness.Path{Delay: 50 * time.Millisecond})})
			addr := echo(t, n)
			var running sync.WaitGroup
			for i := range clients {
				woken := make(chan struct{}, 1)
				stop := n.Client(i).(harness.LinkWatcher).WatchLink(func() { woken <- struct{}{} })
				running.Go(func() {
					defer stop()
					<-woken
					c, err := n.Client(i).DialContext(context.Background(), "tcp", addr)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					bench.Exchange(t, c, 1000)
				})
			}
			end := inject(t, n, harness.Fault{Action: harness.Blackhole})
			time.Sleep(time.Minute)
			require.Zero(t, l.Len(), "nobody has sent anything")
			end()
			running.Wait()
		})
		return fmt.Sprintf("%+v", l.All(bench.Any))
	}
	want := run(t)
	require.NotEmpty(t, want)
	for range 5 {
		require.Equal(t, want, run(t))
	}
}
