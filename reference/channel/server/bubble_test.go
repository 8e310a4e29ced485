package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
)

// pipeListener is a listener of in-memory connections, for synctest.
type pipeListener struct {
	conns  chan net.Conn
	errs   chan error
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), errs: make(chan error, 3), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case err := <-l.errs:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// dial connects from no IP address.
func (l *pipeListener) dial() net.Conn {
	cc, sc := net.Pipe()
	l.conns <- sc
	return cc
}

// dialFrom connects from address, if l is still open; else the connection returned
// is closed.
func (l *pipeListener) dialFrom(address string) net.Conn {
	cc, sc := net.Pipe()
	select {
	case l.conns <- fromConn{sc, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}:
	case <-l.closed:
		sc.Close()
	}
	return cc
}

// fromConn is a connection that comes from an address.
type fromConn struct {
	net.Conn
	from net.Addr
}

func (c fromConn) RemoteAddr() net.Addr { return c.from }

// slowBook takes its time for an answer, and counts how many it works on.
type slowBook struct {
	takes     time.Duration
	now, most atomic.Int64
}

func (s *slowBook) Submit(_ pay.PublicKey, r *pay.Request) func(context.Context) (*pay.Answer, error) {
	if n := s.now.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	return func(ctx context.Context) (*pay.Answer, error) {
		defer s.now.Add(-1)
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return &pay.Answer{Key: r.Payment.Key, Result: pay.NotFound, At: testTime}, nil
	}
}

// register holds the wallets that a bank knows.
type register struct{ wallets sync.Map } // of identities by transport keys

func (r *register) identify(transport [32]byte) (pay.PublicKey, bool) {
	identity, known := r.wallets.Load(transport)
	if !known {
		return pay.PublicKey{}, false
	}
	return identity.(pay.PublicKey), true
}

// another is of a new wallet, which the bank knows.
func (c testClient) another(tb testing.TB) testClient {
	tb.Helper()
	w := newTestWallet(tb, nil)
	c.known.wallets.Store(w.Certificate().Transport, w.id())
	c.Vault = w
	return c
}

// inBubble runs test in virtual time with a server of cfg's service, and hands it a
// wallet.
func inBubble(t *testing.T, cfg Config, limits noise.ServerConfig, test func(t *testing.T, sv *Server, ln *pipeListener, client testClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		static, err := noise.NewKeyPair(nil)
		require.NoError(t, err)
		known := new(register)
		bank := testClient{ClientConfig: noise.ClientConfig{Bank: static.Public}, receipts: make(ed25519.PublicKey, ed25519.PublicKeySize), known: known}
		limits.Static, limits.Receipts, limits.Identify = static, bank.receipts, known.identify
		cfg.Wrap = overNoise(limits)
		ln, sv, served := newPipeListener(), New(cfg), make(chan error, 1)
		go func() { served <- sv.Serve(context.Background(), ln) }()
		defer func() {
			sv.Kill()
			require.ErrorIs(t, <-served, ErrClosed)
		}()
		test(t, sv, ln, bank.another(t))
	})
}

func status(t *testing.T, s *session, n int) error {
	t.Helper()
	_, err := s.Do(t.Context(), &pay.Request{Ask: pay.AskStatus, Payment: payment(n)})
	return err
}

func TestOutstandingLimit(t *testing.T) {
	slow := &slowBook{takes: time.Second}
	inBubble(t, Config{Service: slow, Outstanding: 3}, noise.ServerConfig{}, func(t *testing.T, _ *Server, ln *pipeListener, client testClient) {
		t.Helper()
		s := client.open(ln.dial())
		defer s.Close()
		require.NoError(t, status(t, s, 0))
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				if err := status(t, s, i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 3, slow.most.Load())
		require.Equal(t, 3*time.Second, time.Since(begin), "nine, three at a time")
	})
}

