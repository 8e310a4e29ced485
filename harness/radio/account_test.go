package radio_test

import (
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/radio"
)

// without returns the trace without the packets of a payment.
func without(packets []radio.Packet, payment int) []radio.Packet {
	return slices.DeleteFunc(slices.Clone(packets), func(p radio.Packet) bool { return p.Payment == payment })
}

// The fast way says the same as two runs over the whole trace, and everything is
// charged to some payment.
func TestPropertyMarginal(t *testing.T) {
	models := radio.Bundled()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(models).Draw(t, "model")
		packets := trace(rapid.SampledFrom([]int{1, 4, 30}).Draw(t, "most")).Draw(t, "trace")
		whole := spent(m, slices.Values(packets))
		got, costs := m.Account(packets)
		require.Equal(t, whole, got)
		paid, promotions := 0.0, int64(0)
		for i, c := range costs {
			if i > 0 {
				require.Greater(t, c.Payment, costs[i-1].Payment)
			}
			left := spent(m, slices.Values(without(packets, c.Payment)))
			require.InDelta(t, whole.AboveIdle-left.AboveIdle, c.Marginal, 1e-9)
			paid += c.Joules
			promotions += c.Promotions
		}
		nobody := without(packets, 0)
		if len(nobody) == len(packets) { // every packet is somebody's
			require.InDelta(t, whole.Joules-whole.States[0].Joules, paid, 1e-9)
			require.Equal(t, whole.Promotions, promotions)
		}
		require.LessOrEqual(t, promotions, whole.Promotions)
	})
}

// The same as a matter of energy: over a common horizon, the joules of both
// traces differ by the marginal ones.
func TestMarginalOverACommonHorizon(t *testing.T) {
	const horizon = 100.0
	m := lookup(t, "energybox-3g")
	packets := []radio.Packet{
		{At: 1 * time.Second, Size: 60, Direction: harness.Up, Payment: 1},
		{At: 2 * time.Second, Size: 1200, Direction: harness.Up, Payment: 2},
		{At: 30 * time.Second, Size: 60, Direction: harness.Up, Payment: 3},
	}
	upTo := func(packets []radio.Packet) float64 {
		u := spent(m, slices.Values(packets))
		return u.Joules + (horizon-u.Span.Seconds())*m.States[0].Power
	}
	_, costs := m.Account(packets)
	require.Len(t, costs, 3)
	for _, c := range costs {
		require.InDelta(t, upTo(packets)-upTo(without(packets, c.Payment)), c.Marginal, 1e-9)
	}
}

func TestCostsOfPayments(t *testing.T) {
	m := lookup(t, "videooptimizer-lte")
	pay := func(payment int, seconds ...float64) []radio.Packet {
		packets := at(seconds...)
		for i := range packets {
			packets[i].Payment = payment
		}
		return packets
	}
	const one, promotion, idle = 11.36704, 0.3146, 0.594 * 0.043 / 1.28
	for name, tc := range map[string]struct {
		packets          []radio.Packet
		joules, marginal []float64
	}{
		"alone": {pay(1, 1), []float64{one}, []float64{one - 10.38*idle}},
		"far apart": {
			slices.Concat(pay(1, 1), pay(2, 50)),
			[]float64{one, one},
			[]float64{one - 10.38*idle, one - 10.38*idle},
		},
		// The second rides on the tail of the first: it pays for the tail that it
		// opens anew, and without it only 5 s had been saved.
		"in the tail": {
			slices.Concat(pay(1, 1), pay(2, 6)),
			[]float64{promotion + 0.12 + 0.02244 + 4.88*1.091, one - promotion},
			[]float64{16.83356 - one - 5*idle, 16.83356 - one - 5*idle},
		},
		"packets of nobody": {
			slices.Concat(pay(0, 1), pay(7, 2)),
			[]float64{one - promotion},
			[]float64{0.12 + 0.02244 + 0.88*1.091 - 1*idle},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, costs := m.Account(tc.packets)
			require.Len(t, costs, len(tc.joules))
			for i, c := range costs {
				require.InDelta(t, tc.joules[i], c.Joules, 1e-6, "payment %d", c.Payment)
				require.InDelta(t, tc.marginal[i], c.Marginal, 1e-6, "payment %d, marginal", c.Payment)
			}
		})
	}
}

// busy returns the packets of n payments of ten packets each on one phone, some
// of them retried after a minute.
func busy(n int) []radio.Packet {
	rng := rand.New(rand.NewPCG(1, 2))
	var packets []radio.Packet
	for i := range n {
		start := time.Duration(i) * 3 * time.Second
		for j := range 10 {
			when := start + time.Duration(j)*150*time.Millisecond
			if j > 5 && i%5 == 0 {
				when += time.Minute
			}
			packets = append(packets, radio.Packet{
				At: when, Size: 40 + rng.IntN(600), Payment: i + 1,
				Direction: harness.Up + harness.Direction(j%2),
			})
		}
	}
	slices.SortStableFunc(packets, func(a, b radio.Packet) int { return int(a.At - b.At) })
	return packets
}

// Ten thousand payments on one phone take no more for each than ten do: the work
// is counted, not timed.
func BenchmarkAccount(b *testing.B) {
	for _, model := range []string{"energybox-3g", "videooptimizer-lte", "videooptimizer-3g-i997"} {
		for _, n := range []int{200, 10_000} {
			b.Run(model+"/"+map[int]string{200: "200", 10_000: "10000"}[n], func(b *testing.B) {
				m, packets := lookup(b, model), busy(n)
				b.ReportAllocs()
				for b.Loop() {
					m.Account(packets)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "us/payment")
			})
		}
	}
}

func BenchmarkMachine(b *testing.B) {
	for _, model := range []string{"energybox-3g", "energybox-wifi", "videooptimizer-lte", "videooptimizer-3g-i997"} {
		b.Run(model, func(b *testing.B) {
			k := radio.NewMachine(lookup(b, model), nil)
			b.ReportAllocs()
			at := time.Duration(0)
			for i := 0; b.Loop(); i++ {
				at += 100 * time.Millisecond
				k.Packet(radio.Packet{At: at, Size: 300, Direction: harness.Up + harness.Direction(i%2)})
			}
		})
	}
}

// spent returns what a radio spends on packets.
func spent(m *radio.Model, packets iter.Seq[radio.Packet]) radio.Usage {
	k := radio.NewMachine(m, nil)
	for p := range packets {
		k.Packet(p)
	}
	return k.Finish()
}

// state returns the index of the named state, or -1.
func state(m *radio.Model, name string) int {
	return slices.IndexFunc(m.States, func(s radio.State) bool { return s.Name == name })
}
