package metric

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// toy is a radio whose joules are counted on fingers: a promotion of a second
// at 1 W before the packet, then 1 W for 10 s after the last one. Idle, it takes
// 0.1 W.
const toy = `
radio: 1
name: toy
title: a toy
kind: lte
source: nobody
confirmed: weak
states:
  - {name: IDLE, power: 0.1W, promotions: [{to: ON, takes: 1s, booked: before, power: 1W}]}
  - {name: ON, power: 1W, lasts: 10s, then: IDLE}
`

func withRadio(payload bool) history.Record {
	sc := harness.Scenario{Radio: &harness.Radio{Name: "toy.yaml", Model: toy}}
	return history.Record{Header: &history.Header{Payload: payload, Scenario: sc}}
}

func pressed(at time.Duration, id string, wallet int) history.Record {
	return history.Record{At: at, Pay: &harness.Payment{ID: id, Order: "o" + id, Wallet: wallet}}
}

// attempted returns an attempt that ended at an offset and took so long.
func attempted(at time.Duration, id string, took time.Duration) history.Record {
	return history.Record{At: at, Attempt: &harness.Attempt{Payment: id, Took: took}}
}

func sent(at time.Duration, client int) history.Record {
	return packet(harness.Packet{At: at, Client: client, Direction: harness.Up, Size: 100})
}

func TestEnergy(t *testing.T) {
	sec := time.Second
	for name, tc := range map[string]struct {
		records []history.Record
		want    want
	}{
		"one packet": {
			[]history.Record{pressed(20*sec, "p1", 0), sent(20*sec, 0), attempted(20*sec, "p1", 0)},
			want{
				"joules_per_payment": 11, "marginal_joules_per_payment": 11 - 0.1*11, "p50(joules)": 11, "promotions_per_payment": 1,
				"radio_on_seconds_per_payment": 11, "tail_share": 10.0 / 11, "battery_share_per_1000_payments": 11_000.0 / 41_580,
			},
		},
		"a lost packet up was sent, one down was never received": {
			[]history.Record{
				pressed(20*sec, "p1", 0), attempted(26*sec, "p1", 6*sec),
				packet(harness.Packet{At: 20 * sec, Direction: harness.Up, Size: 100, Drop: harness.DropOutage}),
				packet(harness.Packet{At: 25 * sec, Direction: harness.Down, Size: 100, Drop: harness.DropLoss}),
			},
			want{"joules_per_payment": 11},
		},
		"a packet down counts when it arrives": {
			[]history.Record{
				pressed(20*sec, "p1", 0), sent(20*sec, 0), attempted(26*sec, "p1", 6*sec),
				packet(harness.Packet{At: 21 * sec, Delay: 5 * sec, Direction: harness.Down, Size: 100}),
			},
			want{"joules_per_payment": 17},
		},
		"a copy down is received, one up was not sent": {
			[]history.Record{
				pressed(20*sec, "p1", 0), sent(20*sec, 0), attempted(26*sec, "p1", 6*sec),
				packet(harness.Packet{At: 21 * sec, Delay: 5 * sec, Direction: harness.Up, Size: 100, Copy: true}),
				packet(harness.Packet{At: 21 * sec, Delay: 2 * sec, Direction: harness.Down, Size: 100, Copy: true}),
			},
			want{"joules_per_payment": 14},
		},
		"the tail belongs to the payment of the last packet, its margin to nobody": {
			[]history.Record{
				pressed(20*sec, "p1", 0), sent(20*sec, 0), attempted(21*sec, "p1", sec),
				pressed(24*sec, "p2", 0), sent(24*sec, 0), attempted(25*sec, "p2", sec),
			},
			want{"joules_per_payment": 7.5, "max(joules)": 10, "p50(joules)": 5, "promotions_per_payment": 0.5, "marginal_joules_per_payment": (4 + 4) * 0.9 / 2},
		},
		"each phone has a radio": {
			[]history.Record{
				pressed(20*sec, "p1", 0), sent(20*sec, 0), attempted(21*sec, "p1", sec),
				pressed(24*sec, "p2", 1), sent(24*sec, 1), attempted(25*sec, "p2", sec),
			},
			want{"joules_per_payment": 11, "promotions_per_payment": 1},
		},
		"the first packet of an attempt that was recorded late belongs to it": {
			[]history.Record{
				pressed(20*sec, "p1", 0), sent(20*sec, 0), sent(20*sec+5*time.Millisecond, 0), attempted(21*sec+5*time.Millisecond, "p1", sec),
				pressed(40*sec, "p2", 0), sent(40*sec, 0), sent(40*sec+5*time.Millisecond, 0), attempted(41*sec+5*time.Millisecond, "p2", sec),
			},
			want{"joules_per_payment": 11.005, "max(joules)": 11.005, "promotions_per_payment": 1},
		},
		"cross traffic is no payment's": {
			[]history.Record{
				pressed(20*sec, "p1", 0), sent(20*sec, 0), attempted(30*sec, "p1", 10*sec),
				packet(harness.Packet{At: 22 * sec, Direction: harness.Up, Size: 1500, Cross: true}),
			},
			want{"joules_per_payment": 3},
		},
		"a payment that sent nothing": {
			[]history.Record{pressed(20*sec, "p1", 0), pressed(20*sec, "p2", 1), sent(20*sec, 0), attempted(20*sec, "p1", 0)},
			want{"joules_per_payment": 5.5, "p50(joules)": 0, "max(joules)": 11},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(append([]history.Record{withRadio(false)}, tc.records...)...)
			figures := c.Figures()
			for name, want := range tc.want {
				got, ok := figures.Get(name)
				require.True(t, ok, name)
				require.InDelta(t, want, got.Value, 1e-9, name)
			}
		})
	}
}

