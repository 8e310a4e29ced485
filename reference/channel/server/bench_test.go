package server

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
)

// BenchmarkServer is the figure of the bank: 64 wallets on persistent TCP
// connections over loopback, each with one payment outstanding, every payment
// durable before it is answered, every receipt verified by its wallet. Wallets
// and bank share the processors.
func BenchmarkServer(b *testing.B) {
	const wallets = 64
	bk := openTestLedger(b, wallets)
	sv := startServer(b, Config{Service: bk})
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
		return
	}
	if err := pay.VerifyReceipt(s.client.receipts, s.client.Vault.Certificate().Identity, &p, a); err != nil {
		b.Errorf("payment %d: %v", n, err)
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
