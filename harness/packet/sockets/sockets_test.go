package sockets

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// pair is two hosts joined by a cable, which loses everything while it is cut.
func pair(t *testing.T) (a, b *Stack, cut *atomic.Bool) {
	t.Helper()
	cut = new(atomic.Bool)
	cable := func(to **Stack) func(*stack.PacketBuffer) {
		return func(p *stack.PacketBuffer) {
			if !cut.Load() {
				(*to).Deliver(stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: p.ToBuffer()}))
			}
		}
	}
	var err error
	a, err = New(1, netip.MustParseAddr("10.1.0.0"), cable(&b))
	require.NoError(t, err)
	b, err = New(2, netip.MustParseAddr("10.0.0.1"), cable(&a))
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, s := range []*Stack{a, b} {
			s.Abort()
		}
		for _, s := range []*Stack{a, b} {
			s.Close()
		}
	})
	return a, b, cut
}

func at(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port)
}

// connected is the two ends of a connection from a to b.
func connected(t *testing.T, a, b *Stack) (client, server net.Conn) {
	t.Helper()
	l, err := b.Listen(at(7))
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	d, err := a.Dial("tcp", at(7))
	require.NoError(t, err)
	client, err = d.Wait(t.Context())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	return client, server
}

func TestConnection(t *testing.T) {
	a, b, _ := pair(t)
	client, server := connected(t, a, b)
	require.Equal(t, "10.0.0.1:7", client.RemoteAddr().String())
	require.Equal(t, client.LocalAddr().String(), server.RemoteAddr().String())
	_, err := client.Write([]byte("pay"))
	require.NoError(t, err)
	require.NoError(t, client.(*conn).CloseWrite())
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.Equal(t, "pay", string(got))

	a.Reset(func(local, remote netip.AddrPort) bool { return remote != at(7) })
	_, err = server.Write([]byte("paid"))
	require.NoError(t, err, "another connection was meant")
	b.Reset(func(local, remote netip.AddrPort) bool { return local == at(7) })
	_, err = server.Write([]byte("paid"))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestDialErrors(t *testing.T) {
	a, _, cut := pair(t)
	d, err := a.Dial("tcp", at(9))
	require.NoError(t, err)
	_, err = d.Wait(t.Context())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	cut.Store(true)
	d, err = a.Dial("tcp", at(9))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.Wait(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// TestDeadlines has a call wait, or not, while its deadline is moved.
func TestDeadlines(t *testing.T) {
	a, b, _ := pair(t)
	client, server := connected(t, a, b)
	read := func() error {
		_, err := client.Read(make([]byte, 1))
		return err
	}
	ended := make(chan error)

	require.NoError(t, client.SetReadDeadline(time.Now().Add(-time.Second)))
	require.ErrorIs(t, read(), os.ErrDeadlineExceeded, "passed already")

	require.NoError(t, client.SetReadDeadline(time.Now().Add(time.Millisecond)))
	require.ErrorIs(t, read(), os.ErrDeadlineExceeded, "passes while it waits")

	require.NoError(t, client.SetReadDeadline(time.Now().Add(time.Hour)))
	go func() { ended <- read() }()
	require.NoError(t, client.SetReadDeadline(time.Now()))
	require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded, "moved while it waits")

	require.NoError(t, client.SetDeadline(time.Time{}))
	go func() { ended <- read() }()
	_, err := server.Write([]byte{1})
	require.NoError(t, err)
	require.NoError(t, <-ended, "none any more")

	go func() { ended <- read() }()
	require.NoError(t, client.Close())
	require.ErrorIs(t, <-ended, net.ErrClosed)
	require.ErrorIs(t, client.SetDeadline(time.Now()), net.ErrClosed)
}

// TestForget leaves the listeners.
func TestForget(t *testing.T) {
	a, b, cut := pair(t)
	client, server := connected(t, a, b)
	cut.Store(true)
	b.Forget()
	cut.Store(false)
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	d, err := a.Dial("tcp", at(7))
	require.NoError(t, err)
	again, err := d.Wait(t.Context())
	require.NoError(t, err)
	defer again.Close()
	_, err = client.Write([]byte("pay"))
	require.NoError(t, err)
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET, "nobody knows it any more")
}
