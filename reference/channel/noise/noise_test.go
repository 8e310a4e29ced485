package noise

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a wallet and a bank that know each other, with keys that are the
// same in every run.
type bench struct {
	wallet vault.Vault
	bank   KeyPair
	sign   ed25519.PrivateKey // the bank's receipts
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	src := rand.NewChaCha8([32]byte{7})
	wallet, err := vault.New(src)
	require.NoError(tb, err)
	bank, err := NewKeyPair(src)
	require.NoError(tb, err)
	_, sign, err := ed25519.GenerateKey(src)
	require.NoError(tb, err)
	return &bench{wallet: wallet, bank: bank, sign: sign}
}

func (b *bench) client() ClientConfig {
	return ClientConfig{Vault: b.wallet, Bank: b.bank.Public}
}

func (b *bench) server() ServerConfig {
	return ServerConfig{Static: b.bank, Receipts: b.receiptKey(), Identify: b.identify}
}

func (b *bench) receiptKey() ed25519.PublicKey { return b.sign.Public().(ed25519.PublicKey) }

// identify knows the one wallet.
func (b *bench) identify(transport [32]byte) (pay.PublicKey, bool) {
	c := b.wallet.Certificate()
	return c.Identity, transport == c.Transport
}

// request is payRequest, signed by the wallet for the bank.
func (b *bench) request(n byte) *pay.Request {
	r := payRequest(n)
	if err := r.Sign(b.wallet, b.receiptKey()); err != nil {
		panic(err) // a mistake in this file
	}
	return r
}

const testTime = 1_790_000_000_000 // Unix milliseconds, in 2026

func payRequest(n byte) *pay.Request {
	return &pay.Request{Ask: pay.AskPay, Payment: pay.Payment{
		Key: pay.Key{n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Order: "order-0001", Payee: "m0",
		Amount: 45_00, Currency: "KES", Created: testTime, Deadline: testTime + 60_000,
	}}
}

func (b *bench) confirm(payer pay.PublicKey, p *pay.Payment) *pay.Answer {
	a := &pay.Answer{Key: p.Key, Result: pay.Confirmed, Transfer: 12_345, At: testTime + 700}
	pay.SignReceipt(b.sign, payer, p, a)
	return a
}

// serve confirms everything until the connection ends.
func (b *bench) serve(c *ServerConn) error {
	for {
		in, err := c.Receive()
		if err != nil {
			return err
		}
		if err := c.Send(in.Number, b.confirm(c.Payer(), &in.Request.Payment)); err != nil {
			return err
		}
	}
}

// pair starts a bank that confirms everything, over an in-memory connection.
func (b *bench) pair(t *testing.T) *Session {
	t.Helper()
	cc, sc := net.Pipe()
	server := Server(sc, b.server())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.serve(server) })
	s := Client(cc, b.client())
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		server.Close()
		wg.Wait()
	})
	return s
}

func TestDo(t *testing.T) {
	b := newBench(t)
	s := b.pair(t)
	for i := range byte(3) {
		r := b.request(i)
		a, err := s.Do(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, b.confirm(b.wallet.Certificate().Identity, &r.Payment), a)
	}
}

