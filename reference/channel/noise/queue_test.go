package noise

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Requests that come while the handshake is under way are sent in the order in
// which they came, without those that were given up meanwhile.
func TestHandshakeIsAwaitedInOrder(t *testing.T) {
	const n, givesUp = 200, 5
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		cc, sc := net.Pipe()
		server := Server(sc, b.server())
		s := Client(cc, b.client())
		var clients, bank sync.WaitGroup
		var got []byte
		bank.Go(func() {
			for range n - 1 {
				in, err := server.Receive()
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, in.Request.Payment.Key[0])
				if in.Number == 0 {
					time.Sleep(time.Second)
				}
				if err := server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)); err != nil {
					t.Error(err)
				}
			}
		})
		var want []byte
		for i := range byte(n) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if i == givesUp {
				ctx, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
			} else {
				want = append(want, i)
			}
			clients.Go(func() {
				defer cancel()
				if _, err := s.Do(ctx, b.request(i)); (err != nil) != (i == givesUp) {
					t.Errorf("request %d: %v", i, err)
				}
			})
			time.Sleep(time.Millisecond)
		}
		clients.Wait()
		bank.Wait()
		require.Equal(t, want, got)
		require.NoError(t, s.Close())
		server.Close()
	})
}
