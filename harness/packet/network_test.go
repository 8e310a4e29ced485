package packet_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen; a passing test never waits it out.
const patience = 30 * time.Second

// log collects what a network tells of its packets.
type log struct {
	mu      sync.Mutex
	packets []harness.Packet
}

func (l *log) Packet(p harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, p)
}

func (l *log) all() []harness.Packet {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]harness.Packet(nil), l.packets...)
}

func (l *log) count(match func(harness.Packet) bool) (n int) {
	for _, p := range l.all() {
		if match(p) {
			n++
		}
	}
	return n
}

func retransmitted(p harness.Packet) bool { return p.Retransmit }
func dropped(p harness.Packet) bool       { return p.Drop != harness.DropNone }

func open(tb testing.TB, c harness.NetworkConfig) *packet.Network {
	tb.Helper()
	c.Start = time.Now()
	if c.Clients == 0 {
		c.Clients = 1
	}
	n, err := packet.New(c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, n.Close()) })
	return n
}

func symmetric(p harness.Path) harness.Profile { return harness.Profile{Up: p, Down: p} }

// echo serves whoever connects to a new listener of the server, until the
// network ends, and returns its address.
func echo(tb testing.TB, n *packet.Network) string {
	tb.Helper()
	l, err := n.Server().Listen(tb.Context(), "tcp", ":0")
	require.NoError(tb, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	tb.Cleanup(func() {
		require.NoError(tb, n.Close())
		running.Wait()
	})
	return l.Addr().String()
}

func dial(tb testing.TB, h harness.Host, addr string) net.Conn {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c, err := h.DialContext(ctx, "tcp", addr)
	require.NoError(tb, err)
	require.NoError(tb, c.SetDeadline(time.Now().Add(patience)))
	tb.Cleanup(func() { c.Close() })
	return c
}

// exchange sends a request and reads the answer back.
func exchange(tb testing.TB, c net.Conn, size int) time.Duration {
	tb.Helper()
	begin := time.Now()
	want := bytes.Repeat([]byte{byte(size)}, size)
	_, err := c.Write(want)
	require.NoError(tb, err)
	got := make([]byte, size)
	_, err = io.ReadFull(c, got)
	require.NoError(tb, err)
	require.True(tb, bytes.Equal(want, got))
	return time.Since(begin)
}

func TestRoundTripTakesTheDelay(t *testing.T) {
	n := open(t, harness.NetworkConfig{Profile: symmetric(harness.Path{Delay: 50 * time.Millisecond})})
	c := dial(t, n.Client(0), echo(t, n))
	for range 3 {
		took := exchange(t, c, 200)
		require.GreaterOrEqual(t, took, 100*time.Millisecond)
		require.Less(t, took, 2*time.Second)
	}
}

func TestLossRecovers(t *testing.T) {
	var l log
	loss := harness.Path{Delay: 2 * time.Millisecond, Loss: harness.Loss{P: 0.1}}
	n := open(t, harness.NetworkConfig{Seed: 3, Profile: symmetric(loss), Packets: &l})
	c := dial(t, n.Client(0), echo(t, n))
	exchange(t, c, 80_000)
	require.NotZero(t, l.count(dropped))
	require.NotZero(t, l.count(retransmitted))
}

func TestNoLossNoRetransmission(t *testing.T) {
	var l log
	// A time-out on this link is 400 ms: a machine that stalls for less than that
	// cannot cause one.
	n := open(t, harness.NetworkConfig{Profile: symmetric(harness.Path{Delay: 100 * time.Millisecond}), Packets: &l})
	c := dial(t, n.Client(0), echo(t, n))
	for range 3 {
		exchange(t, c, 300)
	}
	require.Zero(t, l.count(dropped))
	require.Zero(t, l.count(retransmitted))
}

func TestBlackholeAndRecovery(t *testing.T) {
	for name, tc := range map[string]struct {
		direction harness.Direction
	}{
		"both": {harness.DirectionUnknown},
		"up":   {harness.Up},
		"down": {harness.Down},
	} {
		t.Run(name, func(t *testing.T) {
			var l log
			n := open(t, harness.NetworkConfig{Packets: &l})
			c := dial(t, n.Client(0), echo(t, n))
			exchange(t, c, 100)
			end, err := n.Inject(harness.Fault{Action: harness.Blackhole, Direction: tc.direction})
			require.NoError(t, err)
			_, err = c.Write(make([]byte, 100))
			require.NoError(t, err)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			_, err = c.Read(make([]byte, 100))
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			require.True(t, timeout.Timeout())
			hits := end()
			require.Positive(t, hits)
			outage := l.count(func(p harness.Packet) bool { return p.Drop == harness.DropOutage })
			require.EqualValues(t, outage, hits)
			wrong := l.count(func(p harness.Packet) bool {
				return p.Drop == harness.DropOutage && tc.direction != harness.DirectionUnknown && p.Direction != tc.direction
			})
			require.Zero(t, wrong)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
			_, err = io.ReadFull(c, make([]byte, 100))
			require.NoError(t, err, "the request gets through once the link is back")
		})
	}
}

func TestResetIsSeenByBothEnds(t *testing.T) {
	n := open(t, harness.NetworkConfig{Clients: 2, Profile: symmetric(harness.Path{Delay: 20 * time.Millisecond})})
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	var ends []net.Conn
	for i := range 2 {
		client := dial(t, n.Client(i), l.Addr().String())
		server, err := l.Accept()
		require.NoError(t, err)
		ends = append(ends, client, server)
	}
	got := make(chan error, len(ends))
	for _, c := range ends {
		go func() {
			_, err := c.Read(make([]byte, 1))
			got <- err
		}()
	}
	end, err := n.Inject(harness.Fault{Action: harness.Reset})
	require.NoError(t, err)
	require.EqualValues(t, 2, end())
	for range ends {
		require.ErrorIs(t, <-got, syscall.ECONNRESET)
	}
	for _, c := range ends {
		_, err := c.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.ECONNRESET, "and by whoever asks later")
	}
}

