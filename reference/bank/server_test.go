package bank

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite/storetest"
)

// testTimeout is how long a test waits for what must happen, on a busy machine.
const testTimeout = 20 * time.Second

func do(tb testing.TB, s *noise.Session, ask pay.Ask, p pay.Payment) (*pay.Answer, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), testTimeout)
	defer cancel()
	return s.Do(ctx, &pay.Request{Ask: ask, Payment: p})
}

func TestServe(t *testing.T) {
	b := openBook(t, 1)
	sv := startServer(t, ServerConfig{Service: b})
	s := sv.dial(t, b.wallets[0])
	defer s.Close()
	for _, c := range []struct {
		ask  pay.Ask
		p    pay.Payment
		want pay.Result
	}{
		{pay.AskStatus, payment(1), pay.NotFound},
		{pay.AskPay, payment(1), pay.Confirmed},
		{pay.AskPay, payment(1), pay.Confirmed},
		{pay.AskStatus, payment(1), pay.Confirmed},
		{pay.AskPay, payment(2), pay.Confirmed},
	} {
		got, err := do(t, s, c.ask, c.p)
		require.NoError(t, err)
		require.Equal(t, c.want, got.Result)
	}
	transfers, _ := b.books(t)
	require.Len(t, transfers, 2)
}

// TestCutAnywhere cuts the connection after every number of bytes up and down,
// pays again each time, and expects one booking per payment.
func TestCutAnywhere(t *testing.T) {
	cfg, clock := config(t)
	cfg.VFS = storetest.NewDisk(t).Name // does not wait for the disk
	b := openBookWith(t, 1, cfg, clock)
	sv := startServer(t, ServerConfig{Service: b})
	n := 0
	for _, cut := range []struct {
		name     string
		up, down int // bytes let through; beyond, the connection is cut
		bytes    int
	}{
		{"up", 1, 0, 160},
		{"down", 0, 1, 140},
	} {
		t.Run(cut.name, func(t *testing.T) {
			for i := range cut.bytes {
				n++
				p := payment(n)
				p.Amount = 1
				conn := &cutConn{Conn: sv.connect(t), up: 1 << 20, down: 1 << 20}
				if cut.up == 1 {
					conn.up = i
				} else {
					conn.down = i
				}
				first := noise.Client(conn, noise.ClientConfig{Static: b.wallets[0].KeyPair, Bank: sv.key})
				a, err := do(t, first, pay.AskPay, p)
				first.Close()
				if err != nil {
					again := sv.dial(t, b.wallets[0])
					a, err = do(t, again, pay.AskPay, p)
					again.Close()
				}
				require.NoError(t, err)
				require.Equal(t, pay.Confirmed, a.Result)
			}
		})
	}
	transfers, closing := b.books(t)
	require.Len(t, transfers, n)
	require.EqualValues(t, n, closing["m0"])
}

// cutConn lets so many bytes through each way and then resets the connection.
type cutConn struct {
	net.Conn
	up, down int
}

var errCut = errors.New("cut")

func (c *cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b[:min(len(b), c.up)])
	c.up -= n
	if err == nil && n < len(b) {
		c.Close()
		return n, errCut
	}
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.down == 0 {
		c.Close()
		return 0, errCut
	}
	n, err := c.Conn.Read(b[:min(len(b), c.down)])
	c.down -= n
	return n, err
}

// TestKilledBetweenCommitAndAnswer is the case the whole design is for.
func TestKilledBetweenCommitAndAnswer(t *testing.T) {
	b := openBook(t, 1)
	held := make(chan struct{})
	sv := startServer(t, ServerConfig{Service: b, Hooks: Hooks{BeforeAnswer: func(ctx context.Context, key pay.Key) {
		if key == payment(1).Key {
			close(held)
			<-ctx.Done()
		}
	}}})
	s := sv.dial(t, b.wallets[0])
	defer s.Close()
	failed := make(chan error, 1)
	go func() {
		_, err := do(t, s, pay.AskPay, payment(1))
		failed <- err
	}()
	<-held
	sv.Kill()
	require.NoError(t, b.Kill())
	require.Error(t, <-failed, "the wallet was not answered")

	b.reopen(t)
	booked, _ := b.books(t)
	require.Len(t, booked, 1)
	b.clock.Add(120_000) // past the deadline
	sv = startServer(t, ServerConfig{Service: b})
	again := sv.dial(t, b.wallets[0])
	defer again.Close()
	got, err := do(t, again, pay.AskPay, payment(1))
	require.NoError(t, err)
	require.Equal(t, pay.Confirmed, got.Result)
	require.Equal(t, booked[0].ID, got.Transfer)
	after, closing := b.books(t)
	require.Equal(t, booked, after)
	require.EqualValues(t, 75_00, closing["w0"])
}

