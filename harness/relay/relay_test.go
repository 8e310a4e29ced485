package relay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout bounds what must happen; it is never waited out by a passing test.
const timeout = 10 * time.Second

func listen(t *testing.T) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// bench is a client and a server with a relay between them.
type bench struct {
	client, server *net.TCPConn
	relay          *relay.Server
}

func newBench(t *testing.T) bench {
	t.Helper()
	upstream := listen(t)
	s := relay.Serve(t.Context(), listen(t), func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", upstream.Addr().String())
	})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	client, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	server, err := upstream.Accept()
	require.NoError(t, err)
	for _, c := range []net.Conn{client, server} {
		require.NoError(t, c.SetDeadline(time.Now().Add(timeout)))
		t.Cleanup(func() { c.Close() })
	}
	// A byte through: the relay's dial has returned, not only reached upstream.
	_, err = client.Write([]byte{0})
	require.NoError(t, errors.Join(err, read(server)))
	return bench{client.(*net.TCPConn), server.(*net.TCPConn), s}
}

func read(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func TestBytesBothWays(t *testing.T) {
	b := newBench(t)
	src := rand.NewChaCha8([32]byte{1})
	up, down := make([]byte, 3<<20), make([]byte, 2<<20)
	_, _ = src.Read(up)
	_, _ = src.Read(down)
	var wg sync.WaitGroup
	send := func(c *net.TCPConn, p []byte) {
		_, err := c.Write(p)
		require.NoError(t, errors.Join(err, c.CloseWrite()))
	}
	wg.Go(func() { send(b.client, up) })
	wg.Go(func() { send(b.server, down) })
	var gotUp []byte
	wg.Go(func() { gotUp, _ = io.ReadAll(b.server) })
	gotDown, err := io.ReadAll(b.client)
	require.NoError(t, err)
	wg.Wait()
	require.True(t, bytes.Equal(up, gotUp))
	require.True(t, bytes.Equal(down, gotDown))
}

func TestHalfCloseLeavesTheOtherDirection(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.client.CloseWrite())
	require.ErrorIs(t, read(b.server), io.EOF)
	_, err := b.server.Write([]byte("still here"))
	require.NoError(t, err)
	require.NoError(t, b.server.Close())
	got, err := io.ReadAll(b.client)
	require.NoError(t, err)
	require.Equal(t, "still here", string(got))
}

func TestResetIsPassedOn(t *testing.T) {
	for name, pick := range map[string]func(bench) (from, to *net.TCPConn){
		"client": func(b bench) (from, to *net.TCPConn) { return b.client, b.server },
		"server": func(b bench) (from, to *net.TCPConn) { return b.server, b.client },
	} {
		t.Run(name, func(t *testing.T) {
			from, to := pick(newBench(t))
			relay.Reset(from)
			require.ErrorIs(t, read(to), syscall.ECONNRESET)
		})
	}
}

func TestCloseUnderAWriterIsAReset(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.client.Close()) // a FIN, as far as the relay can tell
	require.ErrorIs(t, read(b.server), io.EOF)
	require.Eventually(t, func() bool {
		_, err := b.server.Write([]byte("answer"))
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	}, timeout, time.Millisecond)
}

func TestRefusedDialResets(t *testing.T) {
	refuse := func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	s := relay.Serve(t.Context(), listen(t), refuse)
	defer s.Close()
	c, err := net.Dial("tcp", s.Addr().String())
	if err == nil {
		defer c.Close()
		err = read(c)
	}
	require.ErrorIs(t, err, syscall.ECONNRESET, "by the dial, or by the first read")
}

func TestCloseEndsBothSides(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.relay.Close())
	require.ErrorIs(t, read(b.client), syscall.ECONNRESET)
	require.ErrorIs(t, read(b.server), syscall.ECONNRESET)
	require.NoError(t, b.relay.Close(), "a second Close")
}

func TestCloseEndsADialUnderWay(t *testing.T) {
	dialing := make(chan struct{})
	s := relay.Serve(t.Context(), listen(t), func(ctx context.Context) (net.Conn, error) {
		close(dialing)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	c, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	<-dialing
	require.NoError(t, s.Close())
}

func TestJoinReturns(t *testing.T) {
	cause := errors.New("the run is over")
	for name, tc := range map[string]struct {
		end  func(a, b net.Conn, cancel context.CancelCauseFunc)
		want error
	}{
		"in order": {func(a, b net.Conn, _ context.CancelCauseFunc) {
			a.Close()
			b.Close()
		}, nil},
		"reset":     {func(a, _ net.Conn, _ context.CancelCauseFunc) { relay.Reset(a) }, syscall.ECONNRESET},
		"cancelled": {func(_, _ net.Conn, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
	} {
		t.Run(name, func(t *testing.T) {
			a, innerA := pair(t)
			b, innerB := pair(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			got := make(chan error, 1)
			go func() { got <- relay.Join(ctx, innerA, innerB) }()
			tc.end(a, b, cancel)
			require.ErrorIs(t, <-got, tc.want)
		})
	}
}

// TestPlainConns joins connections that can neither half-close nor be reset.
func TestPlainConns(t *testing.T) {
	a, innerA := net.Pipe()
	b, innerB := net.Pipe()
	defer b.Close()
	got := make(chan error, 1)
	go func() { got <- relay.Join(t.Context(), innerA, innerB) }()
	go func() {
		_, _ = a.Write([]byte("x"))
		a.Close()
	}()
	text, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Equal(t, "x", string(text))
	<-got
}

func pair(t *testing.T) (outer, inner net.Conn) {
	t.Helper()
	l := listen(t)
	outer, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	inner, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { outer.Close() })
	return outer, inner
}