func TestRefuse(t *testing.T) {
	n := open(t, harness.NetworkConfig{Profile: symmetric(harness.Path{Delay: 5 * time.Millisecond})})
	addr := echo(t, n)
	before := dial(t, n.Client(0), addr)
	end, err := n.Inject(harness.Fault{Action: harness.Refuse})
	require.NoError(t, err)
	for range 3 {
		_, err := n.Client(0).DialContext(t.Context(), "tcp", addr)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	exchange(t, before, 100)
	require.EqualValues(t, 3, end())
	exchange(t, dial(t, n.Client(0), addr), 100)
}

func TestInjectErrors(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	for _, a := range []harness.Action{harness.StreamToxic, harness.Crash, harness.ActionUnknown} {
		_, err := n.Inject(harness.Fault{Action: a})
		require.ErrorContains(t, err, "inject")
	}
}

func TestSplice(t *testing.T) {
	var l log
	n := open(t, harness.NetworkConfig{Packets: &l})
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer upstream.Close()
	addr, err := n.Splice(t.Context(), 0, upstream.Addr().String())
	require.NoError(t, err)
	client, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer client.Close()
	server, err := upstream.Accept()
	require.NoError(t, err)
	defer server.Close()
	go func() { _, _ = io.Copy(server, server) }()
	require.NoError(t, client.SetDeadline(time.Now().Add(patience)))
	exchange(t, client, 50_000)
	require.Greater(t, l.count(func(p harness.Packet) bool { return p.Direction == harness.Up }), 50_000/1500)

	require.NoError(t, server.(*net.TCPConn).SetLinger(0))
	server.Close()
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET, "a reset crosses the link")
}

func TestClosedNetwork(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	require.NoError(t, n.Close())
	require.NoError(t, n.Close(), "again")
	require.ErrorIs(t, <-accepted, net.ErrClosed)
	_, err = n.Client(0).DialContext(t.Context(), "tcp", l.Addr().String())
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = n.Server().Listen(t.Context(), "tcp", ":0")
	require.ErrorIs(t, err, net.ErrClosed)
}