func TestStrangerIsRefused(t *testing.T) {
	b := openBook(t, 1)
	var log syncBuffer
	sv := startServer(t, ServerConfig{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))})
	stranger, err := noise.NewKeyPair(nil)
	require.NoError(t, err)
	s := sv.dial(t, testWallet{stranger})
	defer s.Close()
	got, err := do(t, s, pay.AskPay, payment(1))
	require.NoError(t, err)
	require.Equal(t, pay.Refused, got.Result)
	require.Equal(t, pay.NotEnrolled, got.Reason)
	select {
	case <-s.Done():
	case <-time.After(testTimeout):
		t.Fatal("the bank did not hang up on a stranger")
	}
	require.Contains(t, log.String(), "not enrolled")
	require.Contains(t, log.String(), stranger.Public.String())
}

func TestHostileBytes(t *testing.T) {
	b := openBook(t, 1)
	var log syncBuffer
	sv := startServer(t, ServerConfig{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))})
	cases := []struct {
		name string
		sent []byte
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: bank\r\n\r\n")},
		{"TLS", append([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, make([]byte, 500)...)},
		{"zeros", make([]byte, 4096)},
		{"ones", bytes.Repeat([]byte{0xff}, 4096)},
		{"a frame of zeros", append([]byte{0, 200}, make([]byte, 200)...)},
		{"a frame over the limit", append([]byte{4, 1}, make([]byte, 1025)...)},
		{"cut in a frame", []byte{0, 200, 1, 2, 3}},
		{"nothing", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := sv.connect(t).(*net.TCPConn)
			defer conn.Close()
			_, _ = conn.Write(c.sent) // the bank may have hung up already
			_ = conn.CloseWrite()
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(testTimeout)))
			n, err := io.Copy(io.Discard, conn)
			require.Zero(t, n, "hostile bytes were answered")
			var late net.Error
			require.False(t, errors.As(err, &late) && late.Timeout(), "the connection was not closed")
		})
	}
	require.Contains(t, log.String(), "broke the protocol")
	s := sv.dial(t, b.wallets[0])
	defer s.Close()
	got, err := do(t, s, pay.AskPay, payment(1))
	require.NoError(t, err)
	require.Equal(t, pay.Confirmed, got.Result, "the bank works on")
}

func TestConnectionLimit(t *testing.T) {
	b := openBook(t, 3)
	sv := startServer(t, ServerConfig{Service: b, MaxConns: 2})
	var sessions []*noise.Session
	for i := range 2 {
		s := sv.dial(t, b.wallets[i])
		defer s.Close()
		_, err := do(t, s, pay.AskPay, payment(i))
		require.NoError(t, err)
		sessions = append(sessions, s)
	}
	third := func() error {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", sv.address)
		if err != nil {
			return err
		}
		s := noise.Client(conn, sv.client(b.wallets[2]))
		defer s.Close()
		_, err = do(t, s, pay.AskPay, payment(2))
		return err
	}
	require.Error(t, third())
	_, err := do(t, sessions[0], pay.AskPay, payment(3))
	require.NoError(t, err, "those inside are not disturbed")

	sessions[1].Close()
	require.Eventually(t, func() bool { return third() == nil }, testTimeout, 10*time.Millisecond,
		"the place of a closed connection is free again")
}

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

func (l *pipeListener) dial() net.Conn {
	cc, sc := net.Pipe()
	l.conns <- sc
	return cc
}

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

// inBubble runs test in virtual time with a server of book.
func inBubble(t *testing.T, cfg ServerConfig, test func(t *testing.T, sv *Server, ln *pipeListener, client noise.ClientConfig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		static, err := noise.NewKeyPair(nil)
		require.NoError(t, err)
		wallet, err := noise.NewKeyPair(nil)
		require.NoError(t, err)
		cfg.Noise.Static = static
		ln, sv, served := newPipeListener(), NewServer(cfg), make(chan error, 1)
		go func() { served <- sv.Serve(context.Background(), ln) }()
		defer func() {
			sv.Kill()
			require.ErrorIs(t, <-served, ErrClosed)
		}()
		test(t, sv, ln, noise.ClientConfig{Static: wallet, Bank: static.Public})
	})
}

