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
