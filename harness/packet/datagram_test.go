package packet_test

import (
	"bytes"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/packet"
)

// listenPacket makes a socket for datagrams on a host.
func listenPacket(t *testing.T, h harness.Host, address string) net.PacketConn {
	t.Helper()
	p, ok := h.(harness.PacketListener)
	require.True(t, ok)
	c, err := p.ListenPacket(t.Context(), "udp", address)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { c.Close() })
	return c
}

// reflect sends every datagram back, until the network ends.
func reflect(t *testing.T, n *packet.Network) string {
	t.Helper()
	c := listenPacket(t, n.Server(), ":0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1<<16)
		for {
			k, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if _, err := c.WriteTo(b[:k], from); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return c.LocalAddr().String()
}

func dialUDP(t *testing.T, h harness.Host, addr string) net.Conn {
	t.Helper()
	c, err := h.DialContext(t.Context(), "udp", addr)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDatagrams(t *testing.T) {
	var l bench.Log
	n := open(t, harness.NetworkConfig{Profile: bench.Both(harness.Path{Delay: 10 * time.Millisecond}), Packets: &l})
	addr := reflect(t, n)
	c := dialUDP(t, n.Client(0), addr)
	began := time.Now()
	bench.Exchange(t, c, 500)
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
	bench.Exchange(t, dialUDP(t, n.Client(0), addr), 0)
	bench.Exchange(t, c, 500)

	free := listenPacket(t, n.Client(0), ":0")
	to, err := net.ResolveUDPAddr("udp", addr)
	require.NoError(t, err)
	_, err = free.WriteTo([]byte("hello"), to)
	require.NoError(t, err)
	b := make([]byte, 3)
	k, from, err := free.ReadFrom(b)
	require.NoError(t, err)
	require.Equal(t, "hel", string(b[:k]), "what does not fit is lost")
	require.Equal(t, addr, from.String())

	sizes := map[int]int{}
	for _, p := range l.All(bench.Any) {
		require.False(t, p.Retransmit, "datagrams are never sent again: %+v", p)
		sizes[p.Size]++
	}
	require.Equal(t, map[int]int{28 + 500: 4, 28 + 5: 2, 28: 2}, sizes)
	require.Equal(t, 4, l.Count(func(p harness.Packet) bool { return p.Flow == 1 }))
	require.Equal(t, 2, l.Count(func(p harness.Packet) bool { return p.Flow == 3 }))
}

// TestLargeDatagrams are fragmented by their sender, and lost if a fragment is.
func TestLargeDatagrams(t *testing.T) {
	var l bench.Log
	n := open(t, harness.NetworkConfig{Seed: 1, Profile: bench.Both(harness.Path{Delay: time.Millisecond}), Packets: &l})
	addr := reflect(t, n)
	a, b := dialUDP(t, n.Client(0), addr), dialUDP(t, n.Client(0), addr)
	bench.Exchange(t, a, 1472)
	require.Equal(t, 2, l.Len())
	bench.Exchange(t, a, 5000)
	bench.Exchange(t, b, 60_000)
	require.Equal(t, 2+2*4, l.Count(func(p harness.Packet) bool { return p.Flow == 1 }), "fragments belong to their flow")
	require.Equal(t, 2*41, l.Count(func(p harness.Packet) bool { return p.Flow == 2 }))
	require.Zero(t, l.Count(func(p harness.Packet) bool { return p.Flow == 0 || p.Flow > 2 }))

	n.SetProfile(bench.Both(harness.Path{Delay: time.Millisecond, Loss: harness.Loss{P: 0.2}}))
	whole := 0
	for i := range 60 {
		want := bytes.Repeat([]byte{byte(i)}, 4000)
		_, err := a.Write(want)
		require.NoError(t, err)
		require.NoError(t, a.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		got := make([]byte, 1<<16)
		k, err := a.Read(got)
		if err == nil {
			whole++
			require.Equal(t, 4000, k)
			require.Equal(t, 4000, bytes.Count(got[:k], got[:1]), "no fragments of several datagrams in one")
		}
	}
	require.Positive(t, whole)
	require.Less(t, whole, 60)
}

func TestDatagramErrors(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	ctx := t.Context()
	server := listenPacket(t, n.Server(), ":0")
	addr := server.LocalAddr()

	_, err := n.Server().(harness.PacketListener).ListenPacket(ctx, "udp", addr.String())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	_, err = n.Client(0).(harness.PacketListener).ListenPacket(ctx, "udp", addr.String())
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	_, err = n.Client(0).(harness.PacketListener).ListenPacket(ctx, "tcp", ":0")
	require.ErrorIs(t, err, net.UnknownNetworkError("tcp"))
	_, err = n.Client(0).DialContext(ctx, "udp", "192.0.2.1:5")
	require.ErrorIs(t, err, syscall.EHOSTUNREACH)

	c := dialUDP(t, n.Client(0), addr.String())
	_, err = c.(net.PacketConn).WriteTo([]byte("x"), addr)
	require.ErrorIs(t, err, net.ErrWriteToConnected)
	_, err = c.Write(make([]byte, 70_000))
	require.ErrorIs(t, err, syscall.EMSGSIZE)
	free := listenPacket(t, n.Client(0), ":0")
	require.Nil(t, free.(net.Conn).RemoteAddr())
	_, err = free.(net.Conn).Write([]byte("x"))
	require.ErrorIs(t, err, syscall.EDESTADDRREQ)
	_, err = free.WriteTo([]byte("x"), &net.TCPAddr{})
	require.ErrorContains(t, err, "want a *net.UDPAddr")
	_, err = free.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv6loopback})
	require.ErrorContains(t, err, "want an IPv4 address")

	require.NoError(t, server.Close())
	_, err = c.Write([]byte("x"))
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "the host says that nobody listens")

	require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
	_, err = c.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())

	require.NoError(t, free.Close())
	require.ErrorIs(t, free.Close(), net.ErrClosed)
	_, _, err = free.ReadFrom(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)

	waiting := listenPacket(t, n.Server(), ":0")
	failed := make(chan error)
	go func() {
		_, _, err := waiting.ReadFrom(make([]byte, 1))
		failed <- err
	}()
	require.NoError(t, n.Close())
	require.ErrorIs(t, <-failed, net.ErrClosed, "as the network is")
	_, err = n.Client(0).DialContext(ctx, "udp", addr.String())
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestDatagramsAndFaults(t *testing.T) {
	var l bench.Log
	n := open(t, harness.NetworkConfig{Packets: &l})
	addr := reflect(t, n)
	c := dialUDP(t, n.Client(0), addr)
	bench.Exchange(t, c, 10)
	quiet := func(why harness.DropReason) {
		t.Helper()
		before := l.Count(func(p harness.Packet) bool { return p.Drop == why })
		silentWrite(t, c)
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		require.Equal(t, before+1, l.Count(func(p harness.Packet) bool { return p.Drop == why }))
	}
	inject := func(f harness.Fault) func() int64 {
		t.Helper()
		end, err := n.Inject(f)
		require.NoError(t, err)
		return end
	}
	end := inject(harness.Fault{Action: harness.Blackhole})
	quiet(harness.DropOutage)
	require.EqualValues(t, 1, end())

	end = inject(harness.Fault{Action: harness.Vanish})
	quiet(harness.DropNAT)
	require.EqualValues(t, 1, end())
	bench.Exchange(t, c, 10)

	require.EqualValues(t, 1, inject(harness.Fault{Action: harness.Rebind})())
	quiet(harness.DropNAT)
	bench.Exchange(t, dialUDP(t, n.Client(0), addr), 10)

	n.SetProfile(bench.Both(harness.Path{Corrupt: 1}))
	d := dialUDP(t, n.Client(0), addr)
	silentWrite(t, d)
	require.Equal(t, 1, l.Count(func(p harness.Packet) bool { return p.Corrupt }), "it arrives, and its checksum is wrong")
}

func TestSplicePacket(t *testing.T) {
	var l bench.Log
	n := open(t, harness.NetworkConfig{Profile: bench.Both(harness.Path{Delay: 5 * time.Millisecond}), Packets: &l})
	upstream, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		b := make([]byte, 1<<16)
		for {
			k, from, err := upstream.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = upstream.WriteTo(b[:k], from)
		}
	})
	defer serving.Wait()
	defer upstream.Close()
	addr, err := n.SplicePacket(t.Context(), 0, upstream.LocalAddr().String())
	require.NoError(t, err)
	for range 2 {
		c, err := net.Dial("udp", addr)
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		for _, size := range []int{100, 1200, 0} {
			bench.Exchange(t, c, size)
		}
	}
	// An empty read of io.ReadFull does not wait for the last datagram.
	require.Eventually(t, func() bool { return l.Len() == 12 }, patience, time.Millisecond)
	require.Equal(t, 6, l.Count(func(p harness.Packet) bool { return p.Flow == 2 }), "each sender has its flow")
	_, err = n.SplicePacket(t.Context(), 1, addr)
	require.ErrorContains(t, err, "there are 1")
	require.NoError(t, n.Close())
	_, err = n.SplicePacket(t.Context(), 0, addr)
	require.ErrorIs(t, err, net.ErrClosed)
}