func status(t *testing.T, s *noise.Session, n int) error {
	t.Helper()
	_, err := s.Do(t.Context(), &pay.Request{Ask: pay.AskStatus, Payment: payment(n)})
	return err
}

func TestOutstandingLimit(t *testing.T) {
	slow := &slowBook{takes: time.Second}
	inBubble(t, ServerConfig{Service: slow, Outstanding: 3}, func(t *testing.T, _ *Server, ln *pipeListener, client noise.ClientConfig) {
		t.Helper()
		s := noise.Client(ln.dial(), client)
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
		peer func(t *testing.T, conn net.Conn, client noise.ClientConfig)
		want time.Duration // until the connection is closed
	}{
		{"silent", func(_ *testing.T, conn net.Conn, _ noise.ClientConfig) { _, _ = conn.Read(make([]byte, 1)) }, 5 * time.Second},
		{"idle", func(t *testing.T, conn net.Conn, client noise.ClientConfig) {
			t.Helper()
			s := noise.Client(conn, client)
			defer s.Close()
			require.NoError(t, status(t, s, 1))
			<-s.Done()
		}, time.Minute},
		{"drips a request", func(t *testing.T, conn net.Conn, client noise.ClientConfig) {
			t.Helper()
			s := noise.Client(conn, client)
			defer s.Close()
			require.NoError(t, status(t, s, 1))
			_, _ = conn.Write([]byte{0, 100})
			drip(conn)
		}, 2 * time.Second},
		{"does not read its answer", func(t *testing.T, conn net.Conn, client noise.ClientConfig) {
			t.Helper()
			stop := make(chan struct{})
			s := noise.Client(unread{conn, stop}, client)
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
			inBubble(t, ServerConfig{Service: &slowBook{}, Noise: quick}, func(t *testing.T, _ *Server, ln *pipeListener, client noise.ClientConfig) {
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
	inBubble(t, ServerConfig{Service: &slowBook{takes: 4 * time.Second}}, func(t *testing.T, sv *Server, ln *pipeListener, client noise.ClientConfig) {
		t.Helper()
		s := noise.Client(ln.dial(), client)
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
	inBubble(t, ServerConfig{Service: &slowBook{takes: time.Hour}}, func(t *testing.T, sv *Server, ln *pipeListener, client noise.ClientConfig) {
		t.Helper()
		s := noise.Client(ln.dial(), client)
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
		sv := NewServer(ServerConfig{Service: &slowBook{}})
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- sv.Serve(ctx, newPipeListener()) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-served, ErrClosed)
	})
}

func TestAcceptFailuresAreRidOut(t *testing.T) {
	var log syncBuffer
	cfg := ServerConfig{Service: &slowBook{}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	inBubble(t, cfg, func(t *testing.T, _ *Server, ln *pipeListener, client noise.ClientConfig) {
		t.Helper()
		for range 3 {
			ln.errs <- errors.New("too many open files")
		}
		time.Sleep(10 * time.Second)
		s := noise.Client(ln.dial(), client)
		defer s.Close()
		require.NoError(t, status(t, s, 1))
	})
	require.Contains(t, log.String(), "too many open files")
}

func TestAnswerOfABrokenBook(t *testing.T) {
	inBubble(t, ServerConfig{Service: brokenBook{}}, func(t *testing.T, _ *Server, ln *pipeListener, client noise.ClientConfig) {
		t.Helper()
		s := noise.Client(ln.dial(), client)
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

func TestRepeatedLogLinesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncBuffer
		l := newSparseLog(slog.New(slog.NewTextHandler(&log, nil)))
		for range 1000 { // over 10 s
			l.warn("flood", "from", "x")
			time.Sleep(10 * time.Millisecond)
		}
		l.info("other")
		l.flush()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 12)
		require.NotContains(t, lines[0], "also")
		require.Contains(t, lines[1], "also=99")
		require.Contains(t, lines[11], "also=99")
	})
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
