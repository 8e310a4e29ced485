package metric

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

// A payment belongs to the phase in force at its first press, a packet to that
// in which it was offered, and phases of one name are pooled.
func TestFiguresOfAPhase(t *testing.T) {
	phase := func(at time.Duration, name string) history.Record {
		return history.Record{At: at, Phase: &history.Phase{Name: name}}
	}
	expect := map[PhaseFigure]float64{
		{Name: "payments", Phase: "edge"}:               2,
		{Name: "presses", Phase: "edge"}:                3,
		{Name: "confirmed", Phase: "edge"}:              2,
		{Name: "payments", Phase: "tunnel"}:             1,
		{Name: "confirmed", Phase: "tunnel"}:            0,
		{Name: "unknown", Phase: "tunnel"}:              1,
		{Name: "max(confirm)", Phase: "edge"}:           21,
		{Name: "attempts_per_payment", Phase: "edge"}:   1,
		{Name: "mean(attempt)", Phase: "tunnel"}:        3,
		{Name: "bytes_per_payment", Phase: "edge"}:      150,
		{Name: "bytes_per_payment", Phase: "tunnel"}:    80,
		{Name: "retransmitted_share", Phase: "tunnel"}:  1,
		{Name: "retransmitted_share", Phase: "edge"}:    0,
		{Name: "loss_up", Phase: "edge"}:                1.0 / 3,
		{Name: "joules_per_payment", Phase: "edge"}:     11,
		{Name: "joules_per_payment", Phase: "tunnel"}:   11,
		{Name: "payments", Phase: "start"}:              -1, // there was none
		{Name: "max(confirm)", Phase: "tunnel"}:         -1, // no payment of it was confirmed
		{Name: "attempts_per_payment", Phase: "a link"}: -1, // no payment in it
	}
	wanted := slices.Collect(maps.Keys(expect))
	sec := time.Second
	c := collect(
		withRadio(false),
		phase(0, "edge"),
		pressed(1*sec, "p1", 0), sent(1*sec, 0), attempted(2*sec, "p1", sec),
		phase(11*sec, "tunnel"),
		pressed(12*sec, "p2", 0),
		packet(harness.Packet{At: 12 * sec, Direction: harness.Up, Size: 80, Retransmit: true, Drop: harness.DropOutage}),
		attempted(15*sec, "p2", 3*sec),
		history.Record{At: 20 * sec, Pay: &harness.Payment{ID: "p1b", Order: "op1", Wallet: 0}},
		told(22*sec, "p1b", harness.Confirmed),
		phase(30*sec, "a link"),
		phase(40*sec, "edge"),
		pressed(41*sec, "p3", 1), sent(41*sec, 1),
		packet(harness.Packet{At: 41 * sec, Client: 1, Direction: harness.Up, Size: 100, Drop: harness.DropLoss}),
		attempted(42*sec, "p3", sec), told(42*sec, "p3", harness.Confirmed),
		told(50*sec, "p2", harness.OutcomeUnknown),
	)
	figures := c.Figures(wanted...)
	seen := 0
	for name, want := range expect {
		got, ok := figures.Get(name.String())
		require.Equal(t, want >= 0, ok, name)
		if ok {
			seen++
			require.InDelta(t, want, got.Value, 1e-9, name)
		}
	}
	plain := len(c.Figures())
	require.Equal(t, len(figures), plain+seen, "each figure is there once")
}
