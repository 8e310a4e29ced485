package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
)

// TestConnectionLimit has connections that may not be closed, because each waits
// for an answer.
func TestConnectionLimit(t *testing.T) {
	b := openTestLedger(t, 3)
	held := map[pay.Key]chan struct{}{payment(10).Key: make(chan struct{}), payment(11).Key: make(chan struct{})}
	sv := startServer(t, Config{Service: b, MaxConns: 2, BeforeAnswer: func(key pay.Key) func(context.Context) {
		h := held[key]
		if h == nil {
			return nil
		}
		return func(ctx context.Context) {
			select {
			case <-h:
			case <-ctx.Done():
			}
		}
	}})
	var sessions []*session
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer close(held[payment(10).Key])
	for i := range 2 {
		s := sv.dial(t, b.wallets[i])
		defer s.Close()
		_, err := do(t, s, pay.AskPay, payment(i))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return sv.outstanding() == i }, testTimeout, time.Millisecond, "the answer that has come no longer counts")
		waiting.Go(func() { _, _ = s.Do(t.Context(), &pay.Request{Ask: pay.AskStatus, Payment: payment(10 + i)}) })
		require.Eventually(t, func() bool { return sv.outstanding() == i+1 }, testTimeout, time.Millisecond)
		sessions = append(sessions, s)
	}
	third := func() error {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", sv.address)
		if err != nil {
			return err
		}
		s := sv.client(b.wallets[2]).open(conn)
		defer s.Close()
		_, err = do(t, s, pay.AskPay, payment(2))
		return err
	}
	require.Error(t, third())
	_, err := do(t, sessions[0], pay.AskPay, payment(3))
	require.NoError(t, err, "those inside are not disturbed")

	sessions[1].Close()
	close(held[payment(11).Key])
	require.Eventually(t, func() bool { return third() == nil }, testTimeout, 10*time.Millisecond,
		"the place of a closed connection is free again")
}

// outstanding is how many requests wait for their answers.
func (s *Server) outstanding() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.table.conns {
		n += c.outstanding
	}
	return n
}

// connections is how many connections are open.
func (s *Server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.table.conns)
}

// TestWhoGoesFirst plays what happens to connections, named by letters, and lists
// who is closed: "a" is accepted, "a?" asks, "a!" is answered, "a." ends. Capitals
// come from another address. A wallet is named like the connection, unless
// "a?w" names it.
func TestWhoGoesFirst(t *testing.T) {
	cases := []struct {
		name                         string
		total, perAddress, perWallet int
		events, want                 string
	}{
		{"there is room", 3, 9, 9, "a b c", ""},
		{"the oldest silent one", 2, 9, 9, "a b c d", "a b"},
		{"a silent one before idle ones", 3, 9, 9, "a a? a! b b? b! c d e", "c d"},
		{"a younger silent one before an older idle one", 2, 9, 9, "a a? a! b c", "b"},
		{"of the idle ones, who was heard of last is last", 2, 9, 9, "a b a? a! b? b! a? a! c", "b"},
		{"an answer counts", 2, 9, 9, "a b a? b? b! a! c", "b"},
		{"who waits for an answer stays", 2, 9, 9, "a b a? b? b! c", "b"},
		{"nobody can go", 2, 9, 9, "a b a? b? c", "-c"},
		{"one of two answers is not enough", 1, 9, 9, "a a? a? a! b", "-b"},
		{"both are", 1, 9, 9, "a a? a? a! a! b", "a"},
		{"a place is free again", 2, 9, 9, "a b a? b? a! a. c", ""},
		{"an address is full", 9, 2, 9, "a b A B c", "a"},
		{"an address is full, all of it busy", 9, 2, 9, "a a? b b? A c", "-c"},
		{"an address closes its own before others'", 4, 2, 9, "A B a b c", "a"},
		{"everything is full, one address is not", 3, 2, 9, "A a b B", "A"},
		{"a wallet's oldest", 9, 9, 2, "a a?w a! b b?w b! c c?w", "a"},
		{"a wallet's oldest, not the one silent for longest", 9, 9, 2, "a a?w a! b b?w b! a?w a! c c?w", "a"},
		{"a wallet's oldest, even if it waits", 9, 9, 2, "a a?w b b?w c c?w", "a"},
		{"a wallet's oldest is by its first request", 9, 9, 2, "a b b?w a?w c c?w", "b"},
		{"wallets do not share", 9, 9, 1, "a a?w b b?x c c?y", ""},
		{"a wallet of one connection", 9, 9, 1, "a a?w b b?w c c?w", "a b"},
		{"silent ones are no wallet's", 9, 9, 1, "a b c d d?w", ""},
		{"who was closed does not come back", 9, 9, 1, "a a?w b b?w a?w a! c c?w", "a b"},
		{"who was closed while silent does not come back", 1, 9, 1, "a b b?w a?w", "a"},
		{"wallets that the bank does not know do not share", 9, 9, 2, "a b b?0 c c?0 d d?0", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, playTable(t, c.total, c.perAddress, c.perWallet, c.events))
		})
	}
}