// TestDoTooLate: a request whose time is over is not sent, and does not end the
// session for others.
func TestDoTooLate(t *testing.T) {
	b := newBench(t)
	s := b.pair(t)
	_, err := s.Do(t.Context(), b.request(1))
	require.NoError(t, err)
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for range 20 {
		_, err := s.Do(over, b.request(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	_, err = s.Do(t.Context(), b.request(1))
	require.NoError(t, err)
}

func TestPipelined(t *testing.T) {
	b := newBench(t)
	cc, sc := net.Pipe()
	server := Server(sc, b.server())
	defer server.Close()
	s := Client(cc, b.client())
	defer s.Close()

	const n = 8
	var clients, bank sync.WaitGroup
	bank.Go(func() {
		in, err := server.Receive() // the first is answered alone: it is the handshake
		if err != nil || server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)) != nil {
			t.Error("the first request was not answered", err)
			return
		}
		var held []channel.Incoming
		for range n - 1 {
			in, err := server.Receive()
			if err != nil {
				t.Error(err)
				return
			}
			held = append(held, in)
		}
		for i := range held { // the last first
			in := held[len(held)-1-i]
			if err := server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range byte(n) {
		clients.Go(func() {
			r := b.request(i)
			a, err := s.Do(t.Context(), r)
			if err != nil || a.Key != r.Payment.Key {
				t.Errorf("request %d: %v, %v", i, a, err)
			}
		})
	}
	clients.Wait()
	bank.Wait()
}

func TestDoHonoursItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		cc, sc := net.Pipe()
		server := Server(sc, b.server())
		defer server.Close()
		s := Client(cc, b.client())
		defer s.Close()

		received := make(chan channel.Incoming, 2)
		go func() {
			for {
				in, err := server.Receive()
				if err != nil {
					return
				}
				received <- in
			}
		}()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := s.Do(ctx, b.request(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begin))

		// The late answer is dropped, and the session works on.
		late := <-received
		require.NoError(t, server.Send(late.Number, b.confirm(server.Payer(), &late.Request.Payment)))
		go func() {
			in := <-received
			if err := server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)); err != nil {
				t.Error(err)
			}
		}()
		a, err := s.Do(t.Context(), b.request(1))
		require.NoError(t, err)
		require.Equal(t, pay.Confirmed, a.Result)
	})
}

func TestSessionEnds(t *testing.T) {
	b := newBench(t)
	cases := []struct {
		name string
		bank func(conn net.Conn) // plays the bank
		want string
	}{
		{"closed at once", func(c net.Conn) { c.Close() }, "closed"},
		{"closed after message 1", func(c net.Conn) { readFrame(c); c.Close() }, "the bank closed the connection"},
		{"message 2 cut", func(c net.Conn) { readFrame(c); _, _ = c.Write([]byte{0, 90, 1}); c.Close() }, "unexpected EOF"},
		{"message 2 forged", func(c net.Conn) { readFrame(c); _, _ = c.Write(append([]byte{0, 90}, make([]byte, 90)...)) }, "not from the bank we know"},
		{"message 2 too large", func(c net.Conn) { readFrame(c); _, _ = c.Write([]byte{255, 255}) }, "a frame of 65535 bytes"},
		{"another bank", func(c net.Conn) {
			other, err := NewKeyPair(nil)
			if err == nil {
				_, err = Server(c, ServerConfig{Static: other}).Receive()
			}
			if !errors.Is(err, channel.ErrProtocol) {
				t.Error("another bank could read message 1:", err)
			}
			c.Close()
		}, "the bank closed the connection"},
		{"answer to nothing", func(c net.Conn) {
			server := Server(c, b.server())
			in, err := server.Receive()
			if err == nil {
				err = server.Send(5, b.confirm(server.Payer(), &in.Request.Payment))
			}
			if err != nil {
				t.Error(err)
			}
		}, "an answer to request 5, but only 1 were sent"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cc, sc := net.Pipe()
			var wg sync.WaitGroup
			wg.Go(func() { c.bank(sc) })
			s := Client(cc, b.client())
			_, err := s.Do(t.Context(), b.request(1))
			require.ErrorContains(t, err, c.want)
			require.NoError(t, s.Close())
			sc.Close()
			wg.Wait()
			_, err = s.Do(t.Context(), b.request(1))
			require.Error(t, err)
		})
	}
}

func TestCloseReleasesDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		cc, sc := net.Pipe()
		defer sc.Close()
		s := Client(cc, b.client())
		go func() { _, _ = io.Copy(io.Discard, sc) }()
		errs := make(chan error, 2)
		for range 2 { // one waits for its answer, one for the handshake
			go func() {
				_, err := s.Do(context.Background(), b.request(1))
				errs <- err
			}()
		}
		synctest.Wait()
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-errs, channel.ErrClosed)
		require.ErrorIs(t, <-errs, channel.ErrClosed)
		sc.Close()
	})
}

