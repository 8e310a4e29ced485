package packet_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
)

// pair returns both ends of a connection over a perfect link.
func pair(t *testing.T) (n *packet.Network, client, server net.Conn) {
	t.Helper()
	n = open(t, harness.NetworkConfig{})
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	client = dial(t, n.Client(0), l.Addr().String())
	server, err = l.Accept()
	require.NoError(t, err)
	require.NoError(t, server.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { server.Close() })
	return n, client, server
}

func readErr(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func TestAddresses(t *testing.T) {
	_, client, server := pair(t)
	require.Equal(t, client.LocalAddr().String(), server.RemoteAddr().String())
	require.Equal(t, client.RemoteAddr().String(), server.LocalAddr().String())
	require.Equal(t, "tcp", client.LocalAddr().Network())
	require.True(t, strings.HasPrefix(client.LocalAddr().String(), "10.1.0.0:"), client.LocalAddr())
	require.True(t, strings.HasPrefix(client.RemoteAddr().String(), "10.0.0.1:"), client.RemoteAddr())
}

func TestHalfClose(t *testing.T) {
	_, client, server := pair(t)
	require.NoError(t, client.(interface{ CloseWrite() error }).CloseWrite())
	require.ErrorIs(t, readErr(server), io.EOF)
	_, err := client.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.EPIPE)
	_, err = server.Write([]byte("still here"))
	require.NoError(t, err)
	require.NoError(t, server.Close())
	got, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, "still here", string(got))
}

func TestLingerZeroIsAReset(t *testing.T) {
	_, client, server := pair(t)
	require.NoError(t, client.(interface{ SetLinger(int) error }).SetLinger(0))
	require.NoError(t, client.Close())
	require.ErrorIs(t, readErr(server), syscall.ECONNRESET)
	_, err := server.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestCloseWithUnreadDataIsAReset(t *testing.T) {
	_, client, server := pair(t)
	_, err := client.Write([]byte("nobody reads this"))
	require.NoError(t, err)
	_, err = server.Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, server.Close())
	require.ErrorIs(t, readErr(client), syscall.ECONNRESET)
}

func TestClosedConn(t *testing.T) {
	_, client, _ := pair(t)
	blocked := make(chan error, 1)
	go func() { blocked <- readErr(client) }()
	require.NoError(t, client.Close())
	require.ErrorIs(t, <-blocked, net.ErrClosed)
	require.ErrorIs(t, readErr(client), net.ErrClosed)
	_, err := client.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, client.SetDeadline(time.Now()), net.ErrClosed)
	require.ErrorIs(t, client.Close(), net.ErrClosed)
}

func TestDeadlines(t *testing.T) {
	_, client, server := pair(t)
	blocked := make(chan error, 1)
	go func() { blocked <- readErr(client) }()
	require.NoError(t, client.SetReadDeadline(time.Now()), "also while a Read waits")
	require.ErrorIs(t, <-blocked, os.ErrDeadlineExceeded)
	require.ErrorIs(t, readErr(client), os.ErrDeadlineExceeded, "until it is moved")
	require.NoError(t, client.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	require.ErrorIs(t, readErr(client), os.ErrDeadlineExceeded)
	require.NoError(t, client.SetReadDeadline(time.Time{}))
	_, err := server.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, readErr(client))

	require.NoError(t, client.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := client.Write(make([]byte, 64<<20)) // more than all buffers
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Less(t, n, 64<<20)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

func TestClosedListener(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	blocked := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		blocked <- err
	}()
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-blocked, net.ErrClosed)
	require.ErrorIs(t, l.Close(), net.ErrClosed)
	again, err := n.Server().Listen(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err, "the port is free again")
	require.NoError(t, again.Close())
}

func TestDialErrors(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx              context.Context
		network, address string
		want             error
	}{
		"nobody listens":       {t.Context(), "tcp", "10.0.0.1:9", syscall.ECONNREFUSED},
		"no such host":         {t.Context(), "tcp", "10.0.0.2:80", syscall.EHOSTUNREACH},
		"no such client":       {t.Context(), "tcp", "10.1.0.1:80", syscall.EHOSTUNREACH},
		"the real network":     {t.Context(), "tcp", "127.0.0.1:80", syscall.EHOSTUNREACH},
		"cancelled":            {cancelled, "tcp", l.Addr().String(), context.Canceled},
		"an unknown transport": {t.Context(), "unix", l.Addr().String(), net.UnknownNetworkError("unix")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.Client(0).DialContext(tc.ctx, tc.network, tc.address)
			require.ErrorIs(t, err, tc.want)
			var op *net.OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, "dial", op.Op)
		})
	}
	_, err = n.Client(0).DialContext(t.Context(), "tcp", "bank:80")
	require.ErrorContains(t, err, "in numbers")
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	n := open(t, harness.NetworkConfig{Profile: symmetric(harness.Path{Loss: harness.Loss{P: 1}})})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := n.Client(0).DialContext(ctx, "tcp", "10.0.0.1:80")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

func TestListenErrors(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	_, err = n.Server().Listen(t.Context(), "tcp", l.Addr().String())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	_, err = n.Client(0).Listen(t.Context(), "tcp", l.Addr().String())
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	_, err = n.Server().Listen(t.Context(), "tcp", "80")
	require.ErrorContains(t, err, "80")
}

// TestAnyHostMayListen dials the wrong way round, and a host from itself.
func TestAnyHostMayListen(t *testing.T) {
	n := open(t, harness.NetworkConfig{Clients: 2})
	for name, tc := range map[string]struct{ from, to harness.Host }{
		"server to client": {n.Server(), n.Client(1)},
		"itself":           {n.Server(), n.Server()},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := tc.to.Listen(t.Context(), "tcp", ":0")
			require.NoError(t, err)
			out := dial(t, tc.from, l.Addr().String())
			in, err := l.Accept()
			require.NoError(t, err)
			_, err = out.Write([]byte("x"))
			require.NoError(t, err)
			require.NoError(t, readErr(in))
			require.NoError(t, in.Close())
		})
	}
}

func TestWritersAndReadersTogether(t *testing.T) {
	_, client, server := pair(t)
	const each, size = 8, 100_000
	var wg sync.WaitGroup
	for range each {
		wg.Go(func() {
			_, err := client.Write(make([]byte, size))
			require.NoError(t, err)
		})
	}
	got := make(chan int, each)
	for range each {
		wg.Go(func() {
			n, err := io.ReadFull(server, make([]byte, size))
			require.NoError(t, err)
			got <- n
		})
	}
	wg.Wait()
	require.Len(t, got, each)
}