func TestEnergyOfTheRun(t *testing.T) {
	sec := time.Second
	c := collect(withRadio(true), pressed(20*sec, "p1", 0), sent(5*sec, 0), sent(20*sec, 0), attempted(21*sec, "p1", sec),
		packet(harness.Packet{At: 22 * sec, Client: 3, Direction: harness.Down, Delay: sec, Size: 10, Cross: true}))
	e := c.Energy()
	require.InDelta(t, 33+0.1*(4+4+22), e.Joules, 1e-9)
	e.Joules = 0
	require.InDelta(t, 3, e.States[0].Joules, 1e-9)
	e.States[0].Joules = 0
	require.Equal(t, &result.Energy{
		Model: "toy", Title: "a toy", Approximate: true, Priced: true, Phones: 2, Span: 63 * sec,
		States:     []result.RadioState{{Name: "IDLE", Time: 30 * sec}, {Name: "ON", Time: 30 * sec, Joules: 30}, {Name: "promotion", Time: 3 * sec, Joules: 3}},
		Promotions: 3, Wakeups: 3, Tail: 30, Payments: 11, Others: 22,
	}, e)

	c.Add(sent(25*sec, 0)) // the account is made anew
	require.InDelta(t, 16, c.Energy().Payments, 1e-9)
}

func TestNoEnergy(t *testing.T) {
	for name, r := range map[string]*harness.Radio{
		"no radio":          nil,
		"an unknown radio":  {Name: "carrier-pigeon"},
		"a file of nothing": {Name: "my.yaml", Model: "radio: 1"},
	} {
		h := history.Record{Header: &history.Header{Scenario: harness.Scenario{Radio: r}}}
		c := collect(h, pressed(0, "p1", 0), sent(0, 0))
		require.Nil(t, c.Energy(), name)
		_, ok := c.Figures().Get("joules_per_payment")
		require.False(t, ok, name)
	}
	c := collect(history.Record{Header: &history.Header{Scenario: harness.Scenario{Radio: &harness.Radio{Name: "videooptimizer-lte"}}}})
	require.Nil(t, c.Energy(), "nothing was sent")
	c.Add(sent(0, 0))
	require.Equal(t, "videooptimizer-lte", c.Energy().Model)
}

// A model without powers tells times, and no joules.
func TestEnergyWithoutPowers(t *testing.T) {
	c := collect(history.Record{Header: &history.Header{Scenario: harness.Scenario{Radio: &harness.Radio{Name: "nr-sa"}}}},
		pressed(0, "p1", 0), sent(0, 0), attempted(0, "p1", 0))
	require.False(t, c.Energy().Priced)
	require.Zero(t, c.Energy().Joules)
	_, ok := c.Figures().Get("promotions_per_payment")
	require.True(t, ok)
	_, ok = c.Figures().Get("joules_per_payment")
	require.False(t, ok)
	_, ok = c.Figures().Get("tail_share")
	require.False(t, ok)
}

// attribute says what its definition says.
func TestPropertyAttribute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Int64Range(0, 30)
		var attempts []span
		for i := range rapid.IntRange(0, 8).Draw(t, "attempts") {
			from := offset.Draw(t, "from")
			attempts = append(attempts, span{time.Duration(from), time.Duration(from + offset.Draw(t, "took")), int32(i + 1)})
		}
		var air []crossing
		for _, at := range rapid.SliceOfN(offset, 0, 12).Draw(t, "packets") {
			air = append(air, crossing{at: time.Duration(2 * at)})
		}
		slices.SortFunc(air, func(a, b crossing) int { return int(a.at - b.at) })
		defined := func(at time.Duration) (under, last span) {
			for _, s := range attempts {
				if s.from <= at && at <= s.to && (under.payment == 0 || s.from >= under.from) {
					under = s
				}
				if s.to < at && (last.payment == 0 || s.to > last.to) {
					last = s
				}
			}
			return under, last
		}
		attribute(air, slices.Clone(attempts))
		for _, x := range air {
			under, last := defined(x.at)
			switch {
			case under.payment != 0:
				require.Equal(t, under.payment, x.owed)
			case last.payment == 0:
				require.Zero(t, x.owed)
			default:
				require.Equal(t, last.to, attempts[x.owed-1].to)
			}
		}
	})
}

func BenchmarkCollector(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmark(b, header(false), 10_000) })
	b.Run("energy", func(b *testing.B) { benchmark(b, withRadio(false), 10_000) })
	b.Run("energy, a million packets", func(b *testing.B) {
		if testing.Short() {
			b.Skip("short")
		}
		benchmark(b, withRadio(false), 125_000)
	})
}

func benchmark(b *testing.B, first history.Record, payments int) {
	b.Helper()
	const perPayment = 12
	records := []history.Record{first, {Phase: &history.Phase{}}}
	for i := range payments {
		at, id := time.Duration(i)*ms, fmt.Sprintf("p%d", i)
		records = append(records, pressed(at, id, i%100), told(at+ms, id, harness.Queued), told(at+2*ms, id, harness.Confirmed),
			history.Record{At: at + 2*ms, Attempt: &harness.Attempt{Payment: id, Took: 2 * ms}})
		for range perPayment - 4 {
			records = append(records, packet(harness.Packet{At: at, Client: i % 100, N: int64(i), Direction: harness.Up, Size: 100, Delay: ms}))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c := collect(records...)
		c.Figures()
		c.Energy()
	}
	b.ReportMetric(float64(len(records))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