func playTable(t *testing.T, total, perAddress, perWallet int, events string) string {
	t.Helper()
	tb := table{total: total, perAddress: perAddress, perWallet: perWallet, conns: map[*conn]bool{}}
	conns := map[byte]*conn{}
	var closed []string
	note := func(gone *conn) {
		for name, c := range conns {
			if c == gone {
				closed = append(closed, string(name))
			}
		}
	}
	for e := range strings.FieldsSeq(events) {
		c := conns[e[0]]
		switch {
		case len(e) == 1:
			host := "127.0.0.2"
			if e[0] < 'a' {
				host = "127.0.0.1"
			}
			c = &conn{place: place{address: addressOf(&net.TCPAddr{IP: net.ParseIP(host), Port: int(e[0])})}}
			conns[e[0]] = c
			gone, ok := tb.add(c)
			if !ok {
				require.Nil(t, gone)
				closed = append(closed, "-"+e)
			}
			note(gone)
		case e[1] == '?':
			wallet := e[0]
			if len(e) == 3 {
				wallet = e[2]
			}
			note(tb.request(c, pay.PublicKey{wallet - '0'}))
		case e[1] == '!':
			tb.answered(c)
		case e[1] == '.':
			tb.remove(c)
		}
		require.LessOrEqual(t, len(tb.conns), total)
	}
	return strings.Join(closed, " ")
}

func TestAddressOf(t *testing.T) {
	for _, c := range []struct {
		name string
		addr net.Addr
		want string
	}{
		{"IPv4", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, "192.0.2.7/32"},
		{"IPv4 in IPv6", &net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.7"), Port: 1}, "192.0.2.7/32"},
		{"IPv4 in IPv6, as text", textAddr("[::ffff:192.0.2.7]:1"), "192.0.2.7/32"},
		{"IPv6", &net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6"), Port: 1}, "2001:db8:1:2::/64"},
		{"link-local", &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}, "fe80::/64"},
		{"QUIC", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, "192.0.2.7/32"},
		{"Unix socket", &net.UnixAddr{Name: "bank"}, "invalid Prefix"},
		{"none", nil, "invalid Prefix"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, addressOf(c.addr).String()) })
	}
}

type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

// TestMemoryHasNoAddress: connections without an IP address do not share a limit.
func TestMemoryHasNoAddress(t *testing.T) {
	tb := table{total: 9, perAddress: 1, perWallet: 1, conns: map[*conn]bool{}}
	for range 3 {
		gone, ok := tb.add(new(conn))
		require.True(t, ok)
		require.Nil(t, gone)
	}
}

const (
	silentConns = 1024
	payers      = 112
	enough      = 110 // of the payers
)

// TestSilentConnections is the figure that the limits are for: of 112 payments, as
// many come through while one address holds 1,024 silent connections. Each payer
// dials once.
func TestSilentConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("1,024 connections: TestSilentConnectionsInMemory is the short one")
	}
	for _, c := range []struct{ name, silent string }{
		{"of another address", "127.0.0.2"},
		{"of the payers' address", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS != "linux" && c.silent != "127.0.0.1" {
				t.Skip("this system has no second loopback address")
			}
			b := openTestLedgerOn(t, payers, hastyVFS(t))
			var log syncBuffer
			sv := startServer(t, Config{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))})
			var silent []net.Conn
			for range silentConns {
				conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.silent)}}).DialContext(t.Context(), "tcp", sv.address)
				require.NoError(t, err)
				defer conn.Close()
				silent = append(silent, conn)
			}
			for i, conn := range silent[:silentConns-256] {
				require.True(t, isClosed(t, conn), "connection %d is too many for one address", i)
			}
			require.Equal(t, 256, sv.connections())
			begin := time.Now()
			served := payAll(t, sv, b.wallets)
			t.Logf("%d of %d payments came through beside %d silent connections, in %v", served, payers, silentConns, time.Since(begin))
			require.GreaterOrEqual(t, served, enough)
			booked, _ := b.contents(t)
			require.Len(t, booked, served)
			require.Contains(t, log.String(), "a silent connection was closed, to make room")
			require.NotContains(t, log.String(), "a connection was lost", "it is logged once why a connection ended")
		})
	}
}