func TestServerTimeouts(t *testing.T) {
	b := newBench(t)
	frame, _ := message1(t, b, b.request(1))
	cases := []struct {
		name   string
		wallet func(t *testing.T, c net.Conn)
		want   time.Duration
	}{
		{"says nothing", func(*testing.T, net.Conn) {}, 30 * time.Second},
		{"drips message 1", func(_ *testing.T, c net.Conn) {
			for i := range frame[:len(frame)-1] {
				if _, err := c.Write(frame[i : i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, 30 * time.Second},
		{"idle after a payment", func(t *testing.T, c net.Conn) {
			t.Helper()
			s := Client(c, b.client())
			if _, err := s.Do(t.Context(), b.request(1)); err != nil {
				t.Error(err)
			}
			<-s.Done()
			s.Close()
		}, 2 * time.Minute},
		{"drips the second request", func(t *testing.T, c net.Conn) {
			t.Helper()
			s := Client(c, b.client())
			if _, err := s.Do(t.Context(), b.request(1)); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			for i := range 100 {
				if _, err := c.Write([]byte{byte(i % 2 * 200)}); err != nil {
					break
				}
				time.Sleep(6 * time.Second)
			}
			s.Close()
		}, time.Minute + 10*time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cc, sc := net.Pipe()
				server := Server(sc, b.server())
				begin := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { c.wallet(t, cc) })
				err := b.serve(server)
				took := time.Since(begin)
				server.Close()
				wg.Wait()
				cc.Close()
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.Equal(t, c.want, took)
			})
		})
	}
}

func TestStopReceiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		cc, sc := net.Pipe()
		server := Server(sc, b.server())
		defer server.Close()
		s := Client(cc, b.client())
		defer s.Close()
		var got *pay.Answer
		var wg sync.WaitGroup
		wg.Go(func() {
			var err error
			if got, err = s.Do(t.Context(), b.request(1)); err != nil {
				t.Error(err)
			}
		})
		in, err := server.Receive()
		require.NoError(t, err)
		server.StopReceiving()
		require.NoError(t, server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)))
		_, err = server.Receive()
		require.ErrorIs(t, err, channel.ErrStopped)
		wg.Wait()
		require.Equal(t, pay.Confirmed, got.Result)
	})
}

func TestServerRefuses(t *testing.T) {
	b := newBench(t)
	frame, _ := message1(t, b, b.request(1))
	flip := func(i int) []byte {
		f := append([]byte(nil), frame...)
		f[i] ^= 1
		return f
	}
	lowOrder := append([]byte{0, 150}, make([]byte, 150)...)
	cases := []struct {
		name string
		sent []byte
		want string
	}{
		{"garbage", []byte("GET / HTTP/1.1\r\nHost: bank\r\n\r\n"), "a frame of 18245 bytes"},
		{"empty frame", []byte{0, 0}, "a frame of 0 bytes"},
		{"oversize frame", []byte{4, 1, 0}, "a frame of 1025 bytes is not between 16 and 1024"},
		{"too short for a handshake", append([]byte{0, 16}, make([]byte, 16)...), "handshake message 1"},
		{"ephemeral key of low order", lowOrder, "handshake message 1"},
		{"ephemeral key altered", flip(2), "handshake message 1"},
		{"static key altered", flip(2 + 32), "handshake message 1"},
		{"payload altered", flip(len(frame) - 1), "handshake message 1"},
		{"payload is no request", handshakeWith(t, b, []byte("not protobuf")), "decode request"},
		{"payload is empty", handshakeWith(t, b, nil), "it asks for nothing known"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cc, sc := net.Pipe()
			server := Server(sc, b.server())
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = cc.Write(c.sent); cc.Close() })
			_, err := server.Receive()
			require.ErrorIs(t, err, channel.ErrProtocol)
			require.ErrorContains(t, err, c.want)
			server.Close()
			wg.Wait()
		})
	}
	t.Run("cut anywhere", func(t *testing.T) {
		for n := range len(frame) {
			cc, sc := net.Pipe()
			server := Server(sc, b.server())
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = cc.Write(frame[:n]); cc.Close() })
			_, err := server.Receive()
			if n == 0 {
				require.ErrorIs(t, err, io.EOF)
			} else {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			}
			server.Close()
			wg.Wait()
		}
	})
}

