package simnet_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// edge is the profile of the figures: EDGE with some loss.
func edge() harness.Profile {
	return harness.Profile{
		Up:   harness.Path{Delay: 150 * time.Millisecond, Jitter: 30 * time.Millisecond, Rate: 118_000, Loss: harness.Loss{P: 0.01}},
		Down: harness.Path{Delay: 150 * time.Millisecond, Jitter: 30 * time.Millisecond, Rate: 236_000, Loss: harness.Loss{P: 0.01}},
	}
}

// pay has wallets make payments each over one connection, through an outage of
// 30 s, and returns how much virtual time went by.
func pay(b *testing.B, seed uint64, wallets, payments int) (virtual time.Duration) {
	b.Helper()
	g := simnet.Engine{}
	synctest.Test(new(testing.T), func(*testing.T) {
		n, err := g.New(harness.NetworkConfig{Seed: seed, Start: time.Now(), Clients: wallets, Profile: edge()})
		require.NoError(b, err)
		l, err := n.Server().Listen(context.Background(), "tcp", ":0")
		require.NoError(b, err)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(c, c) }()
			}
		}()
		begin := time.Now()
		over := make(chan bool)
		for i := range wallets {
			go func() {
				defer func() { over <- true }()
				time.Sleep(time.Duration(i) * 3 * time.Millisecond)
				c, err := n.Client(i).DialContext(context.Background(), "tcp", l.Addr().String())
				if err != nil {
					return
				}
				defer c.Close()
				message := make([]byte, 200)
				for range payments {
					_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
					if _, err := c.Write(message); err != nil {
						return
					}
					if _, err := io.ReadFull(c, message); err != nil {
						return
					}
					time.Sleep(5 * time.Second)
				}
			}()
		}
		time.Sleep(20 * time.Second)
		end, err := n.Inject(harness.Fault{Action: harness.Blackhole})
		require.NoError(b, err)
		time.Sleep(30 * time.Second)
		end()
		for range wallets {
			<-over
		}
		virtual = time.Since(begin)
		require.NoError(b, n.Close())
	})
	return virtual
}

// BenchmarkPayments is a run of 200 payments by one wallet, and by a thousand, on
// EDGE with an outage.
func BenchmarkPayments(b *testing.B) {
	for _, tc := range []struct{ wallets, payments int }{{1, 200}, {20, 10}, {1000, 20}} {
		b.Run(fmt.Sprintf("%dx%d", tc.wallets, tc.payments), func(b *testing.B) {
			b.ReportAllocs()
			var virtual time.Duration
			seed := uint64(0)
			for b.Loop() {
				seed++
				virtual += pay(b, seed, tc.wallets, tc.payments)
			}
			b.ReportMetric(virtual.Seconds()/b.Elapsed().Seconds(), "virtual-s/s")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

// BenchmarkBulk uploads 10 MB over a clean link of 100 Mbit/s.
func BenchmarkBulk(b *testing.B) {
	const size = 10_000_000
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		synctest.Test(new(testing.T), func(*testing.T) {
			n, err := simnet.Engine{}.New(harness.NetworkConfig{
				Start: time.Now(), Clients: 1, Profile: bench.Both(harness.Path{Delay: 10 * time.Millisecond, Rate: 100_000_000}),
			})
			require.NoError(b, err)
			l, err := n.Server().Listen(context.Background(), "tcp", ":0")
			require.NoError(b, err)
			go func() {
				c, err := n.Client(0).DialContext(context.Background(), "tcp", l.Addr().String())
				require.NoError(b, err)
				_, _ = c.Write(make([]byte, size))
				c.Close()
			}()
			c, err := l.Accept()
			require.NoError(b, err)
			got, err := io.Copy(io.Discard, c)
			require.NoError(b, err)
			require.EqualValues(b, size, got)
			require.NoError(b, n.Close())
		})
	}
}