// isClosed waits until the other end closes conn, and reports whether it did.
func isClosed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(testTimeout)))
	_, err := conn.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// payAll has every wallet dial and pay once, all at the same time, and returns how
// many payments were confirmed.
func payAll(t *testing.T, sv *testServer, wallets []testWallet) int {
	t.Helper()
	var served atomic.Int64
	var wg sync.WaitGroup
	for i, w := range wallets {
		wg.Go(func() {
			conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}).DialContext(t.Context(), "tcp", sv.address)
			if err != nil {
				return
			}
			s := sv.client(w).open(conn)
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			a, err := s.Do(ctx, &pay.Request{Ask: pay.AskPay, Payment: payment(i)})
			if err == nil && a.Result == pay.Confirmed {
				served.Add(1)
			}
		})
	}
	wg.Wait()
	return int(served.Load())
}

// TestSilentConnectionsInMemory has one address that dials again whenever it is
// closed, and another that pays, in virtual time.
func TestSilentConnectionsInMemory(t *testing.T) {
	const silent, wallets = 64, 32
	for _, c := range []struct {
		name       string
		perAddress int
		pays       string // the address of the payers
	}{
		{"of another address", silent / 4, "127.0.0.1:1"},
		{"of another address, which may have all", silent, "127.0.0.1:1"},
		{"of the payers' address", silent / 4, "127.0.0.2:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Service: &slowBook{takes: 10 * time.Millisecond}, MaxConns: silent, MaxPerAddress: c.perAddress}
			inBubble(t, cfg, noise.ServerConfig{}, func(t *testing.T, sv *Server, ln *pipeListener, client testClient) {
				t.Helper()
				ctx, cancel := context.WithCancel(t.Context())
				var hostile sync.WaitGroup
				for range silent {
					hostile.Go(func() { beSilent(ctx, ln) })
					time.Sleep(time.Second / silent)
				}
				time.Sleep(time.Minute + time.Millisecond) // longer than the time-out of a handshake
				require.LessOrEqual(t, sv.connections(), c.perAddress)
				for i := range wallets {
					s := client.another(t).open(ln.dialFrom(c.pays))
					require.NoError(t, status(t, s, i), "wallet %d", i)
					s.Close()
				}
				cancel()
				sv.Kill()
				hostile.Wait()
			})
		})
	}
}

// TestIdleConnectionMakesRoom: also one of a wallet that the bank does not know, so
// the log does not say whose it was.
func TestIdleConnectionMakesRoom(t *testing.T) {
	var log syncBuffer
	cfg := Config{Service: &slowBook{}, MaxConns: 1, Log: slog.New(slog.NewTextHandler(&log, nil))}
	inBubble(t, cfg, noise.ServerConfig{}, func(t *testing.T, _ *Server, ln *pipeListener, client testClient) {
		t.Helper()
		for n := range 2 {
			s := client.another(t).open(ln.dial())
			defer s.Close()
			require.NoError(t, status(t, s, n))
			synctest.Wait()
		}
		require.Contains(t, log.String(), "an idle connection was closed, to make room")
	})
}

