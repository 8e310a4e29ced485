package check_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// perPayment is how many events the runs of the benchmarks have a payment: a
// press, two outcomes, a commit, an attempt, a posting, and the 14 packets of a
// payment over a fresh connection.
const perPayment = 20

// payments is the history of a run of payments from first to last.
func payments(first, last int) []history.Record {
	all := make([]history.Record, 0, (last-first)*perPayment)
	for i := first; i < last; i++ {
		at := time.Duration(i) * ms
		add := func(r history.Record) {
			r.At, r.Line = at, i*perPayment+len(all)%perPayment+3
			all = append(all, r)
		}
		id, order := fmt.Sprintf("p%d", i), fmt.Sprintf("o%d", i)
		p := harness.Payment{ID: id, Order: order, Wallet: i % 1000, Payer: "w" + fmt.Sprint(i%1000), Payee: "m1", Amount: 100, Currency: "KES"}
		add(history.Record{Pay: &p})
		add(history.Record{Told: &harness.Told{Payment: id, Outcome: queued}})
		for n := range perPayment - 6 {
			d := harness.Up
			if n%2 == 1 {
				d = harness.Down
			}
			add(history.Record{Packet: &harness.Packet{At: at, Client: p.Wallet, Flow: i, Direction: d, Size: 123, Delay: 300 * ms, Late: 31_000}})
		}
		add(history.Record{Committed: id})
		add(history.Record{Attempt: &harness.Attempt{Payment: id, N: 1, Took: ms}})
		add(history.Record{Told: &harness.Told{Payment: id, Outcome: confirmed}})
		add(history.Record{Posting: &harness.Posting{ID: "b" + id, Payment: id, Order: order, Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency}})
	}
	return all
}

func ends() (first, last history.Record) {
	return history.Record{Header: &history.Header{Version: history.Version, Commits: true, Holds: true}},
		history.Record{End: &history.End{LedgerRead: true}}
}

// BenchmarkJudge feeds a history from memory, a chunk at a time, and reports the
// memory the judge holds a payment.
func BenchmarkJudge(b *testing.B) {
	const chunk = 10_000
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("payments=%d", n), func(b *testing.B) {
			if n > 100_000 && testing.Short() {
				b.Skip("short")
			}
			b.ReportAllocs()
			var held uint64
			for range b.N {
				b.StopTimer()
				before := heap()
				j := check.New()
				first, last := ends()
				j.Add(first)
				j.Add(history.Record{Phase: &history.Phase{}})
				for i := 0; i < n; i += chunk {
					records := payments(i, i+chunk)
					b.StartTimer()
					for _, r := range records {
						j.Add(r)
					}
					b.StopTimer()
				}
				j.Add(last)
				held = heap() - before
				b.StartTimer()
				for _, v := range j.Verdicts() {
					if v.Status == result.Fail {
						b.Fatal(v.Check, v.Summary)
					}
				}
			}
			b.ReportMetric(float64(n*perPayment)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(held)/float64(n), "B/payment")
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkJudgeFile reads the history as well, as onebar check does.
func BenchmarkJudgeFile(b *testing.B) {
	const n = 10_000
	var file bytes.Buffer
	w := json.NewEncoder(&file)
	first, last := ends()
	records := append([]history.Record{first, {Phase: &history.Phase{}}}, payments(0, n)...)
	for _, r := range append(records, last) {
		if err := w.Encode(r); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		j := check.New()
		for r, err := range history.Read(bytes.NewReader(file.Bytes())) {
			if err != nil {
				b.Fatal(err)
			}
			j.Add(r)
		}
		j.Verdicts()
	}
	b.ReportMetric(float64(n*perPayment)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
