package bank

import (
	"context"
	"crypto/ed25519"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
)

// BenchmarkServer is the figure of the package: 64 wallets on persistent TCP
// connections over loopback, each with one payment outstanding, every payment
// durable before it is answered, every receipt verified by its wallet. Wallets
// and bank share the processors.
func BenchmarkServer(b *testing.B) {
	const wallets = 64
	bk := openBook(b, wallets)
	sv := startServer(b, ServerConfig{Service: bk})
	sessions := make([]*session, wallets)
	for i := range sessions {
		sessions[i] = sv.dial(b, bk.wallets[i])
		defer sessions[i].Close()
		bookOne(b, sessions[i], -1-i) // the handshake is not measured
	}
	fsync := fsyncTime(b, filepath.Dir(bk.cfg.Path))
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for _, s := range sessions {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				bookOne(b, s, int(n))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
	b.ReportMetric(float64(fsync.Microseconds()), "µs/fsync")
}

func bookOne(b *testing.B, s *session, n int) {
	b.Helper()
	p := payment(n)
	p.Amount = 1
	a, err := s.Do(context.Background(), &pay.Request{Ask: pay.AskPay, Payment: p})
	if err != nil || (a.Result != pay.Confirmed && a.Reason != pay.NoFunds) {
		b.Errorf("payment %d: %v, %v", n, a, err)
	}
}

// fsyncTime is the mean time one appended page of 4 KiB takes to be durable in dir.
func fsyncTime(tb testing.TB, dir string) time.Duration {
	tb.Helper()
	f, err := os.Create(filepath.Join(dir, "fsync"))
	require.NoError(tb, err)
	defer f.Close()
	const n = 50
	page := make([]byte, 4096)
	begin := time.Now()
	for range n {
		_, err := f.Write(page)
		require.NoError(tb, err)
		require.NoError(tb, f.Sync())
	}
	return time.Since(begin) / n
}

// testServer is a server on loopback TCP.
type testServer struct {
	*Server
	static  noise.KeyPair
	bank    testClient // without a wallet
	address string
	served  chan error // what Serve returned
}

// testClient is what a wallet knows of a bank, and its own keys.
type testClient struct {
	noise.ClientConfig
	receipts ed25519.PublicKey // of the bank
}

// open begins a session over conn.
func (c testClient) open(conn net.Conn) *session {
	return &session{Session: noise.Client(conn, c.ClientConfig), client: c}
}

// session signs every request, as a wallet does.
type session struct {
	*noise.Session
	client testClient
}

// Do implements channel.Channel.
func (s *session) Do(ctx context.Context, r *pay.Request) (*pay.Answer, error) {
	if err := r.Sign(s.client.Vault, s.client.receipts); err != nil {
		return nil, err
	}
	return s.Session.Do(ctx, r)
}

func startServer(tb testing.TB, cfg ServerConfig) *testServer {
	tb.Helper()
	static, err := noise.NewKeyPair(nil)
	require.NoError(tb, err)
	bk := cfg.Service.(*book)
	cfg.Noise.Static, cfg.Noise.Receipts, cfg.Noise.Identify = static, bk.receiptKey(), bk.Identify
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	sv := &testServer{
		Server: NewServer(cfg), address: ln.Addr().String(), served: make(chan error, 1),
		static: static, bank: testClient{noise.ClientConfig{Bank: static.Public}, bk.receiptKey()},
	}
	go func() { sv.served <- sv.Serve(context.Background(), ln) }()
	tb.Cleanup(func() {
		sv.Kill()
		require.ErrorIs(tb, <-sv.served, ErrClosed)
	})
	return sv
}

func (sv *testServer) connect(tb testing.TB) net.Conn {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", sv.address)
	require.NoError(tb, err)
	return conn
}

func (sv *testServer) dial(tb testing.TB, wallet testWallet) *session {
	tb.Helper()
	return sv.client(wallet).open(sv.connect(tb))
}

func (sv *testServer) client(wallet testWallet) testClient {
	c := sv.bank
	c.Vault = wallet.Vault
	return c
}

// BenchmarkLedger books payments of 64 concurrent wallets, without the network.
func BenchmarkLedger(b *testing.B) {
	const wallets = 64
	bk := openBook(b, wallets)
	var n atomic.Int64
	b.SetParallelism(wallets / 2)
	b.ReportAllocs()
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		w := bk.wallets[int(next.Add(1))%wallets].id()
		for pb.Next() {
			p := payment(int(n.Add(1)))
			p.Amount = 1
			a, err := bk.Answer(context.Background(), w, &pay.Request{Ask: pay.AskPay, Payment: p})
			if err != nil {
				b.Error(err)
				return
			}
			_ = a
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}