// beSilent opens a connection and says nothing, and opens it again a second after
// it was closed.
func beSilent(ctx context.Context, ln *pipeListener) {
	for ctx.Err() == nil {
		conn := ln.dialFrom("127.0.0.2:1")
		_, _ = conn.Read(make([]byte, 1))
		conn.Close()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// TestWhoIsReset: a reset would drop an answer that is still on its way.
func TestWhoIsReset(t *testing.T) {
	inBubble(t, Config{Service: &slowBook{}, MaxConns: 1}, noise.ServerConfig{}, func(t *testing.T, _ *Server, ln *pipeListener, client testClient) {
		t.Helper()
		open := func() (here net.Conn, there *resetConn) {
			here, sc := net.Pipe()
			there = &resetConn{Conn: sc}
			ln.conns <- there
			synctest.Wait()
			return here, there
		}
		_, silent := open()
		conn, idle := open()
		require.True(t, silent.reset.Load())
		s := client.open(conn)
		defer s.Close()
		require.NoError(t, status(t, s, 1))
		synctest.Wait()
		open()
		<-s.Done()
		require.False(t, idle.reset.Load())
	})
}

// resetConn is a connection that notes whether it is to be reset.
type resetConn struct {
	net.Conn
	reset atomic.Bool
}

func (c *resetConn) SetLinger(sec int) error {
	c.reset.Store(sec == 0)
	return nil
}

// TestWalletThatRedials leaves each connection open behind it, as a phone does that
// changed its network.
func TestWalletThatRedials(t *testing.T) {
	const redials = 100
	b := openTestLedgerOn(t, 2, hastyVFS(t))
	sv := startServer(t, Config{Service: b})
	other := sv.dial(t, b.wallets[1])
	defer other.Close()
	_, err := do(t, other, pay.AskStatus, payment(0))
	require.NoError(t, err)
	var left []*session
	for i := range redials {
		s := sv.dial(t, b.wallets[0])
		defer s.Close()
		p := payment(i)
		p.Amount = 1
		a, err := do(t, s, pay.AskPay, p)
		require.NoError(t, err, "redial %d", i)
		require.Equal(t, pay.Confirmed, a.Result, "redial %d", i)
		left = append(left, s)
	}
	for _, s := range left[:redials-DefaultMaxPerWallet] {
		select {
		case <-s.Done():
		case <-time.After(testTimeout):
			t.Fatal("an old connection of the wallet is still open")
		}
	}
	for _, s := range append(slices.Clone(left[redials-DefaultMaxPerWallet:]), other) {
		_, err := do(t, s, pay.AskStatus, payment(0))
		require.NoError(t, err, "the youngest and another wallet's stay")
	}
}

// TestSlowReader asks more than may be outstanding and reads no answer.
func TestSlowReader(t *testing.T) {
	const others, takes = 50, 10 * time.Millisecond
	inBubble(t, Config{Service: &slowBook{takes: takes}}, noise.ServerConfig{}, func(t *testing.T, sv *Server, ln *pipeListener, client testClient) {
		t.Helper()
		deaf := &deafConn{Conn: ln.dial(), closed: make(chan struct{})}
		s := client.open(deaf)
		require.NoError(t, status(t, s, 0))
		deaf.deaf.Store(true)
		var asking sync.WaitGroup
		for i := range 2 * DefaultOutstanding {
			asking.Go(func() {
				_, err := s.Do(t.Context(), &pay.Request{Ask: pay.AskStatus, Payment: payment(i)})
				if err == nil {
					t.Error("a request was answered to who reads no answer")
				}
			})
		}
		time.Sleep(time.Second)
		require.Equal(t, DefaultOutstanding+1, sv.outstanding(), "one more is read, and waits")

		begin := time.Now()
		var paying sync.WaitGroup
		for i := range others {
			other := client.another(t)
			paying.Go(func() {
				s := other.open(ln.dial())
				defer s.Close()
				if err := status(t, s, i); err != nil {
					t.Error(err)
				}
			})
		}
		paying.Wait()
		require.Equal(t, takes, time.Since(begin), "others wait for their own answers only")
		synctest.Wait()
		require.Equal(t, DefaultOutstanding+1, sv.outstanding())

		time.Sleep(noise.DefaultWriteTimeout)
		require.Zero(t, sv.outstanding(), "the slow reader was cut off")
		require.Zero(t, sv.connections())
		close(deaf.closed)
		s.Close()
		asking.Wait()
	})
}

// deafConn is a connection of which nothing more is read once it is deaf.
type deafConn struct {
	net.Conn
	deaf   atomic.Bool
	closed chan struct{}
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.deaf.Load() {
		<-c.closed
		return 0, io.EOF
	}
	return n, err
}