func TestSlowPeersAreCutOff(t *testing.T) {
	quick := noise.ServerConfig{HandshakeTimeout: 5 * time.Second, IdleTimeout: time.Minute, FrameTimeout: 2 * time.Second, WriteTimeout: 3 * time.Second}
	drip := func(conn net.Conn) {
		for {
			if _, err := conn.Write([]byte{0}); err != nil {
				return
			}
			time.Sleep(900 * time.Millisecond)
		}
	}
	cases := []struct {
		name string
		peer func(t *testing.T, conn net.Conn, client testClient)
		want time.Duration // until the connection is closed
	}{
		{"silent", func(_ *testing.T, conn net.Conn, _ testClient) { _, _ = conn.Read(make([]byte, 1)) }, 5 * time.Second},
		{"idle", func(t *testing.T, conn net.Conn, client testClient) {
			t.Helper()
			s := client.open(conn)
			defer s.Close()
			require.NoError(t, status(t, s, 1))
			<-s.Done()
		}, time.Minute},
		{"drips a request", func(t *testing.T, conn net.Conn, client testClient) {
			t.Helper()
			s := client.open(conn)
			defer s.Close()
			require.NoError(t, status(t, s, 1))
			_, _ = conn.Write([]byte{0, 100})
			drip(conn)
		}, 2 * time.Second},
		{"does not read its answer", func(t *testing.T, conn net.Conn, client testClient) {
			t.Helper()
			stop := make(chan struct{})
			s := client.open(unread{conn, stop})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := s.Do(ctx, &pay.Request{Ask: pay.AskStatus, Payment: payment(1)})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			time.Sleep(2*time.Second + time.Millisecond) // in all the 3 s of WriteTimeout
			_, err = conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "the bank has hung up")
			close(stop)
			s.Close()
		}, 3 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Config{Service: &slowBook{}}, quick, func(t *testing.T, _ *Server, ln *pipeListener, client testClient) {
				t.Helper()
				begin := time.Now()
				c.peer(t, ln.dial(), client)
				require.InDelta(t, c.want.Seconds(), time.Since(begin).Seconds(), 1)
			})
		})
	}
}

// unread is a connection whose reader never reads.
type unread struct {
	net.Conn
	stop chan struct{}
}

func (u unread) Read([]byte) (int, error) {
	<-u.stop
	return 0, io.EOF
}

func TestShutdownAnswersWhatWasRead(t *testing.T) {
	inBubble(t, Config{Service: &slowBook{takes: 4 * time.Second}}, noise.ServerConfig{}, func(t *testing.T, sv *Server, ln *pipeListener, client testClient) {
		t.Helper()
		s := client.open(ln.dial())
		defer s.Close()
		answered := make(chan error, 1)
		go func() { answered <- status(t, s, 1) }()
		time.Sleep(time.Second)
		begin := time.Now()
		require.NoError(t, sv.Shutdown(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(begin))
		require.NoError(t, <-answered)
		<-s.Done()
		require.ErrorIs(t, sv.Serve(t.Context(), newPipeListener()), ErrClosed)
	})
}

func TestShutdownGivesUp(t *testing.T) {
	inBubble(t, Config{Service: &slowBook{takes: time.Hour}}, noise.ServerConfig{}, func(t *testing.T, sv *Server, ln *pipeListener, client testClient) {
		t.Helper()
		s := client.open(ln.dial())
		defer s.Close()
		answered := make(chan error, 1)
		go func() { answered <- status(t, s, 1) }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, sv.Shutdown(ctx), context.DeadlineExceeded)
		require.Error(t, <-answered)
	})
}

func TestServeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sv := New(Config{Service: &slowBook{}})
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- sv.Serve(ctx, newPipeListener()) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-served, ErrClosed)
	})
}

// TestAcceptedTooLate: a connection that was accepted while the server ended is
// closed.
func TestAcceptedTooLate(t *testing.T) {
	inBubble(t, Config{Service: &slowBook{}}, noise.ServerConfig{}, func(t *testing.T, sv *Server, _ *pipeListener, _ testClient) {
		t.Helper()
		sv.Kill()
		cc, sc := net.Pipe()
		begin := time.Now()
		sv.open(sc)
		_, err := cc.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Zero(t, time.Since(begin))
	})
}

func TestAcceptFailuresAreRidOut(t *testing.T) {
	var log syncBuffer
	cfg := Config{Service: &slowBook{}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	inBubble(t, cfg, noise.ServerConfig{}, func(t *testing.T, _ *Server, ln *pipeListener, client testClient) {
		t.Helper()
		for range 3 {
			ln.errs <- errors.New("too many open files")
		}
		time.Sleep(10 * time.Second)
		s := client.open(ln.dial())
		defer s.Close()
		require.NoError(t, status(t, s, 1))
	})
	require.Contains(t, log.String(), "too many open files")
}

func TestAnswerOfABrokenBook(t *testing.T) {
	inBubble(t, Config{Service: brokenBook{}}, noise.ServerConfig{}, func(t *testing.T, _ *Server, ln *pipeListener, client testClient) {
		t.Helper()
		s := client.open(ln.dial())
		defer s.Close()
		got, err := s.Do(t.Context(), &pay.Request{Ask: pay.AskPay, Payment: payment(1)})
		require.NoError(t, err)
		require.Equal(t, pay.Refused, got.Result, "not final: the fate of the payment is not known")
		require.Equal(t, pay.Busy, got.Reason)
	})
}

type brokenBook struct{}

func (brokenBook) Submit(pay.PublicKey, *pay.Request) func(context.Context) (*pay.Answer, error) {
	return func(context.Context) (*pay.Answer, error) {
		return nil, errors.New("the disk is on fire")
	}
}
