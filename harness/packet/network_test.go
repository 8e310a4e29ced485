package packet_test

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen; a passing test never waits it out.
const patience = 30 * time.Second

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

// echo serves whoever connects to a new listener of the server, until the network
// ends, and returns its address.
func echo(tb testing.TB, n *packet.Network) string {
	tb.Helper()
	l, err := n.Server().Listen(tb.Context(), "tcp", ":0")
	require.NoError(tb, err)
	bench.Echo(tb, n, l)
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

func TestSplice(t *testing.T) {
	var l bench.Log
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
	bench.Exchange(t, client, 50_000)
	require.Greater(t, l.Count(func(p harness.Packet) bool { return p.Direction == harness.Up }), 50_000/1500)

	require.NoError(t, server.(*net.TCPConn).SetLinger(0))
	server.Close()
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET, "a reset crosses the link")
}

// silentWrite sends a byte and requires that nothing comes back for a while.
func silentWrite(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	silent(t, c)
}

// silent requires that nothing comes back on c for a while.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), err)
}
