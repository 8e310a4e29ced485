package simnet_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// crowd has clients exchange at the same instants over lossy links, each dialing
// anew now and then, and returns the log of the packets.
func crowd(t *testing.T, seed uint64, clients int) string {
	t.Helper()
	var l bench.Log
	synctest.Test(t, func(t *testing.T) {
		edge := harness.Path{Delay: 150 * time.Millisecond, Jitter: 30 * time.Millisecond, Rate: 240_000, Loss: harness.Loss{P: 0.05}}
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: seed, Clients: clients, Profile: bench.Both(edge), Packets: &l})
		addr := echo(t, n)
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				for range 3 {
					c, err := n.Client(i).DialContext(context.Background(), "tcp", addr)
					if err != nil {
						continue
					}
					for k := range 4 {
						_ = c.SetDeadline(time.Now().Add(20 * time.Second))
						b := make([]byte, 100+3000*k)
						if _, err := c.Write(b); err != nil {
							break
						}
						if _, err := io.ReadFull(c, b); err != nil {
							break
						}
						time.Sleep(40 * time.Millisecond)
					}
					c.Close()
				}
			})
		}
		time.Sleep(2 * time.Second)
		for _, a := range []harness.Action{harness.Blackhole, harness.Reset, harness.Rebind, harness.Vanish} {
			end, err := n.Inject(harness.Fault{Action: a})
			require.NoError(t, err)
			time.Sleep(time.Second)
			end()
		}
		all.Wait()
	})
	return fmt.Sprintf("%+v", l.All(bench.Any))
}

// TestSameSeedSamePackets compares packet logs byte by byte, with goroutines
// running one at a time and in parallel.
func TestSameSeedSamePackets(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	const clients = 20
	for seed := range uint64(3) {
		want := crowd(t, seed, clients)
		require.NotEqual(t, want, crowd(t, seed+100, clients))
		for round := range rounds {
			before := runtime.GOMAXPROCS(1 + round%2)
			got := crowd(t, seed, clients)
			runtime.GOMAXPROCS(before)
			require.True(t, want == got, "seed %d, round %d", seed, round)
		}
	}
}

// TestThousandWallets has a thousand clients in one bubble.
func TestThousandWallets(t *testing.T) {
	const wallets = 1000
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Clients: wallets, Profile: edge()})
		addr := echo(t, n)
		var all sync.WaitGroup
		for i := range wallets {
			all.Go(func() {
				c := dial(t, n.Client(i), addr)
				for range 3 {
					bench.Exchange(t, c, 200)
				}
			})
		}
		all.Wait()
	})
}
