package bank

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/onebar/onebar/reference/pay"
)

// BenchmarkLedger books payments of 64 concurrent wallets, without the network.
func BenchmarkLedger(b *testing.B) {
	const wallets = 64
	bk := openTestLedger(b, wallets)
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
