//go:build unix

package httpapi_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/toxi"
)

// spent returns the processor time of this process.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPay is a payment from the press to the word, with the server in the same
// process: without a link, and over an unimpaired link of each engine, for 50
// wallets at once. The processor time of a payment is reported, too, because the time,
// which on a busy machine says little.
func BenchmarkPay(b *testing.B) {
	b.Run("direct", func(b *testing.B) {
		s := newShop(b)
		env, _ := environment(s.Listener.Addr().String())
		client := httpapi.NewClient(described(), ".")
		require.NoError(b, client.Start(b.Context(), env))
		defer client.Close()
		measure(b, 2, func(p harness.Payment) { pay(b, env, client, p) })
	})
	for name, engine := range map[string]harness.Engine{"packet": packet.Engine{}, "toxiproxy": toxi.Engine{}} {
		b.Run(name, func(b *testing.B) {
			const wallets = 50
			s := newShop(b)
			log := slog.New(slog.DiscardHandler)
			network, err := engine.Open(b.Context(), harness.NetworkConfig{Seed: 1, Start: time.Now(), Clients: wallets, Packets: unseen{}, Log: log})
			require.NoError(b, err)
			defer network.Close()
			config := described()
			config.Timeout, config.GiveUp = time.Minute, time.Minute
			subject := subject.New(subject.Parts{
				Client: httpapi.NewClient(config, "."), Server: subject.AddressServer(s.Listener.Addr().String()), Ledger: subject.NoLedger{},
			})
			require.NoError(b, subject.Start(b.Context(), harness.Env{
				Network: network, Seed: 1, Start: time.Now(), Observer: &recorder{}, Log: log,
				Workload: harness.Workload{Wallets: wallets, Merchants: 1, Payments: 1, AmountMax: 900, Currency: "KES"},
			}))
			defer subject.Close()
			measure(b, wallets, func(p harness.Payment) { require.NoError(b, subject.Payer(p.Wallet).Pay(b.Context(), p)) })
			require.GreaterOrEqual(b, s.count(), b.N)
		})
	}
}

// unseen is a PacketSink that ignores packets.
type unseen struct{}

func (unseen) Packet(harness.Packet) {}

// measure has each wallet pay one payment after the other, b.N in all.
func measure(b *testing.B, wallets int, pay func(harness.Payment)) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	before := spent(b)
	for w := range wallets {
		group.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				p := payment(int(n))
				p.Wallet = w
				pay(p)
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(spent(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}