// TestMessage1CanBeReplayed shows what the package comment warns of: the bank's
// defence is the idempotency key, not the handshake.
func TestMessage1CanBeReplayed(t *testing.T) {
	b := newBench(t)
	frame, _ := message1(t, b, b.request(1))
	for range 2 {
		cc, sc := net.Pipe()
		server := Server(sc, b.server())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = cc.Write(frame) })
		in, err := server.Receive()
		require.NoError(t, err)
		require.Equal(t, b.request(1), in.Request)
		require.Equal(t, b.wallet.Certificate().Identity, server.Payer())
		require.Equal(t, PublicKey(b.wallet.Certificate().Transport).String(), server.Peer())
		wg.Wait()
		server.Close()
		cc.Close()
	}
}

// message1 returns the frame of a first request.
func message1(tb testing.TB, b *bench, r *pay.Request) (frame, payload []byte) {
	tb.Helper()
	payload, err := wire.AppendRequest(nil, r)
	require.NoError(tb, err)
	return handshakeWith(tb, b, payload), payload
}

func handshakeWith(tb testing.TB, b *bench, payload []byte) []byte {
	tb.Helper()
	hs, err := newHandshake(true, staticOf(b.wallet), b.bank.Public[:], rand.NewChaCha8([32]byte{9}))
	require.NoError(tb, err)
	frame, _, _, err := hs.WriteMessage(make([]byte, prefixSize), payload)
	require.NoError(tb, err)
	frame, err = sealFrame(frame)
	require.NoError(tb, err)
	return frame
}

func readFrame(c net.Conn) {
	_, _ = newFrameReader(c, maxFrame).next(0, 0)
}

// counted counts the bytes read from a connection.
type counted struct {
	net.Conn
	read int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += n
	return n, err
}

func TestBytesOnTheWire(t *testing.T) {
	b := newBench(t)
	cc, sc := net.Pipe()
	wallet, bank := &counted{Conn: cc}, &counted{Conn: sc}
	server := Server(bank, b.server())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.serve(server) })
	s := Client(wallet, b.client())
	sizes := func() (up, down int) {
		u, d := bank.read, wallet.read
		_, err := s.Do(t.Context(), b.request(1))
		require.NoError(t, err)
		return bank.read - u, wallet.read - d
	}
	firstUp, firstDown := sizes()
	nextUp, nextDown := sizes()
	require.NoError(t, s.Close())
	wg.Wait()
	server.Close()
	require.Equal(t, [4]int{219, 128, 73, 98}, [4]int{firstUp, firstDown, nextUp, nextDown},
		"up and down on a fresh connection, then on an open one: as the package comment says")
}

// BenchmarkDo is both ends of a payment without the network: on an open
// connection, and on a fresh one with its handshake. The receipt's signature and
// its verification are in both.
func BenchmarkDo(b *testing.B) {
	bench := newBench(b)
	connect := func() (s *Session, end func()) {
		cc, sc := net.Pipe()
		server := Server(sc, bench.server())
		s = Client(cc, bench.client())
		var wg sync.WaitGroup
		wg.Go(func() { _ = bench.serve(server) })
		return s, func() {
			s.Close()
			wg.Wait()
			server.Close()
		}
	}
	pay := func(s *Session) {
		if _, err := s.Do(b.Context(), bench.request(1)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("open", func(b *testing.B) {
		s, end := connect()
		defer end()
		b.ReportAllocs()
		for b.Loop() {
			pay(s)
		}
	})
	b.Run("fresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, end := connect()
			pay(s)
			end()
		}
	})
}

func TestPrivateKeyDoesNotPrint(t *testing.T) {
	k := newBench(t).bank
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, k.Private), fmt.Sprintf("%x", k.Private[:4]), verb)
		require.NotContains(t, fmt.Sprintf(verb, k), fmt.Sprintf("%d", k.Private[0])+" "+fmt.Sprintf("%d", k.Private[1]), verb)
	}
}
