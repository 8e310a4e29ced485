package simnet_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// TestStreamsArriveWhole sends random streams both ways at once over random links,
// in writes of random sizes.
func TestStreamsArriveWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	rapid.Check(t, func(r *rapid.T) {
		path := func(label string) harness.Path {
			share := rapid.SampledFrom([]float64{0, 0, 0.01, 0.1})
			return harness.Path{
				Delay:     time.Duration(rapid.IntRange(0, 300).Draw(r, label+" delay")) * time.Millisecond,
				Jitter:    time.Duration(rapid.IntRange(0, 50).Draw(r, label+" jitter")) * time.Millisecond,
				Rate:      int64(rapid.SampledFrom([]int{0, 64_000, 1_000_000, 50_000_000}).Draw(r, label+" rate")),
				Reorder:   share.Draw(r, label+" reorder"),
				Duplicate: share.Draw(r, label+" duplicate"),
				Corrupt:   share.Draw(r, label+" corrupt"),
				Loss:      harness.Loss{P: share.Draw(r, label+" loss")},
				MTU:       rapid.SampledFrom([]int{0, 0, 1500, 1280, 700}).Draw(r, label+" mtu"),
			}
		}
		c := harness.NetworkConfig{
			Seed: rapid.Uint64().Draw(r, "seed"), Clients: 1,
			Profile: harness.Profile{Up: path("up"), Down: path("down")},
		}
		g := simnet.Engine{
			SendBuffer:    rapid.SampledFrom([]int{0, 5000, 50_000}).Draw(r, "send buffer"),
			ReceiveBuffer: rapid.SampledFrom([]int{0, 1000, 50_000}).Draw(r, "receive buffer"),
		}
		var l bench.Log
		c.Packets = &l
		up, down := rapid.IntRange(0, 100_000).Draw(r, "up"), rapid.IntRange(0, 100_000).Draw(r, "down")
		synctest.Test(new(testing.T), func(*testing.T) { streams(r, g, c, up, down) })
		check(r, l.All(bench.Any))
	})
}

func streams(r *rapid.T, g simnet.Engine, c harness.NetworkConfig, up, down int) {
	c.Start = time.Now()
	n, err := g.New(c)
	require.NoError(r, err)
	l, err := n.Server().Listen(context.Background(), "tcp", ":0")
	require.NoError(r, err)
	results := make(chan error, 4)
	got := make([][]byte, 2)
	want := [][]byte{bench.Noise(c.Seed, up), bench.Noise(c.Seed+1, down)}
	side := func(i int, conn net.Conn) {
		go func() {
			results <- write(conn, want[i])
		}()
		go func() {
			b, err := io.ReadAll(conn)
			got[1-i] = b
			results <- err
		}()
	}
	client, err := n.Client(0).DialContext(context.Background(), "tcp", l.Addr().String())
	require.NoError(r, err)
	server, err := l.Accept()
	require.NoError(r, err)
	side(0, client)
	side(1, server)
	for range 4 {
		require.NoError(r, <-results)
	}
	require.NoError(r, client.Close())
	require.NoError(r, server.Close())
	time.Sleep(10 * time.Minute)
	require.NoError(r, n.Close())
	for i := range want {
		require.True(r, bytes.Equal(want[i], got[i]))
	}
}

// write sends b in pieces, and the end of the stream.
func write(c net.Conn, b []byte) error {
	for size := 1; len(b) > 0; size = size*3 + 1 {
		n := min(size, len(b))
		if _, err := c.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if size > 20_000 {
			size = 1
			time.Sleep(50 * time.Millisecond)
		}
	}
	return c.(interface{ CloseWrite() error }).CloseWrite()
}

// check holds a log of packets to what is always true.
func check(r *rapid.T, packets []harness.Packet) {
	offered := map[harness.Direction]map[int64]bool{harness.Up: {}, harness.Down: {}}
	for _, p := range packets {
		require.LessOrEqual(r, p.Size, 1500)
		require.Zero(r, p.Late)
		require.NotEqual(r, harness.DropStopped, p.Drop, "nothing is sent long after the end")
		if !p.Copy {
			require.False(r, offered[p.Direction][p.N], "told once")
			offered[p.Direction][p.N] = true
		}
	}
	for _, numbers := range offered {
		for i := range numbers {
			require.LessOrEqual(r, i, int64(len(numbers)), "numbered without a gap")
		}
	}
}
