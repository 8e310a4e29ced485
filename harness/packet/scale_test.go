package packet_test

import (
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

func TestThousandClients(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds with the race detector")
	}
	var l log
	const clients = 1000
	path := harness.Path{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Rate: 1_000_000}
	n := open(t, harness.NetworkConfig{Clients: clients, Profile: symmetric(path), Packets: &l})
	addr := echo(t, n)
	var wg sync.WaitGroup
	failed := make(chan error, clients)
	for i := range clients {
		wg.Go(func() {
			c, err := n.Client(i).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				failed <- err
				return
			}
			defer c.Close()
			b := make([]byte, 300)
			for range 3 {
				if _, err = c.Write(b); err == nil {
					_, err = io.ReadFull(c, b)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	seen := map[int]bool{}
	for _, p := range l.all() {
		seen[p.Client] = true
	}
	require.Len(t, seen, clients)
	require.Zero(t, l.count(dropped))
}

// TestCloseUnderTraffic closes networks with packets in every place they can
// be. That no goroutine is left is checked by TestMain.
func TestCloseUnderTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("a SYN lost takes a second")
	}
	for name, path := range map[string]harness.Path{
		"perfect": {},
		"delay":   {Delay: 3 * time.Millisecond, Loss: harness.Loss{P: 0.02}},
	} {
		t.Run(name, func(t *testing.T) {
			var l log
			n := open(t, harness.NetworkConfig{Clients: 20, Profile: symmetric(path), Packets: &l})
			addr := echo(t, n)
			var wg sync.WaitGroup
			for i := range 20 {
				c := dial(t, n.Client(i), addr)
				wg.Go(func() {
					b := make([]byte, 10_000)
					for {
						if _, err := c.Write(b); err != nil {
							return
						}
					}
				})
				wg.Go(func() { _, _ = io.Copy(io.Discard, c) })
				if i%2 == 0 { // and some that begin
					wg.Go(func() {
						if c, err := n.Client(i).DialContext(t.Context(), "tcp", addr); err == nil {
							c.Close()
						}
					})
				}
			}
			require.Eventually(t, func() bool { return len(l.all()) > 500 }, patience, time.Millisecond)
			require.NoError(t, n.Close())
			wg.Wait()
			if path.Delay > 0 {
				require.NotZero(t, l.count(func(p harness.Packet) bool { return p.Drop == harness.DropStopped }))
			}
		})
	}
}
